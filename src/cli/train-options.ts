/** @file Options of `train`: declared, read, given defaults that depend on each other, and made a run's configuration. */
import { createHash } from "node:crypto";
import path from "node:path";
import type { Command } from "commander";
import { CoarsegradError } from "../core/errors.js";
import { DATASET_NAMES } from "../data/registry.js";
import { MODEL_NAMES } from "../models/index.js";
import { readFileBytes } from "../node/files.js";
import { parseSchedule, SCHEDULE_FORMS, type ScheduleSpec } from "../optim/schedule/index.js";
import { type BitWidths, bitsOption, bitsText, parseBits } from "./bits.js";
import { quoted, UsageError, unknownWord } from "./failure.js";
import { dataName } from "./images.js";
import { isOnnx, plainName } from "./onnx.js";
import {
  ALPHA_RULES,
  AUGMENTATIONS,
  CALIBRATIONS,
  DEFAULT_QUANT,
  GRANULARITIES,
  METHODS,
  OPTIMIZERS,
  PROXIES,
  type QuantConfig,
  type RunConfig,
} from "./run-config.js";
import { isFolder } from "./sources.js";
import type { CommonOptions } from "./terminal.js";
import type { ThreadsOption } from "./threads.js";
import { oneOf, realNumber, wholeNumber, wordList } from "./values.js";

/** Options of `train` as commander gives them. */
export interface TrainOptions extends CommonOptions, Partial<ThreadsOption> {
  model: string;
  data: string;
  dataDir?: string;
  limit?: number;
  testLimit?: number;
  bits: BitWidths;
  method?: (typeof METHODS)[number];
  rho?: number;
  alphaRule?: QuantConfig["alphaRule"];
  proxy?: QuantConfig["proxy"];
  keepFloat?: readonly string[];
  granularity?: QuantConfig["granularity"];
  calibrate?: QuantConfig["calibrate"];
  init?: string;
  epochs?: number;
  batch: number;
  optimizer: RunConfig["optimizer"];
  lr?: number;
  momentum?: number;
  weightDecay?: number;
  schedule?: ScheduleSpec;
  warmup?: number;
  labelSmoothing: number;
  augment: RunConfig["augment"];
  seed: number;
  out?: string;
  resume?: boolean;
  force?: boolean;
}

/** Reads a schedule; what the library refuses is a usage error here. */
function readSchedule(text: string): ScheduleSpec {
  const names = SCHEDULE_FORMS.map((form) => form.replace(/[:[].*/, ""));
  const name = text.split(":")[0];
  if (!names.includes(name)) throw unknownWord("--schedule", "unknown schedule", name, names);
  try {
    return parseSchedule(text);
  } catch (cause) {
    if (!(cause instanceof CoarsegradError)) throw cause;
    throw new UsageError({
      op: "--schedule",
      what: cause.message.split(";")[0],
      expected: cause.expected ?? SCHEDULE_FORMS.join(", "),
      got: quoted(text),
    });
  }
}

/** One of the networks, or an ONNX file. */
function modelName(text: string): string {
  return isOnnx(text) ? text : oneOf("--model", MODEL_NAMES)(text);
}

/** Declares them. */
export function trainOptions(made: Command): Command {
  const real = (name: string, min: number, below?: number) => realNumber(name, { min, below });
  return made
    .option(
      "--model <name>",
      `network: ${MODEL_NAMES.join(", ")}, or an ONNX file of a float one, which it starts from`,
      modelName,
      "lenet5",
    )
    .option("--data <name>", `data set: ${DATASET_NAMES.join(", ")}`, dataName, "digits")
    .option("--data-dir <dir>", "a data directory to look in first")
    .option("--limit <n>", "train on the first n images only", wholeNumber("--limit", { min: 2 }))
    .option("--test-limit <n>", "test on the first n images only", wholeNumber("--test-limit", { min: 1 }))
    .addOption(bitsOption("float, or nWmA: n bits per weight, m per activation (1…8, or 32 for float)"))
    .option(
      "--method <name>",
      `${METHODS.slice(1).join(", ")}: blended coarse gradient descent, BinaryConnect (ρ = 0), BinaryRelax, or no training at all (default: bcgd)`,
      oneOf("--method", METHODS),
    )
    .option(
      "--rho <x>",
      "bcgd: share of the quantized weights blended into the float ones (default: 1e-5)",
      real("--rho", 0, 1),
    )
    .option(
      "--alpha-rule <name>",
      `derivative by the activation step: ${ALPHA_RULES.join(", ")} (default: three-valued)`,
      oneOf("--alpha-rule", ALPHA_RULES),
    )
    .option(
      "--proxy <name>",
      `derivative of the staircase: ${PROXIES.join(", ")} (default: clipped-relu)`,
      oneOf("--proxy", PROXIES),
    )
    .option(
      "--keep-float <names>",
      "layers whose weights stay float: first, last, or names, separated by commas",
      wordList("--keep-float"),
    )
    .option(
      "--granularity <unit>",
      "one weight scale per layer or per channel (default: layer)",
      oneOf("--granularity", GRANULARITIES),
    )
    .option(
      "--calibrate <how>",
      `how activation steps are found before training: ${CALIBRATIONS.join(", ")} (default: mse)`,
      oneOf("--calibrate", CALIBRATIONS),
    )
    .option(
      "--init <file>",
      "start from these float weights: a run folder, its checkpoint, a plain safetensors file, or an ONNX file",
    )
    .option(
      "--epochs <n>",
      "passes over the training images (default: 10; 0 with ptq)",
      wholeNumber("--epochs", { min: 0 }),
    )
    .option("--batch <n>", "images in a step", wholeNumber("--batch", { min: 2 }), 64)
    .option("--optimizer <name>", OPTIMIZERS.join(" or "), oneOf("--optimizer", OPTIMIZERS), "sgd")
    .option(
      "--lr <x>",
      "largest learning rate (default: 0.05 with sgd, 0.001 with adam; a fifth of it when quantized)",
      realNumber("--lr", { above: 0 }),
    )
    .option("--momentum <x>", "of sgd (default: 0.9)", real("--momentum", 0, 1))
    .option("--weight-decay <x>", "L2 term (default: 1e-4)", real("--weight-decay", 0))
    .option("--schedule <form>", `${SCHEDULE_FORMS.join(", ")} (default: onecycle)`, readSchedule)
    .option("--warmup <epochs>", "epochs of linear warm-up in front of the schedule", real("--warmup", 0))
    .option("--label-smoothing <x>", "share of each target spread over all classes", real("--label-smoothing", 0, 1), 0)
    .option("--augment <how>", "shift: move images by up to 2 pixels; none", oneOf("--augment", AUGMENTATIONS), "none")
    .option("--out <dir>", "run folder (default: runs/MODEL-DATA-BITS-METHOD)")
    .option("--resume", "go on from the folder's last checkpoint")
    .option("--force", "replace the run that is in the folder");
}

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
  const quantOptions = ["alphaRule", "proxy", "keepFloat", "granularity", "calibrate"] as const;
  const useless = float ? quantOptions.find((name) => options[name] !== undefined) : undefined;
  if (useless !== undefined) throw clash(`--${kebab(useless)}`, "--bits nWmA, such as --bits 1W4A");
  if (options.momentum !== undefined && options.optimizer === "adam") throw clash("--momentum", "--optimizer sgd");
  if (method === "ptq" && (options.epochs ?? 0) > 0)
    throw clash("--epochs", "none with --method ptq: it does not train");
  if (method === "ptq" && options.init === undefined && !isOnnx(options.model)) {
    throw clash("--method ptq", "--init FILE: it quantizes weights that were trained before");
  }
  const schedule = options.schedule ?? { name: "onecycle" as const };
  if (options.warmup !== undefined && schedule.name === "onecycle") {
    throw clash("--warmup", "a --schedule other than onecycle, which warms up by itself");
  }
  const base = options.optimizer === "adam" ? 0.001 : 0.05;
  return {
    model: options.model,
    data: options.data,
    limit: options.limit ?? null,
    testLimit: options.testLimit ?? null,
    bits: bitsText(options.bits),
    quant: float ? null : quantConfig(options, method as QuantConfig["method"]),
    init: options.init === undefined ? null : await initConfig(options.init),
    epochs: method === "ptq" ? 0 : (options.epochs ?? 10),
    batch: options.batch,
    optimizer: options.optimizer,
    lr: options.lr ?? (float ? base : base / 5),
    momentum: options.optimizer === "adam" ? 0 : (options.momentum ?? 0.9),
    weightDecay: options.weightDecay ?? 1e-4,
    schedule: options.warmup ? { ...schedule, warmupEpochs: options.warmup } : schedule,
    labelSmoothing: options.labelSmoothing,
    augment: options.augment,
    seed: options.seed,
  };
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
  };
}

async function initConfig(given: string): Promise<{ file: string; sha256: string }> {
  const file = (await isFolder(given)) ? path.join(given, "checkpoint.safetensors") : given;
  return {
    file,
    sha256: createHash("sha256")
      .update(await readFileBytes(file))
      .digest("hex"),
  };
}

/** Where a run goes unless it is told. */
export function defaultFolder(config: RunConfig): string {
  const method = config.quant === null ? [] : [config.quant.method];
  return path.join("runs", [plainName(config.model), config.data, config.bits.toLowerCase(), ...method].join("-"));
}

/** The options that stand for a configuration: the inverse of {@link configFrom}, `init` left out. */
export function optionsOf(config: RunConfig): TrainOptions {
  const { quant, init: _, limit, testLimit, schedule, bits, ...same } = config;
  const { warmupEpochs, ...form } = schedule;
  const method = quant?.method ?? "float";
  return {
    ...same,
    ...quant,
    bits: parseBits(bits),
    method,
    rho: method === "bcgd" ? quant?.rho : undefined,
    momentum: config.optimizer === "adam" ? undefined : config.momentum,
    epochs: method === "ptq" ? undefined : config.epochs,
    limit: limit ?? undefined,
    testLimit: testLimit ?? undefined,
    schedule: form,
    warmup: warmupEpochs,
  };
}

/**
 * Refuses settings of a resumed run that were given again with other values.
 *
 * @param given the options that the user typed
 * @throws UsageError that lists what differs
 */
export async function checkResumed(given: Partial<TrainOptions>, kept: RunConfig): Promise<void> {
  const init = given.init ?? (kept.quant?.method === "ptq" ? kept.init?.file : undefined);
  const wanted = await configFrom({ ...optionsOf(kept), ...given, init });
  const flat = (config: RunConfig): Record<string, unknown> => ({
    ...config,
    quant: undefined,
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
