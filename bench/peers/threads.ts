/** @file Ourselves on one and on two threads. */
import { GEMM_SHAPES } from "../../src/cli/bench/shapes.js";
import { TRAIN_SPECS, trainWork } from "../../src/cli/bench/train.js";
import type { Contender } from "./alternate.js";
import { gemmWork, startOurselves } from "./ourselves.js";
import type { Served } from "./served.js";

/** Threads that are compared. */
const COUNTS = [1, 2];

/** What is measured. */
export const THREAD_WORKS: readonly string[] = [...GEMM_SHAPES.map(gemmWork), ...TRAIN_SPECS.map(trainWork)];

/** Two threads first, as what the other is compared with: a ratio is how many times as fast they are. */
export async function startThreadProcesses(): Promise<{ contenders(work: string): Contender[]; close(): void }> {
  const started: { served: Served; threads: number }[] = [];
  for (const count of [...COUNTS].reverse()) {
    const name = count === 1 ? "coarsegrad, one thread" : "coarsegrad";
    started.push({ served: await startOurselves(name, { threads: count, relaxed: false }), threads: count });
  }
  return {
    contenders: (work) => started.map(({ served, threads }) => ({ ...served.contender(work), threads })),
    close: () => {
      for (const { served } of started) served.close();
    },
  };
}
