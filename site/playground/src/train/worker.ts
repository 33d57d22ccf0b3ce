/** @file The worker of the training page: runs, their weights and files, images that are given. */
import { serve } from "coarsegrad/worker";
import { fileOf, weightsOf } from "./exports.js";
import { Gate, type GateMode } from "./gate.js";
import { type GivenFile, storeFiles } from "./images.js";
import { type Listeners, runJob } from "./job.js";
import { makeRun } from "./make.js";
import type { FileKind, RunRecord } from "./record.js";

let gate: Gate | null = null;

const handlers = {
  make: makeRun,
  train: async (record: RunRecord, listeners: Listeners, mode: GateMode): Promise<void> => {
    const own = new Gate(() => {
      record.status = "paused";
      listeners.onRecord(record);
    });
    own.set(mode);
    gate = own;
    await runJob(record, own, listeners);
  },
  gate: (mode: GateMode): void => gate?.set(mode),
  file: (record: RunRecord, kind: FileKind): Promise<Uint8Array> => fileOf(record, kind),
  weights: weightsOf,
  images: (files: readonly GivenFile[], known: "mnist" | "fashion-mnist") => storeFiles(files, known),
};

export type TrainHandlers = typeof handlers;

serve(handlers);
