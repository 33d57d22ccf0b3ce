/** @file Options of `train`: declared and read. */
import type { Command } from "commander";
import { CoarsegradError } from "../core/errors.js";
import { DATASET_NAMES } from "../data/registry.js";
import { MODEL_NAMES } from "../models/index.js";
import { parseSchedule, SCHEDULE_FORMS, type ScheduleSpec } from "../optim/schedule/index.js";
import { type BitWidths, bitsOption } from "./bits.js";
import { quoted, UsageError, unknownWord } from "./failure.js";
import { dataName, MAX_PIXELS_TEXT, maxPixelsNumber } from "./images.js";
import { NORMALIZE_FORMS, type NormalizeChoice, normalizeChoice } from "./normalization.js";
import { isOnnx } from "./onnx.js";
import {
  ALPHA_RULES,
  AUGMENTATIONS,
  CALIBRATIONS,
  GRANULARITIES,
  METHODS,
  OPTIMIZERS,
  PROJECTIONS,
  PROXIES,
  type QuantConfig,
  type RunConfig,
} from "./run-config.js";
import type { CommonOptions } from "./terminal.js";
import type { ThreadsOption } from "./threads.js";
import { oneOf, realNumber, wholeNumber, wordList } from "./values.js";

/** Names that --preset takes. */
export const PRESET_NAMES = ["paper", "authors-code"] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Options of `train` as commander gives them. */
export interface TrainOptions extends CommonOptions, Partial<ThreadsOption> {
  model: string;
  data: string;
  dataDir?: string;
  imageSize?: number;
  /** Threads that prepare batches; not part of the configuration. */
  workers?: number;
  /** Pixels of a picture in a folder; not part of the configuration. */
  maxPixels?: number;
  limit?: number;
  testLimit?: number;
  /** Read before anything else: see `withPreset`. */
  preset?: PresetName;
  normalize?: NormalizeChoice;
  bits: BitWidths;
  method?: (typeof METHODS)[number];
  rho?: number;
  alphaRule?: QuantConfig["alphaRule"];
  proxy?: QuantConfig["proxy"];
  keepFloat?: readonly string[];
  granularity?: QuantConfig["granularity"];
  calibrate?: QuantConfig["calibrate"];
  projection?: QuantConfig["projection"];
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
  recalibrate?: "auto" | "always" | "never";
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

/** Names of layers; `none` is an empty list, for overriding a preset. */
function layerNames(text: string): string[] {
  return text === "none" ? [] : wordList("--keep-float")(text);
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
    .option(
      "--data <name>",
      `data set: ${DATASET_NAMES.join(", ")}, or imagefolder:DIR (a folder for each class, perhaps in train/ and val/)`,
      dataName,
      "digits",
    )
    .option(
      "--image-size <n>",
      "side of the images of an image folder (default: 224)",
      wholeNumber("--image-size", { min: 8 }),
    )
    .option("--data-dir <dir>", "a data directory to look in first")
    .option("--limit <n>", "train on the first n images only", wholeNumber("--limit", { min: 2 }))
    .option("--test-limit <n>", "test on the first n images only", wholeNumber("--test-limit", { min: 1 }))
    .option(
      "--normalize <how>",
      `how the network normalizes images: ${NORMALIZE_FORMS} (default: as the --init weights do; else colour by the set's constants, grey not at all)`,
      normalizeChoice,
    )
    .option(
      "--preset <name>",
      `settings to start from, which other options override: ${PRESET_NAMES.join(", ")} (listed below)`,
      oneOf("--preset", PRESET_NAMES),
    )
    .addOption(bitsOption("float, or nWmA: n bits per weight, m per activation (1…8, or 32 for float)"))
    .option(
      "--method <name>",
      `${METHODS.slice(1).join(", ")}: blended coarse gradient descent, BinaryConnect (ρ = 0), BinaryRelax, or no training at all: the nearest codes, or COMQ's (default: bcgd)`,
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
      "layers whose weights stay float: first, last, or names, separated by commas; none",
      layerNames,
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
      "--projection <rule>",
      "exact: the nearest quantized weights; authors: the rules of the paper's released code at 2 and 4 bits (default: exact)",
      oneOf("--projection", PROJECTIONS),
    )
    .option(
      "--init <file>",
      "start from these weights: a run folder or its checkpoint (a quantized one gives its latent weights, and its activation steps to equal widths), a plain safetensors file, or an ONNX file",
    )
    .option(
      "--epochs <n>",
      "passes over the training images (default: 10; 0 with ptq and comq)",
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
    .option(
      "--recalibrate <when>",
      "statistics of batch norms after the last step of a quantized network: auto (estimated anew where that helps clearly), always, never (default: auto)",
      oneOf("--recalibrate", ["auto", "always", "never"] as const),
    )
    .option(
      "--augment <how>",
      "shift: move images by up to 2 pixels; crop-flip: pad by 4, crop at random, mirror half of them; none. ptq and comq calibrate on such images: give what the weights were trained with",
      oneOf("--augment", AUGMENTATIONS),
      "none",
    )
    .option(
      "--workers <n>",
      "threads that prepare batches; results do not depend on it (default: 1 for an image folder, else 0)",
      wholeNumber("--workers", { min: 0, max: 16 }),
    )
    .option("--max-pixels <n>", MAX_PIXELS_TEXT, maxPixelsNumber)
    .option("--out <dir>", "run folder (default: runs/MODEL-DATA-BITS-METHOD)")
    .option("--resume", "go on from the folder's last checkpoint")
    .option("--force", "replace the run that is in the folder");
}
