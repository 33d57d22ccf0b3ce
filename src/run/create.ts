/**
 * @file One run from its configuration: data, network, training, test, packing. It writes nothing: who calls it, keeps
 * what it hands over.
 */
import { anything, callable, checkOptions, type OptionRules, record } from "../core/checks.js";
import { sha256Hex } from "../core/sha256.js";
import { type ModelSummary, pack, summarize } from "../export/index.js";
import { createSession } from "../infer/create-session.js";
import type { Module } from "../nn/module.js";
import type { HostArray } from "../nn/state.js";
import { type OptimizerLike, scheduleFrom } from "../optim/index.js";
import type { Callback } from "../train/callbacks.js";
import { loadCheckpoint, restoreCheckpoint, saveCheckpoint } from "../train/checkpoint.js";
import { weightsDigest } from "../train/digest.js";
import type { Distillation } from "../train/distillation.js";
import { evaluate } from "../train/evaluate.js";
import { type FitOptions, type FitProgress, type FitResult, fit as fitNetwork } from "../train/fit.js";
import type { EpochMetrics } from "../train/metrics.js";
import { CHECKPOINT_EVERY, signalRule } from "../train/options.js";
import { TOGETHER_RULES } from "../train/together.js";
import { aloneWorld, type World } from "../world/world.js";
import { averageOf, choosing } from "./choosing.js";
import { parseConfig, type RunConfig } from "./config.js";
import { infoOf } from "./images.js";
import { type RunData, type RunLoaders, runLoaders } from "./loaders.js";
import { checkOnnx, packOptions } from "./network.js";
import { type Accuracy, packedAccuracy } from "./packed.js";
import { partsOf } from "./parts.js";
import { optimizerFor } from "./quantize.js";
import { copied, type StartFiles, startingNetwork } from "./start.js";
import { type OpenTeacher, openTeacher } from "./teacher.js";

/** What a run is given besides its configuration, and whom it tells. Callbacks are awaited. */
export interface RunOptions extends StartFiles {
  /**
   * The ranks that share the work: every one of them is given the same configuration, images and files, and gets the
   * same result; rank 0 alone calls back. Default: this process alone.
   */
  readonly world?: World;
  /**
   * Images, of which `limit` and `testLimit` take the first; or loaders. Default: generated digits, where the
   * configuration asks for them.
   */
  readonly data?: RunData;
  /** Stops at the next step boundary, or the test by throwing its reason. */
  readonly signal?: AbortSignal;
  /**
   * Data, files and network are there; training begins. The network may be looked at until the run ends, which disposes
   * of it.
   */
  readonly onStart?: (net: Module) => void | Promise<void>;
  /** Called after every step. */
  readonly onProgress?: (progress: FitProgress) => void;
  /** After every epoch, before its checkpoint. */
  readonly onEpoch?: (metrics: EpochMetrics) => void | Promise<void>;
  /** Takes the checkpoint of every epoch; without any epoch, that of the network as it starts. */
  readonly onCheckpoint?: (bytes: Uint8Array) => void | Promise<void>;
  /** Steps between checkpoints within an epoch, or when they are wanted: see `fit`. Default: none but at its end. */
  readonly checkpointEvery?: FitOptions["checkpointEvery"];
  /** Takes the checkpoints within epochs. */
  readonly onStepCheckpoint?: (bytes: Uint8Array) => void | Promise<void>;
  /** All epochs are complete; the test begins. */
  readonly onTrained?: (epochs: number) => void | Promise<void>;
  /**
   * Told after every batch of the test, which classifies the test images twice: by the network and by its packed file.
   */
  readonly onTest?: (progress: { images: number; total: number }) => void;
  /** Takes the packed model, before it is tested. */
  readonly onPacked?: (bytes: Uint8Array) => void | Promise<void>;
}

const RULES: OptionRules<RunOptions> = {
  data: record,
  network: record,
  init: record,
  teacher: record,
  checkpoint: anything,
  signal: signalRule,
  onStart: callable,
  onProgress: callable,
  onEpoch: callable,
  onCheckpoint: callable,
  world: TOGETHER_RULES.world,
  checkpointEvery: CHECKPOINT_EVERY,
  onStepCheckpoint: callable,
  onTrained: callable,
  onTest: callable,
  onPacked: callable,
};

/** The packed model of a run and what the integer runtime makes of it. */
export interface PackedResult {
  /** The file, as `createSession` takes it. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the packed file. */
  readonly sha256: string;
  /** Accuracy of the packed file. */
  readonly accuracy: Accuracy;
  /** What the packed file holds and costs. */
  readonly summary: ModelSummary;
}

/** What became of a run. */
export interface RunResult {
  /** Epochs that are complete, earlier parts of the run included. */
  readonly epochs: number;
  /** True if the signal ended it early: there is no test then. */
  readonly stopped: boolean;
  /** Of the epochs of this call. */
  readonly metrics: readonly EpochMetrics[];
  /** Parameters and buffers by state-dict key; copies. */
  readonly weights: ReadonlyMap<string, HostArray>;
  /** SHA-256 of all parameters and buffers: equal on every machine. */
  readonly weightsSha256: string;
  /** The network on the test images. */
  readonly accuracy: Accuracy | null;
  /** The packed model, or null for a float network. */
  readonly packed: PackedResult | null;
}

/**
 * Trains the network of a configuration, tests it, packs it, and tests the packed file. The same configuration and
 * images give the same weights, to the last bit, in Node, in a page or in a worker.
 *
 * @throws FormatError for what is no configuration; ArgumentError for images that are not those of the configuration,
 *   or files that are not given; StateError for weights of another network; DivergenceError; what callbacks throw
 * @example
 * const config = runConfig({ model: "lenet5", bits: "1W4A", epochs: 3 });
 * const { accuracy, packed } = await createRun(config, { data: digits({ train: 4000, test: 1000 }) });
 */
export async function createRun(config: RunConfig, options: RunOptions = {}): Promise<RunResult> {
  const own = parseConfig(config, "createRun: config");
  checkOptions("createRun", options, RULES);
  if (options.network !== undefined) checkOnnx("createRun", options.network);
  const loaders = runLoaders(own, options.data);
  const net = await startingNetwork(own, options, loaders.calibration);
  let optimizer: OptimizerLike | undefined;
  let teacher: OpenTeacher | null = null;
  try {
    // What is trained already is only tested.
    if ((options.checkpoint?.epoch ?? 0) < own.epochs) teacher = openTeacher(own, options.teacher);
    optimizer = optimizerFor(net, own, loaders.train.batches);
    const reports = (options.world?.rank ?? 0) === 0;
    if (reports) await options.onStart?.(net);
    const { epoch, stopped, metrics } = await train(net, optimizer, own, loaders, options, teacher?.loss);
    const result = { epochs: epoch, stopped, metrics, weights: copied(net), weightsSha256: weightsDigest(net) };
    if (stopped) return { ...result, accuracy: null, packed: null };
    if (reports && own.epochs === 0 && options.checkpoint === undefined) {
      await options.onCheckpoint?.(saveCheckpoint({ net, optimizer, epoch: 0, step: 0, config: own }));
    }
    if (reports) await options.onTrained?.(epoch);
    return { ...result, ...(await test(net, own, loaders, options)) };
  } finally {
    optimizer?.dispose();
    teacher?.dispose();
    net.dispose();
  }
}

async function train(
  net: Module,
  optimizer: OptimizerLike,
  config: RunConfig,
  loaders: RunLoaders,
  { checkpoint, world, signal, onProgress, onEpoch, onCheckpoint, checkpointEvery, onStepCheckpoint }: RunOptions,
  loss: Distillation | undefined,
): Promise<FitResult> {
  if (checkpoint !== undefined && checkpoint.epoch >= config.epochs) {
    restoreCheckpoint(checkpoint, net, optimizer);
    if (checkpoint.training !== undefined) net.loadStateDict(checkpoint.model);
    return { epoch: checkpoint.epoch, stopped: false, metrics: [] };
  }
  if (config.epochs === 0) return { epoch: 0, stopped: false, metrics: [] };
  const { recalibrate = "auto" } = config;
  const common = {
    optimizer,
    schedule: scheduleFrom(config.schedule),
    labelSmoothing: config.labelSmoothing,
    mixup: config.mixup,
    seed: config.seed,
    average: averageOf(config),
    validateEvery: config.evaluateEvery,
    loss,
    recalibrate: recalibrate === "auto" ? ("auto" as const) : recalibrate === "always",
    validation: loaders.validation ?? loaders.test,
    config,
    signal,
    onEpoch,
    checkpointEvery,
    onStepCheckpoint,
    onProgress,
    shards: config.shards,
    world,
  };
  const parts = partsOf(config).filter(({ at }) => at > (checkpoint?.epoch ?? 0));
  const metrics: EpochMetrics[] = [];
  let resume = checkpoint;
  // A run that was extended, once more from its start: each part goes on where the one before it ended.
  for (const { at, epochs } of parts.slice(0, -1)) {
    let ended: Uint8Array | undefined;
    const end = endAfter(at, (bytes) => {
      ended = bytes;
    });
    const callbacks = [...choosing(config), end];
    const part = await fitNetwork(net, loaders.train, { ...common, epochs, resume, callbacks, onCheckpoint });
    metrics.push(...part.metrics);
    if (part.stopped) return { ...part, metrics };
    resume = loadCheckpoint(ended as unknown as Uint8Array);
  }
  const callbacks = choosing(config);
  const { epochs } = config;
  const last = await fitNetwork(net, loaders.train, { ...common, epochs, resume, callbacks, onCheckpoint });
  return { ...last, metrics: [...metrics, ...last.metrics] };
}

/** Ends a part of a run, perhaps before its schedule does. @param take gets the checkpoint of its last epoch */
function endAfter(epoch: number, take: (bytes: Uint8Array) => void): Callback {
  return {
    onCheckpoint: take,
    onEpoch: ({ metrics, stop }) => {
      if (metrics.epoch >= epoch) stop();
    },
  };
}

/** The trained network on the test images, and its packed file on the same. */
async function test(
  net: Module,
  config: RunConfig,
  { test: loader }: RunLoaders,
  { world = aloneWorld(), signal, onTest, onPacked }: RunOptions,
): Promise<{ accuracy: Accuracy; packed: PackedResult }> {
  const total = 2 * loader.images;
  const reports = world.rank === 0;
  const tell = (images: number): void => {
    if (reports) onTest?.({ images, total });
  };
  const graph = await evaluate(net, loader, { world, signal, onProgress: ({ images }) => tell(images) });
  const bytes = pack(net, packOptions(infoOf(config)));
  if (reports) await onPacked?.(bytes);
  using session = createSession(bytes);
  const onProgress = (done: number): void => tell(loader.images + done);
  const packed = await packedAccuracy(session, loader, { world, signal, onProgress });
  const { top1, top5, images, imagesPerSecond } = graph;
  return {
    accuracy: { images, top1: percentOf(top1, images), top5: percentOf(top5, images), imagesPerSecond },
    packed: { bytes, sha256: sha256Hex(bytes), accuracy: packed, summary: summarize(bytes) },
  };
}

/** A share of images in percent, rounded once, as the packed model's: equal numbers of hits give equal percentages. */
function percentOf(share: number, images: number): number {
  return (100 * Math.round(share * images)) / images;
}
