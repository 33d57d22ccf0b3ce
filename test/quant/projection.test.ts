/** @file Projections against golden values, brute force and their defining properties. */
import { describe, expect, it } from "vitest";
import { ArgumentError, QuantError, ShapeError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import {
  binary,
  oneShot,
  type Projection,
  projectionFor,
  projectionNamed,
  projections,
  ternary,
  ternaryThreshold,
  uniform,
} from "../../src/quant/index.js";
import { projectRow } from "../../src/quant/projection/projection.js";
import { disposeLater } from "../leaks.js";
import { bruteForce, distance, project, weights } from "./oracles.js";

const SEED = 8051;
const GOLDEN = [0.5, -0.25, 0, 1.5, -1, 0.125, -0.0625, 0.75];

const RULES: Record<string, Projection> = {
  "binary mean": binary(),
  "binary median": binary({ scale: "median" }),
  ternary: ternary(),
  "ternary threshold": ternaryThreshold(),
  "ternary threshold over all": ternaryThreshold({ scale: "all" }),
  ...Object.fromEntries([3, 4, 5, 6, 7, 8].map((bits) => [`uniform ${bits}`, uniform({ bits, iterations: Infinity })])),
  "uniform 4 from rms": uniform({ bits: 4, start: "rms" }),
  ...Object.fromEntries([3, 4, 8].map((bits) => [`one-shot ${bits}`, oneShot({ bits })])),
};

describe("golden values", () => {
  it("binary mean, sign(0) = +1", () => {
    const { q, delta } = project(binary(), GOLDEN);
    expect(delta).toBe(0.5234375);
    expect([...q]).toEqual([1, -1, 1, 1, -1, 1, -1, 1]);
    expect([...project(binary(), [-0, 0, -1]).q]).toEqual([1, 1, -1]);
  });
  it("binary median", () => {
    expect(project(binary({ scale: "median" }), GOLDEN).delta).toBe((0.25 + 0.5) / 2);
    expect(project(binary({ scale: "median" }), [3, -1, 2]).delta).toBe(2);
  });
  it("ternary threshold", () => {
    const kept = project(ternaryThreshold(), GOLDEN);
    expect(kept.delta).toBe(0.9375);
    expect([...kept.q]).toEqual([1, 0, 0, 1, -1, 0, 0, 1]);
    const all = project(ternaryThreshold({ scale: "all" }), GOLDEN);
    expect(all.delta).toBe(0.46875);
    expect([...all.q]).toEqual([...kept.q]);
  });
  it("one-shot 4-bit", () => {
    const { q, delta } = project(oneShot(), GOLDEN);
    expect(delta).toBe(0.20703125);
    expect([...q]).toEqual([2, -1, 0, 7, -5, 1, 0, 4]);
  });
});

describe("against every admissible choice", () => {
  const levels = { 1: [-1, 1], 2: [-1, 0, 1], 3: [-3, -2, -1, 0, 1, 2, 3] };
  it.each([
    ["binary", binary(), levels[1], 10],
    ["ternary", ternary(), levels[2], 8],
  ] as const)("%s is optimal", (_, rule, set, most) => {
    const rng = new Rng(SEED);
    for (let trial = 0; trial < 120; trial++) {
      const w = weights(rng, 1 + rng.int(most));
      const { q, delta } = project(rule, w);
      const best = bruteForce(w, set);
      const scale = distance(w, new Int8Array(w.length), 0);
      expect(distance(w, q, delta) - best, `seed ${SEED}, trial ${trial}`).toBeLessThanOrEqual(1e-6 * scale);
    }
  });
  it("uniform is never better than the best, and no single change of a code or of δ improves it", () => {
    const rng = new Rng(SEED + 1);
    const rule = uniform({ bits: 3, iterations: Infinity });
    for (let trial = 0; trial < 40; trial++) {
      const w = weights(rng, 1 + rng.int(5));
      const { q, delta } = project(rule, w);
      const own = distance(w, q, delta);
      const scale = distance(w, new Int8Array(w.length), 0);
      expect(own).toBeGreaterThanOrEqual(bruteForce(w, levels[3]) - 1e-6 * scale);
      for (let i = 0; i < w.length; i++) {
        for (const level of levels[3]) {
          const other = Int8Array.from(q);
          other[i] = level;
          expect(distance(w, other, delta), `trial ${trial}`).toBeGreaterThanOrEqual(own - 1e-6 * scale);
        }
      }
      for (const factor of [0.99, 1.01]) {
        expect(distance(w, q, delta * factor)).toBeGreaterThanOrEqual(own - 1e-6 * scale);
      }
    }
  });
});

describe("large rows (linear-time selection)", () => {
  const draw = (trial: number, n: number): Float32Array => {
    const rng = new Rng(SEED + 10 + trial);
    const w = weights(rng, n);
    // Heavy tails and plateaus move the optimum around.
    if (trial % 3 === 1) for (let i = 0; i < n; i++) w[i] = rng.normal() ** 3;
    if (trial % 3 === 2) for (let i = 0; i < n; i++) w[i] = Math.fround(Math.sign(w[i]) * (1 + rng.int(3)));
    return w;
  };
  it("ternary has the score of a full sort", () => {
    for (let trial = 0; trial < 12; trial++) {
      const w = draw(trial, 4097 + 911 * trial);
      const { q, delta } = project(ternary(), w);
      const sorted = Float64Array.from(w, Math.abs).sort().reverse();
      let [sum, most, kept] = [0, 0, 0];
      sorted.forEach((value, i) => {
        sum += value;
        if ((sum * sum) / (i + 1) > most * (1 + 1e-12)) [most, kept] = [(sum * sum) / (i + 1), i + 1];
      });
      const count = q.reduce((total, code) => total + Math.abs(code), 0);
      const own = w.reduce((total, value, i) => total + value * q[i], 0);
      expect((own * own) / count / most, `trial ${trial}`).toBeCloseTo(1, 10);
      expect(count).toBe(kept);
      expect(delta).toBe(Math.fround(own / count));
      expect(w.every((value, i) => (q[i] === 0) === Math.abs(value) < sorted[kept - 1])).toBe(true);
    }
  });
  it("the median is the middle of a full sort", () => {
    for (let trial = 0; trial < 8; trial++) {
      const n = 4097 + trial;
      const w = draw(trial, n);
      const sorted = Float32Array.from(w, Math.abs).sort();
      const expected = n % 2 === 1 ? sorted[n >> 1] : Math.fround((sorted[n / 2 - 1] + sorted[n / 2]) / 2);
      expect(project(binary({ scale: "median" }), w).delta, `trial ${trial}`).toBe(expected);
    }
  });
});

describe.each(Object.entries(RULES))("%s", (_, rule) => {
  const trials = Array.from({ length: 25 }, (_unused, k) => {
    const rng = new Rng(SEED + 100 + k);
    return weights(rng, 1 + rng.int(60));
  });

  it("stays in its level set with δ ≥ 0 as f32", () => {
    for (const w of trials) {
      const { q, delta } = project(rule, w);
      expect(delta).toBe(Math.fround(delta));
      expect(delta).toBeGreaterThanOrEqual(0);
      for (const code of q) {
        expect(Math.abs(code)).toBeLessThanOrEqual(rule.top);
        if (rule.bits === 1) expect(Math.abs(code)).toBe(1);
      }
      expect(w.every((value, i) => value * q[i] >= 0)).toBe(true);
    }
  });
  it("proj(c·w) = c·proj(w) for c > 0", () => {
    for (const w of trials) {
      const { q, delta } = project(rule, w);
      for (const c of [2, 0.25]) {
        const scaled = project(
          rule,
          w.map((value) => c * value),
        );
        expect(scaled.delta).toBe(c * delta);
        expect([...scaled.q]).toEqual([...q]);
      }
    }
  });
  it("gives 0 for all-zero weights", () => {
    for (const n of [0, 1, 5, 33]) {
      const { q, delta } = project(rule, new Float32Array(n));
      expect(delta).toBe(0);
      expect([...q]).toEqual(new Array(n).fill(rule.bits === 1 ? 1 : 0));
    }
  });
  it("stays finite at the ends of f32", () => {
    for (const extreme of [2 ** -149, 2 ** -126, 3.4028234663852886e38]) {
      const { delta } = project(rule, [extreme, -extreme, 0, extreme / 2]);
      expect(Number.isFinite(delta)).toBe(true);
    }
  });
  it("refuses weights that are not finite", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => project(rule, [1, bad, 2])).toThrow(QuantError);
    }
    expect(() => rule.project(new Float32Array(3), new Int8Array(2))).toThrow(ShapeError);
  });
  it("is the same on a row in the heap at any address", () => {
    const w = trials.find((row) => row.length > 20) as Float32Array;
    const { q, delta } = project(rule, w);
    for (const shift of [0, 1, 3]) {
      const data = disposeLater(NDArray.empty([w.length + shift]));
      data.view().set(w, shift);
      const codes = disposeLater(NDArray.full([w.length + shift + 5], 77, "i8"));
      const row = { weights: data.ptr + 4 * shift, codes: codes.ptr + shift, length: w.length };
      expect(projectRow(rule, row)).toBe(delta);
      const all = codes.toTypedArray();
      expect([...all.slice(shift, shift + w.length)]).toEqual([...q]);
      expect([...all.slice(0, shift), ...all.slice(shift + w.length)]).toEqual(new Array(5 + shift).fill(77));
    }
  });
  it("describes itself as plain data", () => {
    const info = rule.describe();
    expect(info).toMatchObject({ name: rule.name, bits: rule.bits });
    expect(JSON.parse(JSON.stringify(info))).toEqual(info);
  });
});

describe("properties", () => {
  it.each([
    ["binary mean", binary()],
    ["binary median", binary({ scale: "median" })],
    ["ternary", ternary()],
    ["ternary threshold", ternaryThreshold()],
  ] as const)("%s is idempotent", (_, rule) => {
    for (let trial = 0; trial < 60; trial++) {
      const rng = new Rng(SEED + 300 + trial);
      const first = project(rule, weights(rng, 1 + rng.int(60)));
      const second = project(
        rule,
        Float32Array.from(first.q, (code) => first.delta * code),
      );
      expect(second.delta, `trial ${trial}`).toBe(first.delta);
      if (first.delta > 0) expect([...second.q]).toEqual([...first.q]);
    }
  });
  it("uniform keeps codes that use its top level", () => {
    const codes = [7, -7, 3, 0, -1, 5, 2];
    const { q, delta } = project(
      uniform({ bits: 4 }),
      codes.map((code) => code * 0.125),
    );
    expect([...q]).toEqual(codes);
    expect(delta).toBe(0.125);
  });
  it("the objective of uniform never rises with further iterations", () => {
    for (let trial = 0; trial < 30; trial++) {
      const rng = new Rng(SEED + 500 + trial);
      const w = weights(rng, 40);
      const bits = 3 + rng.int(6);
      for (const start of ["max", "rms"] as const) {
        const errors = Array.from({ length: 12 }, (_, i) => {
          const { q, delta } = project(uniform({ bits, iterations: i + 1, start }), w);
          return distance(w, q, delta);
        });
        const scale = distance(w, new Int8Array(40), 0);
        for (let i = 1; i < errors.length; i++) {
          expect(errors[i], `trial ${trial}, ${start}`).toBeLessThanOrEqual(errors[i - 1] + 1e-12 * scale);
        }
      }
    }
  });
  it("a tolerance stops early", () => {
    const w = new Float32Array(2000);
    new Rng(SEED).fillNormal(w, 0, 1);
    const one = project(uniform({ bits: 4, iterations: 1 }), w).delta;
    const many = project(uniform({ bits: 4, iterations: Infinity }), w).delta;
    expect(project(uniform({ bits: 4, iterations: Infinity, tolerance: 0.5 }), w).delta).toBe(one);
    expect(many).toBeLessThan(0.9 * one);
  });
  it("one-shot is one fit of uniform's alternation but for its ties", () => {
    const rng = new Rng(SEED + 700);
    const w = weights(rng, 500);
    for (const bits of [3, 4, 8]) {
      const a = project(oneShot({ bits }), w);
      const b = project(uniform({ bits, iterations: 1 }), w);
      expect([...a.q]).toEqual([...b.q]);
      expect(a.delta).toBe(b.delta);
    }
  });
  it("one-shot counts the thresholds below |w|, itself on none of them", () => {
    for (let trial = 0; trial < 40; trial++) {
      const rng = new Rng(SEED + 800 + trial);
      const bits = 3 + rng.int(6);
      const [levels, top] = [2 ** bits - 1, 2 ** (bits - 1) - 1];
      const largest = 1 + rng.int(2 ** 24);
      // Integers at and beside the thresholds (2j − 1)·largest/levels.
      const w = Float32Array.from({ length: 300 }, () => {
        const threshold = Math.round(((2 * rng.int(top + 1) + 1) * largest) / levels);
        return (rng.bool(0.5) ? 1 : -1) * Math.min(largest, Math.max(0, threshold + rng.int(3) - 1));
      });
      w[0] = largest;
      const { q } = project(oneShot({ bits }), w);
      w.forEach((value, i) => {
        let code = 0;
        while (code < top && Math.abs(value) * levels > (2 * code + 1) * largest) code++;
        expect(q[i] + 0, `trial ${trial}, ${value} of ${largest}`).toBe(Math.sign(value) * code + 0);
      });
    }
  });
  it("projectionFor has a rule for every width", () => {
    const names = [1, 2, 3, 4, 5, 6, 7, 8].map((bits) => projectionFor(bits).name);
    expect(names).toEqual(["binary", "ternary", ...new Array(6).fill("uniform")]);
    expect([1, 2, 3, 4, 8].map((bits) => projectionFor(bits).top)).toEqual([1, 1, 3, 7, 127]);
  });
});

describe("projections by name", () => {
  const names = (family: string, ...bits: number[]): string[] =>
    bits.map((width) => JSON.stringify(projectionNamed(family, width).describe()));
  const described = (...rules: Projection[]): string[] => rules.map((rule) => JSON.stringify(rule.describe()));

  it.each(Object.entries(projections))("%s has a rule of each of its widths", (name, { least, most }) => {
    for (let bits = least; bits <= most; bits++) expect(projectionNamed(name, bits).bits).toBe(bits);
    expect(() => projectionNamed(name, 9)).toThrow(ArgumentError);
  });
  it("exact is the default, authors the released code's", () => {
    expect(names("exact", 1, 2, 4)).toEqual(described(binary(), ternary(), uniform({ bits: 4 })));
    expect(names("authors", 1, 2, 3, 4)).toEqual(
      described(binary(), ternaryThreshold({ scale: "all" }), uniform({ bits: 3 }), oneShot()),
    );
    expect(names("median", 1)).toEqual(described(binary({ scale: "median" })));
    expect(names("threshold", 2)).toEqual(described(ternaryThreshold()));
    expect(names("one-shot", 3, 8)).toEqual(described(oneShot({ bits: 3 }), oneShot({ bits: 8 })));
  });
  it("are refused by name and by width", () => {
    expect(() => projectionNamed("median", 4)).toThrow(
      "projectionNamed: projection median has no such width; expected 1-bit weights, got 4 bits",
    );
    expect(() => projectionNamed("one-shot", 2)).toThrow("expected weights of 3 to 8 bits, got 2 bits");
    expect(() => projectionNamed("toString", 2)).toThrow(QuantError);
    expect(() => projectionNamed("exact", 1.5)).toThrow(ArgumentError);
  });
  it("of users stand beside them", () => {
    const mine = { ...projections, mine: { least: 1, most: 1, of: () => binary({ scale: "median" }) } };
    expect(projectionNamed("mine", 1, mine).describe()).toMatchObject({ scale: "median" });
    expect(() => projectionNamed("mine", 2, mine)).toThrow(QuantError);
  });
});

describe("rules of users", () => {
  const own = (q: number, delta: number): Projection => ({
    name: "own",
    bits: 2,
    top: 1,
    project: (_, codes) => {
      codes.fill(q);
      return delta;
    },
    describe: () => ({ name: "own", bits: 2 }),
  });
  const run = (rule: Projection): { delta: number; codes: number[] } => {
    const w = disposeLater(NDArray.full([5], 1));
    const codes = disposeLater(NDArray.empty([5], "i8"));
    const delta = projectRow(rule, { weights: w.ptr, codes: codes.ptr, length: 5 });
    return { delta, codes: [...codes.toTypedArray()] };
  };
  it("run through `project` alone, δ rounded to f32", () => {
    expect(run(own(-1, 0.1))).toEqual({ delta: Math.fround(0.1), codes: [-1, -1, -1, -1, -1] });
  });
  it("are refused outside their level set", () => {
    expect(() => run(own(2, 1))).toThrow(
      "own: the rule left its level set; expected a finite delta ≥ 0 and codes in [-1, 1], got delta 1, codes 2",
    );
    expect(() => run(own(1, Number.NaN))).toThrow(QuantError);
    expect(() => run(own(1, -1))).toThrow(QuantError);
  });
});

describe("bad options", () => {
  it.each([
    [() => binary({ scale: "mode" as "mean" }), 'binary: unknown scale; expected mean or median, got "mode"'],
    [() => ternaryThreshold({ factor: 1 }), "ternaryThreshold: bad factor; expected a number in (0, 1), got 1"],
    [
      () => ternaryThreshold({ scale: "some" as "all" }),
      'ternaryThreshold: unknown scale; expected kept or all, got "some"',
    ],
    [() => uniform({ bits: 2 }), "uniform: bad bits; expected an integer from 3 to 8, got 2"],
    [() => uniform({ bits: 9 }), "uniform: bad bits; expected an integer from 3 to 8, got 9"],
    [() => uniform({ bits: 4, iterations: 0 }), "uniform: bad options"],
    [() => uniform({ bits: 4, tolerance: 1 }), "uniform: bad options"],
    [() => uniform({ bits: 4, start: "mean" as "max" }), "uniform: bad options"],
    [() => oneShot({ bits: 2.5 }), "oneShot: bad bits"],
    [() => projectionFor(0), "projectionFor: bad bits; expected an integer from 1 to 8, got 0"],
  ] as const)("%#", (make, message) => {
    expect(make).toThrow(ArgumentError);
    expect(make).toThrow(message);
  });
});
