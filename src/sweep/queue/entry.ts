/** @file What stands in the queue: a job with what made it, and what came of it. */
import { isRecord } from "../../io/json.js";
import { checkSummary, type RunSummary } from "../../run/summary.js";
import { jobOf, type SweepJob } from "../job.js";

/** Name of the queue within Redis; its database keeps apart what must not mix. */
export const QUEUE_NAME = "coarsegrad-sweep";

/** A job as it waits. */
export interface QueueEntry {
  readonly job: SweepJob;
  /** Of coarsegrad: workers of another one do not take it. */
  readonly version: string;
}

/** What a worker says of a job that is done. */
export interface QueueResult {
  readonly summary: RunSummary;
}

/** Its name in the queue: one job has one, however often it is added. */
export function entryId({ id, verify }: SweepJob): string {
  return verify ? `${id}-verify` : id;
}

/** Out of the queue, or null: whoever writes to Redis may write anything. */
export function entryOf(value: unknown): QueueEntry | null {
  if (!isRecord(value) || typeof value.version !== "string") return null;
  const job = jobOf(value.job);
  return job === null ? null : { job, version: value.version };
}

/** Out of the queue. @throws FormatError for what is no result */
export function summaryIn(value: unknown, where: string): RunSummary {
  const summary = isRecord(value) ? value.summary : undefined;
  checkSummary(where, summary);
  return summary as RunSummary;
}
