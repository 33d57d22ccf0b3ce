/** @file What a sweep makes of its runs: means over seeds, comparisons, and the statistics behind them. */
import { describe, expect, it } from "vitest";
import { groupResults, type SweepResult } from "../../src/sweep/results.js";
import {
  deviation,
  incompleteBeta,
  mean,
  paired,
  spread,
  studentP,
  studentT,
  welch,
} from "../../src/sweep/statistics.js";

describe("statistics", () => {
  it("give mean and sample deviation", () => {
    expect(mean([2, 4, 9])).toBe(5);
    expect(deviation([2, 4, 9])).toBeCloseTo(Math.sqrt(13), 12);
    expect(deviation([3])).toBeNaN();
    expect(spread([89.1])).toBe("89.10");
    expect(spread([1, 2, 3])).toBe("2.00 ± 1.00 (n = 3)");
    expect(spread([])).toBe("–");
  });
  it("know the incomplete beta function where it has a closed form", () => {
    for (const x of [0, 0.1, 0.37, 0.5, 0.9, 1]) {
      expect(incompleteBeta(x, 1, 1)).toBeCloseTo(x, 13);
      expect(incompleteBeta(x, 3, 1)).toBeCloseTo(x ** 3, 13);
      expect(incompleteBeta(x, 1, 4)).toBeCloseTo(1 - (1 - x) ** 4, 13);
      expect(incompleteBeta(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 12);
    }
  });
  it("know Student's distribution: closed forms and tabled 5 % points", () => {
    // One degree of freedom is Cauchy's; two have t/√(2 + t²).
    for (const t of [0, 0.3, 1, 4, 50]) {
      expect(studentP(t, 1)).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(t), 12);
      expect(studentP(-t, 2)).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 12);
    }
    const table: [freedom: number, t: number][] = [
      [3, 3.182446],
      [5, 2.570582],
      [10, 2.228139],
      [30, 2.042272],
    ];
    for (const [freedom, t] of table) {
      expect(studentP(t, freedom)).toBeCloseTo(0.05, 6);
      expect(studentT(0.05, freedom)).toBeCloseTo(t, 5);
    }
    for (const bad of [0, 1, Number.NaN]) expect(studentT(bad, 3)).toBeNaN();
  });
  it("test differences, paired and by Welch", () => {
    // Differences 1, 2, 3: t = 2/(1/√3), 2 degrees of freedom.
    const pair = paired([11, 22, 33], [10, 20, 30]);
    expect(pair).toMatchObject({ difference: 2, freedom: 2 });
    expect(pair.t).toBeCloseTo(2 * Math.sqrt(3), 12);
    expect(pair.margin).toBeCloseTo(4.302653 / Math.sqrt(3), 5);
    expect(pair.p).toBeCloseTo(1 - (2 * Math.sqrt(3)) / Math.sqrt(14), 12);
    // Equal sizes and variances: 2n − 2 degrees of freedom, t = difference/√(2 s²/n).
    const two = welch([4, 5, 6], [1, 2, 3]);
    expect(two.freedom).toBeCloseTo(4, 12);
    expect(two.t).toBeCloseTo(3 / Math.sqrt(2 / 3), 12);
    expect(two.margin).toBeCloseTo(2.776445 * Math.sqrt(2 / 3), 5);
    expect(two.p).toBeCloseTo(studentP(two.t, 4), 12);
  });
  it("say nothing where nothing varies", () => {
    expect(paired([2, 3], [1, 2])).toMatchObject({ difference: 1, margin: Number.NaN, p: Number.NaN });
  });
});

describe("groups", () => {
  const result = (group: string, seed: number, top1: number | null): SweepResult => {
    const packed = { top1: (top1 ?? 0) - 0.5, bytes: 1000 };
    const summary = top1 === null ? null : ({ top1, packed, wallSeconds: 10 * seed } as SweepResult["summary"]);
    const [entry] = group.split("/");
    const status = top1 === null ? "failed" : "done";
    const more = { title: group, error: null, id: "", folder: "", from: null, settings: {} };
    return { name: `${group}-seed-${seed}`, group, entry, seed, status, summary, ...more };
  };
  it("have means over the seeds that are done, and are compared over those that both have", () => {
    const results = [
      ...[1, 2, 3].map((seed) => result("rho/0", seed, 80 + seed)),
      ...[1, 2, 3].map((seed) => result("rho/1e-5", seed, 81 + seed + 0.1 * seed)),
      ...[2, 3, 4].map((seed) => result("rho/1e-4", seed, seed === 4 ? null : 79)),
      result("other/a", 1, 50),
    ];
    const [base, blended, short, other] = groupResults(results);
    expect(base).toMatchObject({ seeds: [1, 2, 3], runs: 3, against: null, top1: { mean: 82, deviation: 1 } });
    expect(base.wallSeconds?.mean).toBe(20);
    // Differences 1.1, 1.2, 1.3: t = 1.2/(0.1/√3), p = 1 − t/√(2 + t²).
    const t = 12 * Math.sqrt(3);
    expect(blended.against?.difference).toBeCloseTo(1.2, 10);
    expect(blended.against?.margin).toBeCloseTo((4.302653 * 0.1) / Math.sqrt(3), 5);
    expect(blended.against?.p).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 8);
    expect(short).toMatchObject({ seeds: [2, 3], runs: 3, against: { group: "rho/0", difference: -3.5 } });
    const same = groupResults(
      [1, 2].flatMap((seed) => ["rho/0", "rho/1"].map((group) => result(group, seed, 70 + seed))),
    )[1];
    expect(same.against).toEqual({ group: "rho/0", difference: 0, margin: null, p: null });
    expect(other).toMatchObject({ against: null, top1: { mean: 50, deviation: null } });
  });
});
