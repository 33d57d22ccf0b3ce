import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appears, outcomeOf, Workbench } from "./run.js";

/** The quickstart at a tenth of its size; its full size is `npm start`. */

interface Answer {
  runs: { run: string; method: string; top1: number; bytes: number; weightsSha256: string }[];
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
    expect(first.runs.map(({ method }) => method)).toEqual(["float", "ptq", "bc", "bcgd"]);
    expect(first.codesIdentical).toBe(true);
    expect(first.codes.total).toBe(29_696_000);
    expect(first.runs[0].bytes / first.runs[3].bytes).toBeGreaterThan(25);
    const page = readFileSync(first.report, "utf8");
    for (const run of first.runs) expect(page).toContain(run.weightsSha256);
    expect(page).toContain("29,696,000 of 29,696,000 codes equal");

    const { code, stdout, stderr } = await bench.child(...SMALL, "--data", "digits");
    expect(code).toBe(0);
    expect(stdout).toContain(`SHA-256           ${first.weightsSha256}`);
    expect(stdout).toContain("codes identical   yes (29,696,000 of 29,696,000");
    expect(stdout).toMatch(/^1W4A, BCGD, ρ = 1e-5 +\d+\.\d\d % +[\d,]+ +\d+\.\d\d$/m);
    expect(stderr).toContain("train 1W4A bcgd");
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
