/**
 * @file What a worker that prepares batches runs: it makes the batches that it is asked for and hands over their
 * memory.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Batch } from "../../data/loader.js";
import type { ShardRange } from "../../world/tree.js";
import { FolderMaker, type FolderSpec } from "../images/folder.js";
import { sayLoaded } from "./crew.js";
import { type Failure, failureOf } from "./failure.js";
import { type BatchMaker, MemoryMaker, type MemorySpec } from "./maker.js";
import { StoredMaker, type StoredSpec } from "./stored.js";

/** Everything that a maker of batches can be made from. */
export type LoaderSpec = MemorySpec | FolderSpec | StoredSpec;

/** A batch that is wanted. */
export interface BatchRequest {
  readonly id: number;
  readonly epoch: number;
  readonly index: number;
  /** The shards of it that are wanted; default all. */
  readonly range?: ShardRange;
}

/** Its batch, or why there is none. */
export type BatchReply =
  | { readonly id: number; readonly batch: Batch }
  | { readonly id: number; readonly failure: Failure };

/** The maker of a specification. */
export function makerOf(spec: LoaderSpec): BatchMaker {
  if (spec.kind === "memory") return new MemoryMaker(spec);
  return spec.kind === "stored" ? new StoredMaker(spec) : new FolderMaker(spec);
}

/** True in a worker that prepares batches: it does nothing else. */
export function isLoaderWorker(): boolean {
  return parentPort !== null && (workerData as { loader?: unknown } | null)?.loader !== undefined;
}

/** Answers requests until the parent ends the worker. */
function serveBatches(): void {
  const maker = makerOf((workerData as { loader: LoaderSpec }).loader);
  parentPort?.on("message", async ({ id, epoch, index, range }: BatchRequest) => {
    try {
      const batch = await maker.batch(epoch, index, range);
      const memory = [batch.images, batch.labels, batch.indices].map(({ buffer }) => buffer as ArrayBuffer);
      parentPort?.postMessage({ id, batch } satisfies BatchReply, memory);
    } catch (error) {
      parentPort?.postMessage({ id, failure: failureOf(error) } satisfies BatchReply);
    }
  });
}

// The file that holds this is also the one that workers run.
if (isLoaderWorker()) {
  sayLoaded();
  serveBatches();
}
