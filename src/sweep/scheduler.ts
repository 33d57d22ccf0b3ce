/** @file Jobs at the same time, as many as are allowed, each when the one that it starts from is done. */

/** What a scheduler has to know of a job. */
export interface Node {
  readonly id: string;
  /** Id of the job that it starts from. */
  readonly from: string | null;
}

/** How a job ended. */
export type Ending<Result> =
  | { readonly status: "done"; readonly result: Result }
  | { readonly status: "failed"; readonly error: unknown }
  /** What it starts from failed, or was skipped itself. */
  | { readonly status: "skipped"; readonly source: string }
  /** It was stopped, or never came to begin. */
  | { readonly status: "stopped" };

/** How jobs are done, and whom it tells. */
export interface Schedule<Job extends Node, Result> {
  /** Jobs at a time, at least 1. */
  readonly limit: number;
  /** Stops: nothing more begins; jobs at work are told by the same signal. */
  readonly signal: AbortSignal;
  /** Does one job. */
  perform(job: Job): Promise<Result>;
  onStart?(job: Job): void;
  onEnd?(job: Job, ending: Ending<Result>): void;
}

/**
 * Does all jobs. One that fails stops no other but those that start from it.
 *
 * @param jobs sources before those that start from them
 * @returns how each ended, by id
 */
export async function runGraph<Job extends Node, Result>(
  jobs: readonly Job[],
  { limit, signal, perform, onStart, onEnd }: Schedule<Job, Result>,
): Promise<Map<string, Ending<Result>>> {
  const endings = new Map<string, Ending<Result>>();
  const waiting = new Set(jobs);
  const running = new Set<Promise<void>>();
  const end = (job: Job, ending: Ending<Result>): void => {
    endings.set(job.id, ending);
    onEnd?.(job, ending);
  };
  const begin = (job: Job): void => {
    waiting.delete(job);
    onStart?.(job);
    const work = perform(job)
      .then(
        (result) => end(job, { status: "done", result }),
        (error: unknown) => end(job, signal.aborted ? { status: "stopped" } : { status: "failed", error }),
      )
      .finally(() => running.delete(work));
    running.add(work);
  };
  const next = (): Job | undefined => {
    for (const job of waiting) {
      const source = job.from === null ? undefined : endings.get(job.from);
      if (source?.status === "failed" || source?.status === "skipped") {
        waiting.delete(job);
        end(job, { status: "skipped", source: job.from as string });
      } else if (job.from === null || source?.status === "done") return job;
    }
    return undefined;
  };
  while (!signal.aborted) {
    // Skipping one job may come after the look at another that starts from it.
    const before = waiting.size;
    const job = next();
    if (job !== undefined && running.size < limit) begin(job);
    else if (running.size > 0) await Promise.race(running);
    else if (waiting.size === before) break;
  }
  await Promise.all(running);
  for (const job of waiting) end(job, { status: "stopped" });
  return endings;
}
