/** @file The outcome of a run as plain JSON: what `summary.json` holds. */
import {
  atLeast,
  check,
  checkOptions,
  either,
  flag,
  integer,
  listOf,
  type OptionRules,
  oneOf,
  type Rule,
  real,
  record,
  text,
} from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import type { ModelSummary } from "../export/index.js";
import { configHash } from "../train/digest.js";
import type { EpochMetrics } from "../train/metrics.js";
import { bitWidths } from "./bits.js";
import { keptEpoch } from "./choosing.js";
import { parseConfig, type RunConfig } from "./config.js";
import type { RunResult } from "./create.js";
import { checkFields, hashRule } from "./json-fields.js";
import { partsRule, type RunPart } from "./parts.js";

/** One layer of a trained network, in the order of the forward pass. */
export interface LayerRow {
  /** Name of the layer. */
  readonly name: string;
  /** Kind of layer. */
  readonly kind: string;
  /** Bits per weight; 32 is float. */
  readonly weightBits: number;
  /** Bits of the layer's input; 32 is float. */
  readonly activationBits: number;
  /** Number of parameters. */
  readonly parameters: number;
  /** Bytes of the layer in the packed file. */
  readonly bytes: number;
  /** Multiply-accumulates per image. */
  readonly macs: number;
}

/** The packed file and what the integer runtime makes of it. */
export interface PackedSummary {
  /** Bytes of `model.cgm`. */
  bytes: number;
  /** Bytes of its weights as float32. */
  floatBytes: number;
  /** SHA-256 of the packed file. */
  sha256: string;
  /** Accuracy of the packed file on the test images, percent. */
  top1: number;
  /** Share of images with the label among the five likeliest, in percent. */
  top5: number;
  /** Milliseconds per image of the runtime, in batches. */
  millisecondsPerImage: number;
  /** Codes that `verify` compared with the training graph's, and how many agree. */
  codesCompared?: number;
  /** Codes that equal training's. */
  codesEqual?: number;
}

/** A run's outcome. */
export interface RunSummary {
  /** The command that made the run. */
  command: string;
  /** Version of the library. */
  version: string;
  /** Name of the network. */
  model: string;
  /** Name of the data set. */
  data: string;
  /** Widths, such as 1W4A, or float. */
  bits: string;
  /** How it was trained or quantized. */
  method: string;
  /** Seed of everything random. */
  seed: number;
  /** Complete epochs. */
  epochs: number;
  /** Earlier parts of a run that was extended; see `RunConfig`. */
  extended?: readonly RunPart[];
  /** SHA-256 of the configuration; summaries of earlier versions do not have it. */
  configSha256?: string;
  /** Seconds of all parts of the run. */
  wallSeconds: number;
  /** Mean speed of training; null without training. */
  imagesPerSecond: number | null;
  /** Accuracy of the training graph on the test images, percent. */
  top1: number;
  /** Share of images with the label among the five likeliest, in percent. */
  top5: number;
  /** Number of test images. */
  testImages: number;
  /** The test images are those that the run was trained on: an image folder without any to test on. */
  testIsTraining?: true;
  /** SHA-256 of the pixels and labels of all images, where they were decoded into a file. */
  pixelsSha256?: string;
  /** The figures of the last epoch (with `keep` "best" the best one's) on the images that were held out, with `validate`. */
  validation?: {
    readonly images: number;
    /** Percent. */
    readonly top1: number;
    /** Mean cross-entropy. */
    readonly loss: number;
  };
  /** Milliseconds per image of the training graph in evaluation, in batches. */
  millisecondsPerImage: number;
  /** SHA-256 of all parameters and buffers. */
  weightsSha256: string;
  /** One entry for each layer. */
  layers: LayerRow[];
  /** The packed file. */
  packed: PackedSummary;
}

/** What is known of a run besides its result. */
export interface RunAccount {
  /** The command that started it. */
  readonly command: string;
  /** Of the package. */
  readonly version: string;
  /** Seconds of all parts of the run. */
  readonly wallSeconds: number;
  /** Of all epochs. */
  readonly metrics: readonly EpochMetrics[];
  /** The test images are those that it was trained on. */
  readonly testIsTraining?: boolean;
  /** SHA-256 of the pixels and labels of all images, where they were decoded into a file. */
  readonly pixelsSha256?: string;
}

const ACCOUNT: OptionRules<RunAccount> = {
  command: text,
  version: text,
  wallSeconds: real,
  metrics: listOf(record),
  testIsTraining: flag,
  pixelsSha256: hashRule,
};

/** The summary of a run that is complete; null of one that was stopped. */
export function summaryOf(config: RunConfig, result: RunResult, account: RunAccount): RunSummary | null {
  config = parseConfig(config, "summaryOf: config");
  check("summaryOf", "result", result, record);
  checkOptions<RunAccount>("summaryOf", account, ACCOUNT, ["command", "version", "wallSeconds", "metrics"]);
  const { epochs, accuracy, packed, weightsSha256 } = result;
  if (accuracy == null || packed == null) return null;
  const { model, data, bits, quant, seed } = config;
  const { command, version, wallSeconds, metrics } = account;
  return {
    command,
    version,
    model,
    data,
    bits,
    method: quant?.method ?? "float",
    seed,
    epochs,
    ...(config.extended && { extended: config.extended }),
    configSha256: configHash(config),
    wallSeconds,
    imagesPerSecond: meanSpeed(metrics),
    top1: accuracy.top1,
    top5: accuracy.top5,
    testImages: accuracy.images,
    ...(account.testIsTraining && { testIsTraining: true as const }),
    ...(account.pixelsSha256 !== undefined && { pixelsSha256: account.pixelsSha256 }),
    ...validationOf(config, keptEpoch(config, metrics)),
    millisecondsPerImage: 1000 / accuracy.imagesPerSecond,
    weightsSha256,
    layers: layerRows(packed.summary),
    packed: {
      bytes: packed.summary.fileBytes,
      floatBytes: packed.summary.floatBytes,
      sha256: packed.sha256,
      top1: packed.accuracy.top1,
      top5: packed.accuracy.top5,
      millisecondsPerImage: 1000 / packed.accuracy.imagesPerSecond,
    },
  };
}

/** What the last epoch, or the one that was kept, says of the images that were held out. */
function validationOf({ validate = 0 }: RunConfig, last: EpochMetrics | undefined): Pick<RunSummary, "validation"> {
  if (validate === 0 || last?.valAccuracy === undefined || last.valLoss === undefined) return {};
  return { validation: { images: validate, top1: 100 * last.valAccuracy, loss: last.valLoss } };
}

/** Mean training speed over the epochs, or null if there were none. */
function meanSpeed(metrics: readonly EpochMetrics[]): number | null {
  const seconds = metrics.reduce((sum, row) => sum + row.seconds, 0);
  const images = metrics.reduce((sum, row) => sum + row.seconds * row.imagesPerSecond, 0);
  return seconds > 0 ? images / seconds : null;
}

/** Layers with weights, as summaries and reports show them. */
function layerRows({ layers }: ModelSummary): LayerRow[] {
  return layers.flatMap(({ name, op, weightBits, inputBits, weights, bytes, macs }) =>
    weightBits === null
      ? []
      : [{ name, kind: op, weightBits, activationBits: inputBits, parameters: weights, bytes, macs }],
  );
}

const count = integer(0);
const figure = either(real, oneOf(null));
const LAYER: Readonly<Record<keyof LayerRow, Rule>> = {
  name: text,
  kind: text,
  weightBits: count,
  activationBits: count,
  parameters: count,
  bytes: atLeast(0),
  macs: count,
};

/** Asks everything that reports and checks read of a summary. @throws FormatError that names file and field */
export function checkSummary(file: string, value: unknown): void {
  checkFields(file, value, {
    command: text,
    version: text,
    model: text,
    data: text,
    bits: bitWidths.rule,
    method: text,
    seed: count,
    epochs: count,
    extended: partsRule,
    wallSeconds: figure,
    imagesPerSecond: figure,
    top1: figure,
    top5: figure,
    testImages: count,
    testIsTraining: flag,
    pixelsSha256: hashRule,
    validation: { images: count, top1: figure, loss: figure },
    millisecondsPerImage: figure,
    weightsSha256: hashRule,
    configSha256: hashRule,
    layers: listOf(record),
    packed: {
      bytes: count,
      floatBytes: count,
      sha256: hashRule,
      top1: figure,
      top5: figure,
      millisecondsPerImage: figure,
      codesCompared: count,
      codesEqual: count,
    },
  });
  const { layers = [] } = value as { layers?: readonly unknown[] };
  for (const [i, layer] of layers.entries()) {
    checkFields(file, layer, LAYER, `layers[${i}].`);
    const missing = Object.keys(LAYER).find((name) => (layer as Record<string, unknown>)[name] === undefined);
    if (missing !== undefined) {
      throw new FormatError({ op: file, what: `bad layers[${i}].${missing}`, expected: "a value", got: "none" });
    }
  }
}
