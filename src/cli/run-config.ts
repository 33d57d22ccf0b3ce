/** @file What a training run is started with: plain JSON, kept in `config.json` and in every checkpoint. */
import { describe } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import { DATASET_NAMES, datasetInfo } from "../data/registry.js";
import { isRecord } from "../io/json.js";
import { MODEL_NAMES } from "../models/index.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import type { ScheduleSpec } from "../optim/schedule/index.js";
import { defaultNormalize, type ImagesInfo } from "./normalization.js";
import { type ConfigChoices, checkConfig } from "./run-schema.js";

/** Ways of training (or not) a quantized network; `float` quantizes nothing. */
export const METHODS = ["float", "bcgd", "bc", "relax", "ptq", "comq"] as const;
export type Method = (typeof METHODS)[number];

/** True for the ways that do not train: they quantize weights that were trained before. */
export function isPostTraining(method: Method | undefined): boolean {
  return method === "ptq" || method === "comq";
}

/** Derivatives of the staircase with respect to its step (BCGD §3). */
export const ALPHA_RULES = ["three-valued", "ae", "pact"] as const;
export type AlphaRule = (typeof ALPHA_RULES)[number];

/** Coarse derivatives of the staircase (BCGD §3). */
export const PROXIES = ["clipped-relu", "relu", "identity"] as const;
export type ProxyName = (typeof PROXIES)[number];

export const OPTIMIZERS = ["sgd", "adam"] as const;
export const AUGMENTATIONS = ["none", "shift", "crop-flip"] as const;
/** The first three search on observed values; the others take start values that are best for a half-Gaussian, or the authors'. */
export const CALIBRATIONS = ["mse", "max", "percentile", "half-gaussian", "authors"] as const;
/** Rules that weights are projected by: the nearest point (the paper), or those of the authors' released code. */
export const PROJECTIONS = ["exact", "authors"] as const;
export const GRANULARITIES = ["layer", "channel"] as const;

/** How a network is quantized; null in a float run. */
export interface QuantConfig {
  readonly method: Exclude<Method, "float">;
  /** Blending of bcgd; 0 for the others. */
  readonly rho: number;
  readonly alphaRule: AlphaRule;
  readonly proxy: ProxyName;
  /** Layers whose weights stay float: names, or `first` and `last`. */
  readonly keepFloat: readonly string[];
  readonly granularity: (typeof GRANULARITIES)[number];
  /** How the activation steps are found before training. */
  readonly calibrate: (typeof CALIBRATIONS)[number];
  /** Absent: exact. */
  readonly projection?: (typeof PROJECTIONS)[number];
}

/** A file that a run starts from. */
export interface InitConfig {
  readonly file: string;
  readonly sha256: string;
}

/** Everything that decides a run's result. Equal configurations give equal weights (with `relaxed`: on one kind of processor). */
export interface RunConfig {
  readonly model: string;
  readonly data: string;
  /** Training images used, from the start of the set; null: all. */
  readonly limit: number | null;
  /** Test images used; null: all. */
  readonly testLimit: number | null;
  /** `float` or nWmA. */
  readonly bits: string;
  readonly quant: QuantConfig | null;
  readonly init: InitConfig | null;
  readonly epochs: number;
  readonly batch: number;
  readonly optimizer: (typeof OPTIMIZERS)[number];
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly schedule: ScheduleSpec;
  readonly labelSmoothing: number;
  readonly augment: (typeof AUGMENTATIONS)[number];
  readonly seed: number;
  /** Constants that the network normalizes images by; absent or null: none. */
  readonly normalize?: NormalizeOptions | null;
  /** What becomes of batch norms' statistics at the end; absent: auto. */
  readonly recalibrate?: "always" | "never";
  /** Whether float results are those of relaxed SIMD, which depend on the processor; absent: no. */
  readonly relaxed?: true;
  /** Of images from a folder: what a data set of the library has in its description. */
  readonly images?: Pick<ImagesInfo, "shape" | "classes" | "classNames">;
}

const KEYS: readonly (keyof RunConfig)[] = [
  "model",
  "data",
  "limit",
  "testLimit",
  "bits",
  "quant",
  "init",
  "epochs",
  "batch",
  "optimizer",
  "lr",
  "momentum",
  "weightDecay",
  "schedule",
  "labelSmoothing",
  "augment",
  "seed",
];

/** Fields that configurations of earlier versions do not have. */
const LATER_KEYS: readonly (keyof RunConfig)[] = ["normalize", "images", "relaxed", "recalibrate"];

/**
 * Takes a run's configuration out of JSON that has its fields, and perhaps more (`config.json` has the command too).
 *
 * @param file where it comes from, for messages
 * @returns the configuration, without fields that it came without, so that its hash stays
 * @throws FormatError if fields are missing, unknown, or hold what no run has
 */
export function asRunConfig(value: unknown, file: string): RunConfig {
  const fields = isRecord(value) ? value : {};
  const missing = KEYS.filter((key) => fields[key] === undefined);
  if (missing.length > 0) {
    throw new FormatError({
      op: file,
      what: "not the configuration of a training run",
      expected: KEYS.join(", "),
      got: `no ${missing.join(", ")}`,
    });
  }
  checkConfig(file, fields, CHOICES);
  const config = value as RunConfig;
  if (!MODEL_NAMES.includes(config.model) && !config.model.toLowerCase().endsWith(".onnx")) {
    refuse(file, "model", `${MODEL_NAMES.join(", ")}, or an ONNX file`, config.model);
  }
  const known: readonly string[] = DATASET_NAMES;
  if (!known.includes(config.data) && config.images === undefined) {
    refuse(file, "data", `${DATASET_NAMES.join(", ")}, or images with their shape`, config.data);
  }
  const own = [...KEYS, ...LATER_KEYS].filter((key) => key in fields);
  return Object.fromEntries(own.map((key) => [key, config[key]])) as unknown as RunConfig;
}

const CHOICES: ConfigChoices = {
  methods: METHODS.slice(1),
  alphaRules: ALPHA_RULES,
  proxies: PROXIES,
  optimizers: OPTIMIZERS,
  augmentations: AUGMENTATIONS,
  calibrations: CALIBRATIONS,
  projections: PROJECTIONS,
  granularities: GRANULARITIES,
};

function refuse(file: string, field: string, expected: string, value: string): never {
  throw new FormatError({ op: file, what: `bad ${field}`, expected, got: describe(value) });
}

/** A configuration with the defaults of `train` that do not depend on the bits. */
export function defaultConfig(chosen: Pick<RunConfig, "model" | "data" | "bits">): RunConfig {
  return {
    ...chosen,
    limit: null,
    testLimit: null,
    quant: chosen.bits === "float" ? null : DEFAULT_QUANT,
    init: null,
    epochs: 10,
    batch: 64,
    optimizer: "sgd",
    lr: 0.05,
    momentum: 0.9,
    weightDecay: 1e-4,
    schedule: { name: "onecycle" },
    labelSmoothing: 0,
    augment: "none",
    seed: 1,
    normalize: defaultNormalize(datasetInfo(chosen.data)),
  };
}

/** How `train` quantizes unless it is told. */
export const DEFAULT_QUANT: QuantConfig = {
  method: "bcgd",
  rho: 1e-5,
  alphaRule: "three-valued",
  proxy: "clipped-relu",
  keepFloat: [],
  granularity: "layer",
  calibrate: "mse",
};
