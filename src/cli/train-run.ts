/** @file One training run from its configuration: data, network, training, and what is written at the end. */
import { StateError } from "../core/errors.js";
import { sha256Hex } from "../core/sha256.js";
import type { DatasetSplits, ImageDataset } from "../data/dataset.js";
import { datasetInfo } from "../data/registry.js";
import { randomCrop } from "../data/transforms.js";
import { pack, summarize } from "../export/index.js";
import { createSession } from "../infer/session.js";
import type { Module } from "../nn/module.js";
import { loadDataset } from "../node/data-files.js";
import { saveFileAtomic } from "../node/files.js";
import type { RunFolder } from "../node/run-folder.js";
import type { OptimizerLike } from "../optim/index.js";
import { scheduleFrom } from "../optim/schedule/index.js";
import { type Checkpoint, restoreCheckpoint, saveCheckpoint } from "../train/checkpoint.js";
import { weightsDigest } from "../train/digest.js";
import { evaluate } from "../train/evaluate.js";
import { type FitProgress, fit as fitNetwork } from "../train/fit.js";
import { percent, short } from "./format.js";
import { freshNetwork, packOptions } from "./network.js";
import { modelOfRun, onnxNetwork } from "./onnx.js";
import { packedAccuracy } from "./packed.js";
import { startProgress } from "./progress.js";
import { calibrated, optimizerFor, quantized } from "./quantize.js";
import type { RunConfig } from "./run-config.js";
import { openModel } from "./sources.js";
import { layerRows, type RunSummary } from "./summary-file.js";
import type { Terminal } from "./terminal.js";

/** What a run needs besides its configuration. */
export interface TrainRequest {
  readonly run: RunFolder;
  readonly config: RunConfig;
  /** The command that started it, for the summary. */
  readonly command: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly dataDir?: string;
}

/** How a run ended: with a summary, or stopped early. */
export interface TrainOutcome {
  readonly epochs: number;
  readonly summary: RunSummary | null;
}

/**
 * Trains, or goes on training, until the run is complete or the signal stops it; then tests and packs.
 *
 * @throws what data, network and training throw; checkpoints that were written stay
 */
export async function trainRun(request: TrainRequest): Promise<TrainOutcome> {
  const { run, config, terminal, signal } = request;
  const started = performance.now();
  const checkpoint = await run.resume();
  const before = run.metrics.reduce((sum, row) => sum + row.seconds, 0);
  const limits = { train: config.limit ?? undefined, test: config.testLimit ?? undefined };
  const data = await loadDataset(config.data, { dataDir: request.dataDir, limits });
  const net = await startingNetwork(run.path, config, data.train, checkpoint);
  const optimizer = optimizerFor(net, config, Math.ceil(data.train.count / config.batch));
  try {
    const { epoch, stopped } = await train({ ...request, net, optimizer, data, checkpoint });
    if (stopped) return { epochs: epoch, summary: null };
    if (config.epochs === 0 && checkpoint === null) {
      await saveFileAtomic(run.file("checkpoint"), saveCheckpoint({ net, optimizer, epoch: 0, step: 0, config }));
    }
    const outcome = await testAndPack(run, net, config, data.test, terminal, signal);
    const summary: RunSummary = {
      command: request.command,
      version: COARSEGRAD_VERSION,
      model: config.model,
      data: config.data,
      bits: config.bits,
      method: config.quant?.method ?? "float",
      seed: config.seed,
      epochs: epoch,
      wallSeconds: before + (performance.now() - started) / 1000,
      imagesPerSecond: meanSpeed(run),
      ...outcome,
    };
    await run.writeSummary(summary);
    return { epochs: epoch, summary };
  } finally {
    optimizer.dispose();
    net.dispose();
  }
}

/** The network as training begins: fresh or from --init, quantized and calibrated; a checkpoint fills in the rest later. */
async function startingNetwork(
  folder: string,
  config: RunConfig,
  data: ImageDataset,
  checkpoint: Checkpoint | null,
): Promise<Module> {
  const net = freshNetwork(modelOfRun(config.model, folder), datasetInfo(config.data), config.seed);
  if (config.init !== null && checkpoint === null) await loadInit(net, config.init.file);
  quantized(net, config);
  if (checkpoint === null) await calibrated(net, config, data);
  return net;
}

async function loadInit(net: Module, file: string): Promise<void> {
  const source = await openModel(file);
  if (source.kind === "packed" || (source.kind === "checkpoint" && source.config.quant !== null)) {
    throw new StateError({
      op: "--init",
      what: `${file} does not hold float weights`,
      expected: "a float run, its checkpoint, a plain safetensors file, or an ONNX file",
      got: source.kind === "packed" ? "a packed model" : `a ${source.config.bits} checkpoint`,
    });
  }
  if (source.kind === "onnx") {
    using given = onnxNetwork(source.bytes, file);
    net.loadStateDict(given.stateDict());
    return;
  }
  net.loadStateDict(source.kind === "checkpoint" ? source.checkpoint.model : source.tensors);
}

interface Training extends TrainRequest {
  readonly net: Module;
  readonly optimizer: OptimizerLike;
  readonly data: DatasetSplits;
  readonly checkpoint: Checkpoint | null;
}

async function train({ run, config, terminal, signal, net, optimizer, data, checkpoint }: Training) {
  const first = checkpoint?.epoch ?? 0;
  if (first >= config.epochs) {
    if (checkpoint !== null) restoreCheckpoint(checkpoint, net, optimizer);
    return { epoch: first, stopped: false };
  }
  const stepsPerEpoch = Math.ceil(data.train.count / config.batch);
  const total = config.epochs * stepsPerEpoch;
  const progress = startProgress(terminal, `train ${runLabel(config)}`, total, first * stepsPerEpoch);
  try {
    return await fitNetwork(net, data.train, {
      epochs: config.epochs,
      optimizer,
      batch: config.batch,
      schedule: scheduleFrom(config.schedule),
      seed: config.seed,
      labelSmoothing: config.labelSmoothing,
      transforms: config.augment === "shift" ? [randomCrop({ padding: 2 })] : [],
      validation: data.test,
      config,
      resume: checkpoint ?? undefined,
      signal,
      ...run.handlers(),
      onProgress: (at) => progress.update((at.epoch - 1) * at.steps + at.step, progressText(at)),
    });
  } finally {
    progress.stop();
  }
}

function runLabel({ bits, quant }: RunConfig): string {
  return quant === null ? bits : `${bits} ${quant.method}`;
}

function progressText({ epoch, epochs, loss, accuracy, imagesPerSecond }: FitProgress): string {
  return `epoch ${epoch}/${epochs}  loss ${short(loss)}  accuracy ${percent(100 * accuracy, 1)}  ${Math.round(imagesPerSecond)} images/s`;
}

/** Mean training speed over the epochs, or null if there were none. */
function meanSpeed({ metrics }: RunFolder): number | null {
  const seconds = metrics.reduce((sum, row) => sum + row.seconds, 0);
  const images = metrics.reduce((sum, row) => sum + row.seconds * row.imagesPerSecond, 0);
  return metrics.length === 0 ? null : images / seconds;
}

type Tested = Pick<
  RunSummary,
  "top1" | "top5" | "testImages" | "millisecondsPerImage" | "weightsSha256" | "layers" | "packed"
>;

/** The trained network on the test images, and its packed file on the same. */
async function testAndPack(
  run: RunFolder,
  net: Module,
  config: RunConfig,
  test: ImageDataset,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Tested> {
  const progress = startProgress(terminal, `test ${runLabel(config)}`, 2 * test.count);
  try {
    const graph = await evaluate(net, test, { signal, onProgress: ({ images }) => progress.update(images) });
    const bytes = pack(net, packOptions(datasetInfo(config.data)));
    await saveFileAtomic(run.file("model"), bytes);
    using session = createSession(bytes);
    const packed = await packedAccuracy(session, test, { signal, onProgress: (n) => progress.update(test.count + n) });
    const summary = summarize(bytes);
    return {
      top1: 100 * graph.top1,
      top5: 100 * graph.top5,
      testImages: graph.images,
      millisecondsPerImage: 1000 / graph.imagesPerSecond,
      weightsSha256: weightsDigest(net),
      layers: layerRows(summary),
      packed: {
        bytes: summary.fileBytes,
        floatBytes: summary.floatBytes,
        sha256: sha256Hex(bytes),
        top1: packed.top1,
        top5: packed.top5,
        millisecondsPerImage: 1000 / packed.imagesPerSecond,
      },
    };
  } finally {
    progress.stop();
  }
}
