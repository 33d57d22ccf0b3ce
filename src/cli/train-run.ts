/** @file One training run from its configuration: data, network, training, and what is written at the end. */
import { StateError } from "../core/errors.js";
import { sha256Hex } from "../core/sha256.js";
import type { BatchLoader } from "../data/loader.js";
import { pack, summarize } from "../export/index.js";
import { createSession } from "../infer/create-session.js";
import type { Module } from "../nn/module.js";
import type { HostArray } from "../nn/state.js";
import type { RunFolder } from "../node/run-folder.js";
import type { OptimizerLike } from "../optim/index.js";
import { scheduleFrom } from "../optim/schedule/index.js";
import { type Checkpoint, restoreCheckpoint, saveCheckpoint } from "../train/checkpoint.js";
import { configHash, weightsDigest } from "../train/digest.js";
import { evaluate } from "../train/evaluate.js";
import { type FitProgress, fit as fitNetwork } from "../train/fit.js";
import { type BitWidths, parseBits } from "./bits.js";
import { infoOf } from "./data-info.js";
import { percent, short } from "./format.js";
import { openLoaders, type RunLoaders } from "./loading/sources.js";
import { freshNetwork, packOptions } from "./network.js";
import { isOnnx, onnxNetwork } from "./onnx.js";
import type { OpenedRun } from "./open-run.js";
import { packedAccuracy } from "./packed.js";
import { startProgress } from "./progress.js";
import { calibrated, optimizerFor, quantized } from "./quantize.js";
import type { InitConfig, RunConfig } from "./run-config.js";
import { openModel } from "./sources.js";
import { checkBelongs, layerRows, type RunSummary, readSummary } from "./summary-file.js";
import type { Terminal } from "./terminal.js";

/** What a run needs besides its configuration. */
export interface TrainRequest extends OpenedRun {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly dataDir?: string;
  /** Threads that prepare batches. */
  readonly workers?: number;
  /** Pixels of one picture of a folder. */
  readonly maxPixels?: number;
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
  const { run, config } = request;
  const started = performance.now();
  const checkpoint = request.begin === null ? await resumed(run, config) : null;
  const before = run.metrics.reduce((sum, row) => sum + row.seconds, 0);
  // What prepares photographs takes about as long as a small network; crops of images in memory cost a hundredth of a step.
  const workers = request.workers ?? (config.images === undefined ? 0 : 1);
  const loaders = await openLoaders(config, request.dataDir, workers, request.maxPixels);
  try {
    return await runOn(loaders, request, { checkpoint, before, started });
  } finally {
    await loaders.close();
  }
}

/** The checkpoint of a run that goes on, compared with what else the run recorded. */
async function resumed(run: RunFolder, config: RunConfig): Promise<Checkpoint | null> {
  const checkpoint = await run.resume(config);
  const summary = await readSummary(run);
  if (summary !== null && checkpoint !== null) {
    const { model } = checkpoint;
    checkBelongs(run.file("summary"), summary, config, { file: run.file("checkpoint"), model });
  }
  return checkpoint;
}

/** What an earlier part of the run left, and when this part began. */
interface Beginning {
  readonly checkpoint: Checkpoint | null;
  /** Seconds of training in earlier parts. */
  readonly before: number;
  readonly started: number;
}

async function runOn(
  loaders: RunLoaders,
  request: TrainRequest,
  { checkpoint, before, started }: Beginning,
): Promise<TrainOutcome> {
  const { run, config, terminal, signal } = request;
  using net = await startingNetwork(request.network, config, loaders.calibration, checkpoint);
  const optimizer = optimizerFor(net, config, loaders.train.batches);
  let trained = 0;
  try {
    // Data, weights to start from and network are there: nothing old had to go for them.
    await request.begin?.();
    const { epoch, stopped } = await train({ ...request, net, optimizer, loaders, checkpoint });
    if (stopped) {
      await run.keep();
      return { epochs: epoch, summary: null };
    }
    if (config.epochs === 0 && checkpoint === null) {
      await run.writeCheckpoint(saveCheckpoint({ net, optimizer, epoch: 0, step: 0, config }));
    }
    trained = epoch;
    const outcome = await testAndPack(run, net, config, loaders.test, terminal, signal);
    const summary: RunSummary = {
      command: request.command,
      version: COARSEGRAD_VERSION,
      model: config.model,
      data: config.data,
      bits: config.bits,
      method: config.quant?.method ?? "float",
      seed: config.seed,
      epochs: epoch,
      configSha256: configHash(config),
      wallSeconds: before + (performance.now() - started) / 1000,
      imagesPerSecond: meanSpeed(run),
      ...outcome,
    };
    await run.writeSummary(summary);
    return { epochs: epoch, summary };
  } catch (error) {
    if (trained > 0 && trained === config.epochs) {
      await run.keep().catch(() => {});
      terminal.warn(
        `training is complete: its weights are in ${run.file("checkpoint")}; --resume repeats only the test`,
      );
    }
    throw error;
  } finally {
    optimizer.dispose();
  }
}

/** The network as training begins: fresh or from --init, quantized and calibrated; a checkpoint fills in the rest later. */
async function startingNetwork(
  network: string,
  config: RunConfig,
  data: BatchLoader,
  checkpoint: Checkpoint | null,
): Promise<Module> {
  const net = freshNetwork(network, infoOf(config), config.seed, config.normalize);
  try {
    await prepareNet(net, config, data, checkpoint);
    return net;
  } catch (error) {
    net.dispose();
    throw error;
  }
}

/** The network filled, quantized and calibrated, in place. */
async function prepareNet(
  net: Module,
  config: RunConfig,
  data: BatchLoader,
  checkpoint: Checkpoint | null,
): Promise<void> {
  if (checkpoint !== null) {
    quantized(net, config);
    return;
  }
  // An imported network has its weights already, and its configuration names the file that they came from.
  const given = config.init === null || (isOnnx(config.model) && isOnnx(config.init.file));
  const init = given || config.init === null ? null : await openInit(config.init);
  if (init?.quantBits === undefined) {
    if (init !== null) net.loadStateDict(init.state);
    quantized(net, config);
    await calibrated(net, config, data);
    return;
  }
  // Latent weights and everything in float; steps of activations only where the widths are the same.
  const keepSteps = init.quantBits.activations === parseBits(config.bits).activations;
  const floats = new Map([...init.state].filter(([key]) => !/(^|\.)alpha$/.test(key)));
  net.loadStateDict(floats);
  quantized(net, config);
  if (keepSteps) net.loadStateDict(init.state);
  await calibrated(net, config, data, keepSteps);
}

/** The state that a run starts from, and the widths that it was trained at, if it was quantized. */
async function openInit({
  file,
  sha256,
}: InitConfig): Promise<{ state: ReadonlyMap<string, HostArray>; quantBits?: BitWidths }> {
  const source = await openModel(file);
  if (source.kind === "packed") {
    throw new StateError({ op: "--init", what: `${file} is a packed model`, expected: "weights as float32" });
  }
  const found = sha256Hex(source.bytes);
  if (found !== sha256) {
    throw new StateError({
      op: "--init",
      what: `${file} has changed since the run was made`,
      expected: `SHA-256 ${sha256}`,
      got: found,
    });
  }
  if (source.kind === "weights") return { state: source.tensors };
  if (source.kind === "onnx") {
    using given = onnxNetwork(source.bytes, file);
    // Copies: the imported network goes with its memory.
    return {
      state: new Map([...given.stateDict()].map(([key, a]) => [key, { shape: a.shape, data: a.toTypedArray() }])),
    };
  }
  const { config, checkpoint } = source;
  return { state: checkpoint.model, ...(config.quant !== null && { quantBits: parseBits(config.bits) }) };
}

interface Training extends TrainRequest {
  readonly net: Module;
  readonly optimizer: OptimizerLike;
  readonly loaders: RunLoaders;
  readonly checkpoint: Checkpoint | null;
}

async function train({ run, config, terminal, signal, net, optimizer, loaders, checkpoint }: Training) {
  const first = checkpoint?.epoch ?? 0;
  if (first >= config.epochs) {
    if (checkpoint !== null) restoreCheckpoint(checkpoint, net, optimizer);
    return { epoch: first, stopped: false };
  }
  const stepsPerEpoch = loaders.train.batches;
  const total = config.epochs * stepsPerEpoch;
  const progress = startProgress(terminal, `train ${runLabel(config)}`, total, first * stepsPerEpoch);
  try {
    return await fitNetwork(net, loaders.train, {
      epochs: config.epochs,
      optimizer,
      schedule: scheduleFrom(config.schedule),
      labelSmoothing: config.labelSmoothing,
      recalibrate: config.recalibrate === undefined ? "auto" : config.recalibrate === "always",
      validation: loaders.test,
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
  return seconds > 0 ? images / seconds : null;
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
  test: BatchLoader,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Tested> {
  const progress = startProgress(terminal, `test ${runLabel(config)}`, 2 * test.images);
  try {
    const graph = await evaluate(net, test, { signal, onProgress: ({ images }) => progress.update(images) });
    const bytes = pack(net, packOptions(infoOf(config)));
    await run.writeModel(bytes);
    using session = createSession(bytes);
    const packed = await packedAccuracy(session, test, { signal, onProgress: (n) => progress.update(test.images + n) });
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
