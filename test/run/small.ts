/** @file A small run as a script of its own would do it, through the run room alone: no Node, no test runner. */
import { digits } from "../../src/data/index.js";
import { createRun, type RunResult, runConfig } from "../../src/run/index.js";

/** Settings of the small run, as `train` takes them too. */
export const SMALL = { model: "mlp", bits: "1W4A", limit: 128, testLimit: 64, epochs: 2, batch: 32, seed: 7 } as const;

/** The small run on images in memory. */
export function smallRun(): Promise<RunResult> {
  return createRun(runConfig(SMALL), { data: digits({ seed: 1, train: 128, test: 64 }) });
}

/** What names its result: SHA-256 of the weights and of the packed file, and what the test found. */
export async function smallResult(): Promise<object> {
  const { weightsSha256, packed, accuracy, epochs, stopped } = await smallRun();
  return {
    weightsSha256,
    packed: packed?.sha256,
    top1: accuracy?.top1,
    packedTop1: packed?.accuracy.top1,
    epochs,
    stopped,
  };
}
