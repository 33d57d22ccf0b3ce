import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { narrowText, type Pair } from "../../src/cli/quickstart/answer.js";
import { appears, outcomeOf, Workbench } from "./run.js";

/** The quickstart at a tenth of its size; its full size is `npm start`. */

interface Answer {
  runs: { run: string; method: string; top1: number; bytes: number; weightsSha256: string }[];
  narrow: { bits: string; method: string; seeds: number[]; top1: number[]; mean: number; weightsSha256: string[] }[];
  codesIdentical: boolean;
  codes: { equal: number; total: number };
  weightsSha256: string;
  report: string;
}

const SMALL = ["quickstart", "--limit", "400", "--epochs", "1"];
let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench?.close());

describe("quickstart", () => {
  it("trains, packs, verifies and reports, with the same weights every time", async () => {
    const first = await bench.childJson<Answer>(...SMALL);
    expect(first.runs.map(({ method }) => method)).toEqual(["float", "ptq", "bcgd"]);
    expect(first.codesIdentical).toBe(true);
    expect(first.codes.total).toBe(29_696_000);
    expect(first.runs[0].bytes / first.runs[2].bytes).toBeGreaterThan(25);
    expect(first.narrow.map(({ bits, method, seeds }) => [bits, method, seeds])).toEqual([
      ["1W2A", "ptq", [1, 2, 3]],
      ["1W2A", "bcgd", [1, 2, 3]],
    ]);
    const [untrained, trained] = first.narrow;
    expect(new Set(trained.weightsSha256).size).toBe(3);
    expect(trained.mean).toBeCloseTo((trained.top1[0] + trained.top1[1] + trained.top1[2]) / 3, 9);
    const page = readFileSync(first.report, "utf8");
    for (const run of first.runs) expect(page).toContain(run.weightsSha256);
    for (const sha256 of [...untrained.weightsSha256, ...trained.weightsSha256]) expect(page).toContain(sha256);
    expect(page).toContain('Figures of <a href="#run-0">bcgd</a>');
    expect(page).toContain("29,696,000 of 29,696,000 codes equal");

    const { code, stdout, stderr } = await bench.child(...SMALL, "--data", "digits");
    expect(code).toBe(0);
    expect(stdout).toContain(`SHA-256           ${first.weightsSha256}`);
    expect(stdout).toContain("codes identical   yes (29,696,000 of 29,696,000");
    expect(stdout).toMatch(/^1W4A, BCGD, ρ = 1e-5 +\d+\.\d\d % ± \d\.\d\d +[\d,]+ +\d+\.\d\d$/m);
    expect(stdout).toMatch(/^post-training +\d+\.\d\d % ± \d+\.\d\d( +\d+\.\d\d %){3}$/m);
    // So little training is worth nothing, and nothing is claimed.
    expect(stdout).toContain("training gains    nothing that 3 seeds and these images show (+2.87 ± 2.42 points)\n");
    expect(stderr).toContain("train 1W4A bcgd");
  }, 300_000);

  it("says what training gains where the seeds and the images show it", () => {
    const result = (seed: number, top1: number) => ({ seed, testImages: 1000, packed: { top1 } });
    const pairs = (trained: number[]) =>
      trained.map((top1, i) => ({ ptq: result(i + 1, 89 + i / 2), bcgd: result(i + 1, top1) })) as unknown as Pair[];
    expect(narrowText(pairs([98.1, 98.1, 98.4])).split("\n")).toEqual([
      "1W2A, 1,000 test images  mean ± deviation   seed 1   seed 2   seed 3",
      "───────────────────────  ────────────────  ───────  ───────  ───────",
      "post-training              89.50 % ± 0.50  89.00 %  89.50 %  90.00 %",
      "BCGD, ρ = 1e-5             98.20 % ± 0.17  98.10 %  98.10 %  98.40 %",
      "",
      "training gains    +8.70 ± 1.10 points",
    ]);
    expect(narrowText(pairs([89.1, 90, 91]))).toContain("nothing that 3 seeds and these images show (+0.53 ± ");
  });

  // Windows ends a process at once that is sent a signal.
  it.skipIf(process.platform === "win32")("stops on Ctrl-C, with its child", async () => {
    const child = bench.start(...SMALL, "--epochs", "50", "--out", "stopped");
    const ended = outcomeOf(child);
    await appears(bench.file("stopped", "float", "checkpoint.safetensors"));
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(stderr).toMatch(/coarsegrad: train: interrupted\n$/);
    expect(code).toBe(130);
  });

  it("fails with its child's message", async () => {
    const { code, stderr } = await bench.child(...SMALL, "--data", "mnist", "--quiet");
    expect(stderr).toMatch(/^coarsegrad: train: mnist: data set not found; .*\n$/);
    expect(code).toBe(1);
  });
});
