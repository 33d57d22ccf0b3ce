/** @file The ranks of a run that are workers of one process: each computes its shards and tells nobody but the others. */
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { init } from "../../kernels/index.js";
import type { RunConfig } from "../../run/config.js";
import { createRun } from "../../run/create.js";
import type { StartFiles } from "../../run/start.js";
import { abortWorld, type SharedWorld, shareWorld, threadWorld } from "../../world/threads.js";
import type { World } from "../../world/world.js";
import { type LoaderSpecs, loadersOf } from "../loading/run-loaders.js";

/** What the ranks of a run are given. */
export interface RankRun extends StartFiles {
  readonly config: RunConfig;
  readonly specs: LoaderSpecs;
  readonly checkpointEvery?: number;
}

interface RankData extends RankRun {
  readonly shared: SharedWorld;
  readonly rank: number;
}

/** The ranks of a run: this thread is rank 0. */
export interface OpenedRanks {
  readonly world: World;
  /** Ends the workers; what they may still compute is of no use. */
  close(): Promise<void>;
}

const rankData = (): RankData | undefined =>
  isMainThread ? undefined : ((workerData as { trainRank?: RankData } | null)?.trainRank ?? undefined);

/** True in a worker that is a rank: it does nothing else. */
export function isRankWorker(): boolean {
  return rankData() !== undefined;
}

/**
 * Starts ranks 1 to `size` − 1 of a run as workers.
 *
 * @param limitSeconds how late a rank may be
 */
export function startRanks(size: number, run: RankRun, limitSeconds?: number): OpenedRanks {
  const shared = shareWorld(size, { limitSeconds });
  let closing = false;
  const workers = Array.from({ length: size - 1 }, (_, i) => {
    const rank = i + 1;
    const trainRank: RankData = { ...run, shared, rank };
    const worker = new Worker(new URL(import.meta.url), { workerData: { trainRank } });
    const lost = (why: string): void => {
      if (!closing) abortWorld(shared, new Error(why), rank);
    };
    worker.on("error", (error) => lost(error.message));
    // Whoever still waits for it would wait in vain; after the last call nobody does.
    worker.on("exit", (code) => lost(`it ended with code ${code}`));
    return worker;
  });
  return {
    world: threadWorld(shared, 0),
    close: async () => {
      closing = true;
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** The whole run, as every rank computes it. */
async function runRank({ shared, rank, specs, config, ...files }: RankData): Promise<void> {
  const world = threadWorld(shared, rank);
  const loaders = loadersOf(specs);
  try {
    if (config.relaxed) await init({ relaxed: true });
    await createRun(config, { ...files, data: loaders, world });
    await world.close();
  } catch (error) {
    // Who is told what went wrong is rank 0: it knows already what all ranks know.
    world.abort(error);
  } finally {
    await loaders.close();
  }
}

// The file that holds this is also the one that workers run.
const own = rankData();
if (own !== undefined) void runRank(own);
