/** @file One run in a worker: training through the gate, checkpoints into the store, the record kept up to date. */
import { init } from "coarsegrad";
import type { Module } from "coarsegrad/nn";
import { createRun, readModel } from "coarsegrad/run";
import { type FitProgress, loadCheckpoint } from "coarsegrad/train";
import { read } from "../shell/store.js";
import { imagesOf, loadersOf } from "./data.js";
import { type Gate, gated } from "./gate.js";
import { Keeper } from "./keeper.js";
import { Pace } from "./pace.js";
import { Progress } from "./progress.js";
import { fileKey, type RunRecord, type WeightsView } from "./record.js";
import { quantizedLayers, viewOf } from "./weights.js";

/** Milliseconds between two looks at the weights, at least, and their share of the time, at most. */
const LOOK = { least: 500, share: 0.02 } as const;
/** The same of checkpoints within an epoch. */
const KEEP = { least: 1500, share: 0.02 } as const;

/** Whom a run tells. */
export interface Listeners {
  readonly signal: AbortSignal;
  readonly onRecord: (record: RunRecord) => void;
  readonly onWeights: (view: WeightsView) => void;
}

/** Trains, from the start or from the checkpoint in the store; the record says at the end what became of it. */
export async function runJob(given: RunRecord, gate: Gate, listeners: Listeners): Promise<void> {
  const progress = new Progress(given, listeners.onRecord);
  const { record } = progress;
  const keeper = new Keeper(record);
  try {
    await trainJob(progress, keeper, gate, listeners);
    await keeper.settle();
  } catch (error) {
    record.status = "failed";
    record.error = error instanceof Error ? error.message : String(error);
    await keeper.settle().catch(() => undefined);
    await keeper.keep().catch(() => undefined);
  }
  progress.tell();
}

async function trainJob(
  progress: Progress,
  keeper: Keeper,
  gate: Gate,
  { signal, onWeights }: Listeners,
): Promise<void> {
  const { record } = progress;
  const { id, config, data, from, threads } = record;
  if (threads > 1) await init({ threads });
  const kept = await read<Uint8Array>("files", fileKey(id, "checkpoint"));
  const checkpoint = kept === undefined ? undefined : loadCheckpoint(kept);
  const loaders = loadersOf(await imagesOf(data, config), config);
  const looks = new Pace(LOOK.least, LOOK.share);
  const checkpoints = new Pace(KEEP.least, KEEP.share);
  let net: Module | undefined;
  const look = (): void => {
    if (net === undefined) return;
    looks.begin();
    progress.alpha(net);
    onWeights(viewOf(net, loaders.train.imageShape));
    looks.end();
  };
  const result = await createRun(config, {
    data: { ...loaders, train: gated(loaders.train, gate, signal, () => record.step === record.steps) },
    checkpoint,
    init: from === null ? undefined : readModel(await sourceOf(from), config.init?.file ?? "init"),
    signal,
    onStart: async (started) => {
      net = started;
      progress.start(loaders.train, checkpoint, quantizedLayers(started));
      record.status = "running";
      progress.tell();
      await keeper.keep();
    },
    onProgress: (now: FitProgress) => {
      progress.step(now);
      // After an epoch's last step its flips are read: looking would project the weights, and count more.
      if (now.step < now.steps && (gate.isShut || looks.due)) look();
    },
    onEpoch: (metrics) => progress.epoch(metrics),
    checkpointEvery: () => {
      const wanted = gate.isShut || checkpoints.due;
      if (wanted) checkpoints.begin();
      return wanted;
    },
    onStepCheckpoint: async (bytes) => {
      const state = loadCheckpoint(bytes);
      progress.partialFlips(state);
      // The step is told later; what is kept agrees with its checkpoint.
      record.step = state.step;
      await keeper.keep("checkpoint", bytes);
      // Who reads that it is paused may leave.
      if (gate.isShut) await keeper.settle();
      checkpoints.end();
    },
    onCheckpoint: async (bytes) => {
      const isLast = record.epochs.length === config.epochs;
      if (isLast || looks.due) look();
      // Epochs may be shorter than it takes to store one.
      if (!isLast && !gate.isShut && !checkpoints.due) return;
      checkpoints.begin();
      await keeper.keep("checkpoint", bytes);
      if (gate.isShut) await keeper.settle();
      checkpoints.end();
    },
    onTrained: () => {
      net = undefined;
      record.testing = true;
      progress.tell();
    },
    onPacked: (bytes) => keeper.keep("cgm", bytes),
  });
  record.testing = false;
  const { accuracy, packed, weightsSha256 } = result;
  if (accuracy === null || packed === null) record.status = "stopped";
  else {
    record.status = "finished";
    record.outcome = {
      weightsSha256,
      top1: accuracy.top1,
      packedTop1: packed.accuracy.top1,
      packedBytes: packed.bytes.length,
      floatBytes: packed.summary.floatBytes,
    };
  }
  await keeper.keep();
}

async function sourceOf(id: string): Promise<Uint8Array> {
  const bytes = await read<Uint8Array>("files", fileKey(id, "checkpoint"));
  if (bytes === undefined) throw new Error("The run that this one starts from is not kept any more.");
  return bytes;
}
