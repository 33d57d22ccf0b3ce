/** @file The queue as a sweep sees it: jobs are added once, watched, and their results taken. */
import { CoarsegradError } from "../../core/errors.js";
import { isRecord } from "../../io/json.js";
import type { RunSummary } from "../../run/summary.js";
import type { SweepJob } from "../job.js";
import type { CommandProgress } from "../perform.js";
import { entryId, QUEUE_NAME, type QueueEntry, type QueueResult, summaryIn } from "./entry.js";
import { connect, type Job, type Queue, queueLibraries, type Redis } from "./library.js";

/** A job that failed at a worker; the message is the worker's. */
export class QueueJobError extends CoarsegradError {}

/** Milliseconds between two looks at the jobs that are waited for. */
const LOOK = 500;

interface Watched {
  readonly id: string;
  readonly name: string;
  onProgress(progress: CommandProgress): void;
  resolve(summary: RunSummary): void;
  reject(error: unknown): void;
}

/**
 * Jobs in Redis that `sweep-worker`s do.
 *
 * It looks for them again and again instead of listening: what happened while Redis or the sweep was away is seen as
 * well.
 */
export class SweepQueue {
  readonly #redis: Redis;
  readonly #queue: Queue<QueueEntry, QueueResult>;
  readonly #version: string;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(redis: Redis, queue: Queue<QueueEntry, QueueResult>, version: string) {
    this.#redis = redis;
    this.#queue = queue;
    this.#version = version;
  }

  /** @throws DataError if the libraries are not installed, or no Redis answers */
  static async open(url: string, version: string, warn: (text: string) => void): Promise<SweepQueue> {
    const libraries = await queueLibraries();
    const redis = await connect(libraries, url, warn);
    const queue = new libraries.bullmq.Queue<QueueEntry, QueueResult>(QUEUE_NAME, { connection: redis });
    queue.on("error", () => undefined);
    return new SweepQueue(redis, queue, version);
  }

  /**
   * Adds a job, unless it is there, and waits for its end. One that failed before is tried once more.
   *
   * @throws QueueJobError with the worker's message; the signal's reason
   */
  async perform(
    job: SweepJob,
    onProgress: (progress: CommandProgress) => void,
    signal: AbortSignal,
  ): Promise<RunSummary> {
    const id = entryId(job);
    const present = await this.#queue.getJob(id);
    if ((await present?.getState()) === "failed") await present?.remove();
    await this.#queue.add(job.name, { job, version: this.#version }, { jobId: id });
    return new Promise<RunSummary>((resolve, reject) => {
      const watched: Watched = { id, name: job.name, onProgress, resolve, reject };
      const stop = (): void => {
        this.#watched.delete(watched);
        reject(signal.reason);
      };
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      this.#watched.add(watched);
      this.#timer ??= setTimeout(() => void this.#look(), LOOK);
    });
  }

  async #look(): Promise<void> {
    await Promise.all(
      [...this.#watched].map(async (watched) => {
        try {
          await this.#lookAt(watched);
        } catch (error) {
          this.#watched.delete(watched);
          watched.reject(error);
        }
      }),
    );
    this.#timer = this.#watched.size === 0 ? undefined : setTimeout(() => void this.#look(), LOOK);
  }

  async #lookAt(watched: Watched): Promise<void> {
    const { id, name } = watched;
    const job: Job<QueueEntry, QueueResult> | undefined = await this.#queue.getJob(id);
    if (job === undefined) {
      throw new QueueJobError({ op: name, what: "is no longer in the queue", hint: "sweep again: it is added anew" });
    }
    const progress: unknown = job.progress;
    if (isProgress(progress)) watched.onProgress(progress);
    const state = await job.getState();
    if (state === "completed") {
      // Read again: the first look may have come before its end.
      const summary = summaryIn((await this.#queue.getJob(id))?.returnvalue, name);
      this.#watched.delete(watched);
      watched.resolve(summary);
    } else if (state === "failed") {
      throw new QueueJobError({ op: "worker", what: (await this.#queue.getJob(id))?.failedReason ?? "failed" });
    }
  }

  /** Jobs that wait for a worker. */
  waiting(): Promise<number> {
    return this.#queue.getWaitingCount();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    // A Redis that is away does not hold up the end.
    if (this.#redis.status === "ready") await this.#queue.close();
    this.#redis.disconnect();
  }
}

function isProgress(value: unknown): value is CommandProgress {
  return (
    isRecord(value) &&
    typeof value.label === "string" &&
    typeof value.details === "string" &&
    Number.isFinite(value.done) &&
    Number.isFinite(value.total)
  );
}
