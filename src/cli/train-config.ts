/** @file From the options of `train` to a run's configuration and back: defaults that depend on each other, clashes, what a resumed run keeps. */
import { createHash } from "node:crypto";
import path from "node:path";
import { StateError } from "../core/errors.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import { bitsText, parseBits } from "./bits.js";
import { dataLabel, folderOf, imagesInfo } from "./data-info.js";
import { UsageError } from "./failure.js";
import { defaultNormalize, type ImagesInfo } from "./normalization.js";
import { isOnnx, plainName } from "./onnx.js";
import { DEFAULT_QUANT, type InitConfig, isPostTraining, type QuantConfig, type RunConfig } from "./run-config.js";
import { openModel } from "./sources.js";
import { normalizeOf } from "./stated-normalization.js";
import type { TrainOptions } from "./train-options.js";

/**
 * The configuration that the options stand for.
 *
 * @throws UsageError for options that exclude each other; DataError if the --init file is missing
 */
export async function configFrom(options: TrainOptions): Promise<RunConfig> {
  const float = options.bits.weights === 32 && options.bits.activations === 32;
  const method = options.method ?? (float ? "float" : "bcgd");
  const clash = (option: string, why: string): UsageError =>
    new UsageError({ op: option, what: "does not go with the other options", expected: why, got: option });
  if (float && method !== "float") throw clash(`--method ${method}`, "--bits nWmA, such as --bits 1W4A");
  if (!float && method === "float") throw clash("--method float", "--bits float");
  if (options.rho !== undefined && method !== "bcgd") throw clash("--rho", "--method bcgd");
  const quantOptions = ["alphaRule", "proxy", "keepFloat", "granularity", "calibrate", "projection"] as const;
  const useless = float ? quantOptions.find((name) => options[name] !== undefined) : undefined;
  if (useless !== undefined) throw clash(`--${kebab(useless)}`, "--bits nWmA, such as --bits 1W4A");
  if (options.momentum !== undefined && options.optimizer === "adam") throw clash("--momentum", "--optimizer sgd");
  if (isPostTraining(method) && (options.epochs ?? 0) > 0)
    throw clash("--epochs", `none with --method ${method}: it does not train`);
  if (isPostTraining(method) && options.init === undefined && !isOnnx(options.model)) {
    throw clash(`--method ${method}`, "--init FILE: it quantizes weights that were trained before");
  }
  const schedule = options.schedule ?? { name: "onecycle" as const };
  if (options.warmup !== undefined && schedule.name === "onecycle") {
    throw clash("--warmup", "a --schedule other than onecycle, which warms up by itself");
  }
  const folder = folderOf(options.data) !== undefined;
  if (folder && options.augment === "shift") throw clash("--augment shift", "crop-flip or none for an image folder");
  if (!folder && options.imageSize !== undefined) throw clash("--image-size", "--data imagefolder:DIR");
  const base = options.optimizer === "adam" ? 0.001 : 0.05;
  const info = await imagesInfo(options.data, options.imageSize);
  const init = options.init === undefined ? null : await initOf(options.init, info);
  return {
    model: options.model,
    data: options.data,
    limit: options.limit ?? null,
    testLimit: options.testLimit ?? null,
    bits: bitsText(options.bits),
    quant: float ? null : quantConfig(options, method as QuantConfig["method"]),
    init: init?.config ?? null,
    epochs: isPostTraining(method) ? 0 : (options.epochs ?? 10),
    batch: options.batch,
    optimizer: options.optimizer,
    lr: options.lr ?? (float ? base : base / 5),
    momentum: options.optimizer === "adam" ? 0 : (options.momentum ?? 0.9),
    weightDecay: options.weightDecay ?? 1e-4,
    schedule: options.warmup ? { ...schedule, warmupEpochs: options.warmup } : schedule,
    labelSmoothing: options.labelSmoothing,
    augment: options.augment,
    seed: options.seed,
    normalize: normalizeFor(options, info, init?.normalize),
    ...(options.recalibrate !== undefined && options.recalibrate !== "auto" && { recalibrate: options.recalibrate }),
    ...(options.relaxed && { relaxed: true as const }),
    ...(folder && { images: { shape: info.shape, classes: info.classes, classNames: info.classNames } }),
  };
}

/** What is chosen; else what the weights to start from were trained with (an ONNX file holds all of its network); else what suits the images. */
function normalizeFor(
  { model, normalize }: TrainOptions,
  info: ImagesInfo,
  ofInit: NormalizeOptions | null | undefined,
): NormalizeOptions | null {
  if (normalize !== undefined) return normalize === "none" ? null : normalize;
  if (ofInit !== undefined) return ofInit;
  return isOnnx(model) ? null : defaultNormalize(info);
}

/** `alphaRule` → `alpha-rule`. */
function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function quantConfig(options: TrainOptions, method: QuantConfig["method"]): QuantConfig {
  const { alphaRule, proxy, keepFloat, granularity, calibrate } = DEFAULT_QUANT;
  return {
    method,
    rho: method === "bcgd" ? (options.rho ?? DEFAULT_QUANT.rho) : 0,
    alphaRule: options.alphaRule ?? alphaRule,
    proxy: options.proxy ?? proxy,
    keepFloat: options.keepFloat ?? keepFloat,
    granularity: options.granularity ?? granularity,
    calibrate: options.calibrate ?? calibrate,
    ...(options.projection === "authors" && { projection: options.projection }),
  };
}

/** The file behind --init, and the normalization that its weights were trained with. */
async function initOf(
  given: string,
  info: ImagesInfo,
): Promise<{ config: InitConfig; normalize: NormalizeOptions | null }> {
  const source = await openModel(given);
  if (source.kind === "packed") {
    throw new StateError({
      op: "--init",
      what: `${given} does not hold float weights`,
      expected: "a run, its checkpoint, a plain safetensors file, or an ONNX file",
      got: "a packed model",
    });
  }
  const sha256 = createHash("sha256").update(source.bytes).digest("hex");
  return { config: { file: source.path, sha256 }, ...normalizeOf(source, info) };
}

/** Where a run goes unless it is told. */
export function defaultFolder(config: RunConfig): string {
  const method = config.quant === null ? [] : [config.quant.method];
  return path.join(
    "runs",
    [plainName(config.model), dataLabel(config.data), config.bits.toLowerCase(), ...method].join("-"),
  );
}

/** The options that stand for a configuration: the inverse of {@link configFrom}, `init` left out. */
export function optionsOf(config: RunConfig): TrainOptions {
  const { quant, init: _, limit, testLimit, schedule, bits, normalize = null, images, ...same } = config;
  const { warmupEpochs, ...form } = schedule;
  const method = quant?.method ?? "float";
  return {
    ...same,
    ...quant,
    normalize: normalize ?? "none",
    imageSize: images?.shape[0],
    bits: parseBits(bits),
    method,
    rho: method === "bcgd" ? quant?.rho : undefined,
    momentum: config.optimizer === "adam" ? undefined : config.momentum,
    epochs: isPostTraining(method) ? undefined : config.epochs,
    limit: limit ?? undefined,
    testLimit: testLimit ?? undefined,
    schedule: form,
    warmup: warmupEpochs,
  };
}

/** Options that are no part of the configuration. */
const NO_SETTINGS: readonly string[] = ["out", "resume", "json", "quiet", "debug", "threads", "workers", "dataDir"];

/**
 * Refuses settings of a resumed run that were given again with other values.
 *
 * @param given the options that the user typed
 * @throws UsageError that lists what differs
 */
export async function checkResumed(given: Partial<TrainOptions>, kept: RunConfig): Promise<void> {
  // Without settings nothing can differ, and the file that the run started from need not be there any more.
  if (Object.keys(given).every((name) => NO_SETTINGS.includes(name))) return;
  const init = given.init ?? (isPostTraining(kept.quant?.method) ? kept.init?.file : undefined);
  const wanted = await configFrom({ ...optionsOf(kept), ...given, init });
  const flat = (config: RunConfig): Record<string, unknown> => ({
    ...config,
    quant: undefined,
    normalize: config.normalize ?? null,
    images: config.images?.shape,
    ...config.quant,
    init: given.init === undefined ? undefined : config.init?.sha256,
  });
  const [now, then] = [flat(wanted), flat(kept)];
  const differing = Object.keys({ ...now, ...then }).filter(
    (key) => JSON.stringify(now[key]) !== JSON.stringify(then[key]),
  );
  if (differing.length === 0) return;
  const text = (values: Record<string, unknown>): string =>
    differing.map((key) => `${key} ${JSON.stringify(values[key]) ?? "none"}`).join(", ");
  throw new UsageError({
    op: "--resume",
    what: "the run was started with other settings",
    expected: text(then),
    got: text(now),
    hint: "a resumed run keeps its settings; leave them out",
  });
}
