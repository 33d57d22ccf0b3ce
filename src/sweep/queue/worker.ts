/** @file A worker of the queue: takes jobs, has them done in processes of their own, gives the results back. */
import { DataError } from "../../core/errors.js";
import type { SweepJob } from "../job.js";
import { type CommandProgress, type PerformedJob, performJob, type Workplace } from "../perform.js";
import { entryOf, QUEUE_NAME, type QueueEntry, type QueueResult } from "./entry.js";
import { connect, type Job, queueLibraries } from "./library.js";

/** How a worker works, and whom it tells. */
export interface WorkerOptions {
  readonly url: string;
  /** Jobs at a time. */
  readonly jobs: number;
  /** Seconds without a sign of life after which a job is given to another worker. */
  readonly stall: number;
  readonly version: string;
  readonly warn: (text: string) => void;
  onStart(job: SweepJob): void;
  onProgress(job: SweepJob, progress: CommandProgress): void;
  onEnd(job: SweepJob, ending: PerformedJob | { error: string } | { stopped: true }): void;
  /** It listens. */
  onReady?(): void;
}

/** Times that a job may lose its worker: machines go, jobs stay. */
const LOSSES = 1000;
/** Milliseconds between two words of progress. */
const TELL = 500;

/**
 * Works until the signal stops it. What it was at then goes back to the queue, and goes on elsewhere from its last
 * checkpoint.
 *
 * @throws DataError if the libraries are not installed, or no Redis answers
 */
export async function workOn(place: Workplace, options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { url, jobs, stall, version, warn } = options;
  const libraries = await queueLibraries();
  const redis = await connect(libraries, url, warn);
  const { Worker, UnrecoverableError, WaitingError } = libraries.bullmq;
  const perform = async (entry: Job<QueueEntry, QueueResult>, token?: string): Promise<QueueResult> => {
    const job = jobIn(entry, version);
    let told = 0;
    const onProgress = (progress: CommandProgress): void => {
      options.onProgress(job, progress);
      if (Date.now() - told < TELL) return;
      told = Date.now();
      entry.updateProgress({ ...progress }).catch(() => undefined);
    };
    options.onStart(job);
    try {
      const done = await performJob(job, place, onProgress, signal);
      options.onEnd(job, done);
      return { summary: done.summary };
    } catch (error) {
      if (signal.aborted) {
        options.onEnd(job, { stopped: true });
        await entry.moveToWait(token);
        throw new WaitingError();
      }
      const { message } = error as Error;
      options.onEnd(job, { error: message });
      // Equal runs fail alike: another try would not help.
      throw new UnrecoverableError(message);
    }
  };
  const worker = new Worker<QueueEntry, QueueResult>(QUEUE_NAME, perform, {
    connection: redis,
    concurrency: jobs,
    lockDuration: 1000 * stall,
    stalledInterval: 1000 * stall,
    maxStalledCount: LOSSES,
  });
  // Losses of the connection are told above; a job that another worker took over ends there.
  worker.on("error", () => undefined);
  try {
    await worker.waitUntilReady();
    options.onReady?.();
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    }
  } finally {
    // A Redis that is away does not hold up the end: its jobs are given to others later.
    await worker.close(redis.status !== "ready");
    redis.disconnect();
  }
}

function jobIn({ data, name }: Job<QueueEntry, QueueResult>, version: string): SweepJob {
  const entry = entryOf(data);
  if (entry === null) throw new DataError({ op: name, what: "what stands in the queue is no job of a sweep" });
  if (entry.version === version) return entry.job;
  throw new DataError({
    op: name,
    what: "the job is of another version of coarsegrad than the worker",
    expected: entry.version,
    got: version,
    hint: "install one version everywhere, then sweep again",
  });
}
