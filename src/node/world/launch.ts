/** @file A user's own script on several ranks: threads of this process, each running the whole script. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { check, checkOptions, integer, listOf, text, within } from "../../core/checks.js";
import { WorldError } from "../../core/errors.js";
import { messageOf } from "../../core/foreign-errors.js";
import { abortWorld, type SharedWorld, shareWorld, threadWorld } from "../../world/threads.js";
import type { World } from "../../world/world.js";
import { pathRule } from "../files.js";

/** Choices of {@link launchRanks}. */
export interface LaunchOptions {
  /** How many threads run the script. */
  readonly ranks: number;
  /** The script's own arguments. */
  readonly args?: readonly string[];
  /** Seconds that a rank may be late before the run ends with an error. @default 60 */
  readonly limitSeconds?: number;
}

interface ThreadRank {
  readonly shared: SharedWorld;
  readonly rank: number;
}

/** Where a thread that was launched finds out which rank it is. */
const KEY = "coarsegradRank";

/**
 * Runs a script on several ranks: each is a thread that runs all of it, and finds its world by `joinWorld()`.
 *
 * @param script path of a JavaScript module
 * @returns when every rank has ended
 * @throws WorldError with the first error of a rank; ArgumentError
 * @example
 * await launchRanks("train.mjs", { ranks: 4 });
 */
export async function launchRanks(script: string, options: LaunchOptions): Promise<void> {
  check("launchRanks", "script", script, pathRule);
  const rules = { ranks: integer(1, 256), args: listOf(text), limitSeconds: within(0.1, 1e6) };
  checkOptions<LaunchOptions>("launchRanks", options, rules, ["ranks"]);
  const { ranks, args = [], limitSeconds } = options;
  const shared = shareWorld(ranks, { limitSeconds });
  const url = pathToFileURL(path.resolve(script));
  const failures: WorldError[] = [];
  const ended = Array.from({ length: ranks }, (_, rank) => {
    const worker = new Worker(url, { argv: [...args], workerData: { [KEY]: { shared, rank } satisfies ThreadRank } });
    const lost = (why: string): void => {
      abortWorld(shared, new Error(why), rank);
      failures.push(new WorldError({ op: "launch", what: `rank ${rank} of ${script} failed`, got: why }));
    };
    return new Promise<void>((resolve) => {
      worker.on("error", (error) => lost(messageOf(error)));
      worker.on("exit", (code) => {
        if (code !== 0 && failures.length === 0) lost(`exit code ${code}`);
        // Whoever still waits for it would wait in vain; after the last call nobody does.
        abortWorld(shared, new Error("it ended before the others"), rank);
        resolve();
      });
    });
  });
  await Promise.all(ended);
  if (failures.length > 0) throw failures[0];
}

const rankOf = (): ThreadRank | undefined =>
  isMainThread ? undefined : (workerData as { [KEY]?: ThreadRank } | null)?.[KEY];

/** True in a thread that {@link launchRanks} started. */
export function isLaunched(): boolean {
  return rankOf() !== undefined;
}

/** The world of such a thread. */
export function launchedWorld(): World {
  const own = rankOf();
  if (own === undefined) throw new WorldError({ op: "launch", what: "not a thread of launchRanks" });
  return threadWorld(own.shared, own.rank);
}
