/** @file Run folders on disks that fail: every change in turn, full for once or dead from there on. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { DiskBench } from "../fuzz/disk.js";

let bench: DiskBench;
beforeAll(async () => {
  bench = await DiskBench.open();
});
afterAll(() => bench?.close());

const CASES = (["new", "replace", "resume"] as const).flatMap((scenario) =>
  (["full", "dead"] as const).map((fault) => [scenario, fault] as const),
);
it.each(CASES)("a run (%s) loses and mixes nothing on a disk that is %s at any change", async (scenario, fault) => {
  let at = 1;
  while (await bench.try({ scenario, fault, at })) at++;
  // Each run changes the disk at least by lock, configuration, two epochs, model and summary.
  expect(at).toBeGreaterThan(scenario === "resume" ? 12 : 25);
});
