/** @file What a rank of a test runs, as a worker: one of the scenarios, or something that goes wrong. */
import { parentPort, workerData } from "node:worker_threads";
import { type SharedWorld, threadWorld } from "../../src/world/index.js";
import { SCENARIOS } from "./scenarios.js";

/** What a rank is told to do. */
export interface RankTask {
  readonly shared: SharedWorld;
  readonly rank: number;
  readonly scenario: keyof typeof SCENARIOS;
  /** On this rank and no other. */
  readonly mishap?: "throws" | "freezes" | "exits" | "other call" | "other length";
}

const { shared, rank, scenario, mishap } = workerData as RankTask;
const world = threadWorld(shared, rank);

async function work(): Promise<string> {
  if (mishap === "exits") process.exit(3);
  if (mishap === "freezes") for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (mishap === "other call") await world.close();
  if (mishap === "other length") await world.sum([new Float32Array(5)], 5, shared.size);
  if (mishap !== undefined) throw new Error("a rank's own error");
  const result = await SCENARIOS[scenario](world);
  await world.close();
  return result;
}

work().then(
  (result) => parentPort?.postMessage({ result }),
  (error: Error) => {
    if (mishap === "throws") world.abort(error);
    parentPort?.postMessage({ error: error.message });
  },
);
