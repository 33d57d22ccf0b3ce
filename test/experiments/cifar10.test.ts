/** @file The CIFAR-10 study: its statistics against published values, its list of runs, its tables and their places. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: scripts without declarations.
const load = async (name: string): Promise<any> =>
  import(new URL(`../../experiments/cifar10/${name}.mjs`, import.meta.url).href);
const { deviation, incompleteBeta, mean, paired, spread, studentP, welch } = await load("statistics");
const { matching, PRETRAINED, STUDY, withSources } = await load("study");
const { blendingTable, filled, restlessness, tablesOf } = await load("tables");
const { Folder } = await load("folder");

describe("statistics", () => {
  it("give mean and sample deviation", () => {
    expect(mean([2, 4, 9])).toBe(5);
    expect(deviation([2, 4, 9])).toBeCloseTo(Math.sqrt(13), 12);
    expect(deviation([3])).toBeNaN();
    expect(spread([89.1])).toBe("89.10");
    expect(spread([1, 2, 3])).toBe("2.00 ± 1.00 (n = 3)");
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
    for (const [freedom, t] of table) expect(studentP(t, freedom)).toBeCloseTo(0.05, 6);
  });
  it("test differences, paired and by Welch", () => {
    // Differences 1, 2, 3: t = 2/(1/√3), 2 degrees of freedom.
    const pair = paired([11, 22, 33], [10, 20, 30]);
    expect(pair).toMatchObject({ difference: 2, freedom: 2 });
    expect(pair.t).toBeCloseTo(2 * Math.sqrt(3), 12);
    expect(pair.p).toBeCloseTo(1 - (2 * Math.sqrt(3)) / Math.sqrt(14), 12);
    // Equal sizes and variances: 2n − 2 degrees of freedom, t = difference/√(2 s²/n).
    const two = welch([4, 5, 6], [1, 2, 3]);
    expect(two.freedom).toBeCloseTo(4, 12);
    expect(two.t).toBeCloseTo(3 / Math.sqrt(2 / 3), 12);
    expect(two.p).toBeCloseTo(studentP(two.t, 4), 12);
  });
});

describe("the list of runs", () => {
  it("has ids of its own, and sources that come before", () => {
    const ids = STUDY.map(({ id }: { id: string }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [i, { from }] of STUDY.entries()) {
      if (from !== null && from !== PRETRAINED) expect(ids.slice(0, i)).toContain(from);
    }
  });
  it("has every row that the tables need", () => {
    const count = (pattern: string) => matching([pattern]).length;
    expect([count("table1/"), count("table2/"), count("table3/"), count("instability/"), count("vgg11/")]).toEqual([
      20, 12, 10, 3, 5,
    ]);
    expect(matching(["table2/rho-0-"])).toHaveLength(3);
    expect(withSources(matching(["instability/*identity"])).map(({ id }: { id: string }) => id)).toEqual([
      "table1/32w4a",
      "instability/32w4a-identity",
    ]);
  });
});

const result = (fields: object) => ({
  ...{
    row: "ρ = 0",
    table: "2",
    bits: "1W4A",
    epochs: 6,
    plannedEpochs: 6,
    trainImages: 50_000,
    plannedImages: 50_000,
    testImages: 10_000,
    seed: 1,
  },
  ...{ top1: 80, wallSeconds: 600, imagesPerSecond: 400, weightsSha256: "ab".repeat(32), packed: null, verified: null },
  ...{ loss: [1, 0.5], valAccuracy: [50, 60, 55, 62, 80, 80], flipRatio: [0.01, 0.02] },
  ...fields,
});

describe("tables", () => {
  it("tell restlessness before the drop of the rate", () => {
    expect(restlessness([50, 60, 55, 62, 80], 4)).toBeCloseTo((10 + 5 + 7) / 3, 12);
  });
  it("compare each ρ with ρ = 0 over the seeds that both have", () => {
    const base = [1, 2, 3].map((seed) => result({ seed, top1: 80 + seed }));
    const blended = [1, 2, 3].map((seed) => result({ row: "ρ = 1e-5", seed, top1: 81 + seed + 0.1 * seed }));
    const text = blendingTable([...base, ...blended]);
    expect(text).toContain("| ρ = 0 | 82.00 ± 1.00 (n = 3) |");
    // Differences 1.1, 1.2, 1.3: t = 1.2/(0.1/√3), p = 1 − t/√(2 + t²).
    const t = 12 * Math.sqrt(3);
    expect(text).toContain(`| ρ = 1e-5, final top-1 | +1.20 | ${(1 - t / Math.sqrt(2 + t * t)).toFixed(3)} |`);
  });
  it("mark trials, and leave out what was not run", () => {
    const tables = tablesOf([result({ table: "1", row: "1W4A", epochs: 1, trainImages: 512 })]);
    expect(tables.map(([name]: [string]) => name)).toEqual(["1", "runs"]);
    expect(tables[0][1]).toContain("| 1W4A (**trial**: 1 epochs instead of 6, 512 training images) | 80.00 % |");
  });
  it("list every run with the command that makes it again", () => {
    const record = result({ id: "table2/a", command: "npx coarsegrad train --seed 1", trainImages: 20_000 });
    expect(new Map(tablesOf([record])).get("runs")).toContain(
      "| `table2/a` | 6 | 20,000 | 1 | 10.0 min | 400 | 80.00 % | `abababababababab…` | `npx coarsegrad train --seed 1` |",
    );
  });
  it("tell of runs that diverged", () => {
    const nothing = {
      top1: null,
      wallSeconds: null,
      imagesPerSecond: null,
      weightsSha256: null,
      loss: [],
      valAccuracy: [],
    };
    const record = result({
      id: "a",
      table: "3",
      row: "pact",
      bits: "32W2A",
      epochs: 0,
      ...nothing,
      diverged: { epoch: 1, step: 14 },
    });
    expect(new Map(tablesOf([record])).get("3")).toContain(
      "| pact: **diverged** in epoch 1, step 14 | 2A | – | – | – | 0 | 1 | – | – |",
    );
  });
  it("go between their markers, again and again", () => {
    const text = "a\n<!-- table: 1 -->\nold\n<!-- /table: 1 -->\nb";
    const once = filled(text, "1", "new");
    expect(once).toBe("a\n<!-- table: 1 -->\n\nnew\n\n<!-- /table: 1 -->\nb");
    expect(filled(once, "1", "new")).toBe(once);
    expect(() => filled(text, "2", "new")).toThrow(/no place for table 2/);
  });
  it("have a place each in docs/reproduction.md", () => {
    const page = readFileSync(new URL("../../docs/reproduction.md", import.meta.url), "utf8");
    for (const name of new Set(["runs", ...STUDY.map(({ table }: { table: string }) => table)])) {
      expect(() => filled(page, name, "x")).not.toThrow();
    }
  });
});

describe("the study's folder", () => {
  const out = mkdtempSync(path.join(tmpdir(), "coarsegrad-study-"));
  afterAll(() => rmSync(out, { recursive: true, force: true }));
  it("belongs to one living process at a time", () => {
    const folder = new Folder(out);
    const release = folder.lock();
    expect(() => folder.lock()).toThrow(/is at work there/);
    release();
    // What a killed process left behind keeps nobody out.
    writeFileSync(path.join(out, ".lock"), "999999999");
    folder.lock()();
  });
  it("says why a run waits whose start diverged", () => {
    const [data, study] = [path.join(out, "data"), path.join(out, "study")];
    mkdirSync(path.join(data, "pretrained"), { recursive: true });
    writeFileSync(path.join(data, "pretrained", PRETRAINED), "");
    mkdirSync(path.join(study, "table1", "32w4a"), { recursive: true });
    writeFileSync(path.join(study, "coarsegrad.mjs"), "");
    writeFileSync(path.join(study, "table1", "32w4a", "diverged.json"), '{"epoch":1,"step":3}');
    const script = fileURLToPath(new URL("../../experiments/cifar10/run.mjs", import.meta.url));
    const args = ["run", "--out", study, "--data-dir", data, "--only", "instability/32w4a-relu"];
    const { status, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
    expect(stderr).toContain("instability/32w4a-relu: its start table1/32w4a diverged");
    expect(stderr).toContain("1 of 2 done, 0 failed, 1 waiting");
    expect(status).toBe(1);
    const listed = spawnSync(process.execPath, [script, "list", ...args.slice(1)], { encoding: "utf8" }).stdout;
    expect(listed).toMatch(/^instability\/32w4a-relu .* about \d+ min, if its start table1\/32w4a had not diverged$/m);
    rmSync(path.join(study, "table1", "32w4a", "diverged.json"));
    const open = spawnSync(process.execPath, [script, "list", ...args.slice(1)], { encoding: "utf8" }).stdout;
    expect(open).toMatch(/^instability\/32w4a-relu .* about \d+ min, after table1\/32w4a$/m);
  });
});
