/** @file One run in a worker: training through the gate, checkpoints into the store, the record kept up to date. */
import { init } from "coarsegrad";
import { createRun, readModel } from "coarsegrad/run";
import { type Checkpoint, type FitProgress, loadCheckpoint } from "coarsegrad/train";
import { read, write } from "../shell/store.js";
import { imagesOf, loadersOf } from "./data.js";
import { type Gate, gated } from "./gate.js";
import { Progress } from "./progress.js";
import { fileKey, type RunRecord, type WeightsView } from "./record.js";
import { WeightsViewer } from "./weights.js";

/** Checkpoints within an epoch. */
const PER_EPOCH = 6;

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
  try {
    await trainJob(progress, gate, listeners);
  } catch (error) {
    record.status = "failed";
    record.error = error instanceof Error ? error.message : String(error);
    await write([["runs", record.id, record]]).catch(() => undefined);
  }
  progress.tell();
}

async function trainJob(progress: Progress, gate: Gate, { signal, onWeights }: Listeners): Promise<void> {
  const { record } = progress;
  const { id, config, data, from, threads } = record;
  if (threads > 1) await init({ threads });
  const kept = await read<Uint8Array>("files", fileKey(id, "checkpoint"));
  const checkpoint = kept === undefined ? undefined : loadCheckpoint(kept);
  const loaders = loadersOf(await imagesOf(data, config), config);
  const viewer = new WeightsViewer(config, loaders.train.imageShape);
  progress.start(loaders.train, checkpoint, viewer.quantized);
  const show = (state: Pick<Checkpoint, "model" | "step">): void => {
    progress.alpha(state);
    onWeights(viewer.view(state));
  };
  const keep = async (bytes: Uint8Array): Promise<void> => {
    const state = loadCheckpoint(bytes);
    if (state.partial !== undefined) progress.partialFlips(state);
    show(state);
    await write([
      ["runs", id, record],
      ["files", fileKey(id, "checkpoint"), bytes],
    ]);
  };
  try {
    const result = await createRun(config, {
      data: { ...loaders, train: gated(loaders.train, gate, signal) },
      checkpoint,
      init: from === null ? undefined : readModel(await sourceOf(from), config.init?.file ?? "init"),
      signal,
      onStart: () => {
        record.status = "running";
        progress.tell();
      },
      onProgress: (now: FitProgress) => progress.step(now),
      onEpoch: (metrics) => progress.epoch(metrics),
      checkpointEvery: Math.max(1, Math.ceil(loaders.train.batches / PER_EPOCH)),
      onStepCheckpoint: keep,
      onCheckpoint: keep,
      onTrained: () => {
        record.testing = true;
        progress.tell();
      },
      onPacked: (bytes) => write([["files", fileKey(id, "cgm"), bytes]]),
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
    await write([["runs", id, record]]);
  } finally {
    viewer.dispose();
  }
}

async function sourceOf(id: string): Promise<Uint8Array> {
  const bytes = await read<Uint8Array>("files", fileKey(id, "checkpoint"));
  if (bytes === undefined) throw new Error("The run that this one starts from is not kept any more.");
  return bytes;
}
