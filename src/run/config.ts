/** @file What a training run is started with: plain JSON, kept in `config.json` and in every checkpoint. */
import { check, describe, integer, listOf, text } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import type { ImageShape } from "../data/dataset.js";
import { DATASET_NAMES, isDatasetName } from "../data/registry.js";
import { isRecord } from "../io/json.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import { type FrontEnd, frontEndRule } from "../sound/front-end.js";
import type { Place, ValueOf } from "./field.js";
import { type FIELDS, fields } from "./fields.js";
import { checkFields, type Fields, hashRule } from "./json-fields.js";
import { choice } from "./kinds.js";
import { METHODS, type Method } from "./methods.js";
import { normalization } from "./normalization.js";
import { partsRule, type RunPart } from "./parts.js";

type Table = typeof FIELDS;
type Kept<P extends Place> = {
  readonly [K in keyof Table as Table[K] extends { readonly place: P } ? K : never]: ValueOf<Table[K]>;
};

/** Settings of a run by name: what is chosen of the options of `train`. */
export type Settings = { readonly [K in keyof Table]?: ValueOf<Table[K]> };

/** How a network is quantized; null in a float run. */
export interface QuantConfig extends Kept<"quant">, Partial<Kept<"quant?">> {
  /** How the weights are quantized. */
  readonly method: Exclude<Method, "float">;
}

/** A file that a run starts from. */
export interface InitConfig {
  /** Name of the file. */
  readonly file: string;
  /** SHA-256 of its bytes. */
  readonly sha256: string;
}

/** The network that a run learns from besides labels. */
export interface TeacherConfig extends InitConfig {
  /** Of plain weights: the network that they are of. */
  readonly model?: string;
  /** Of plain weights: how that network normalizes images. */
  readonly normalize?: NormalizeOptions | null;
}

/**
 * Everything that decides a run's result. Equal configurations give equal weights (with `relaxed`: on one kind of
 * processor). Fields that may be missing stand for their defaults; `normalize`, which earlier versions did not have,
 * for none.
 */
export interface RunConfig extends Kept<"run">, Partial<Kept<"run?">> {
  /** Settings of quantization, or null in float. */
  readonly quant: QuantConfig | null;
  /** Weights to start from, or null. */
  readonly init: InitConfig | null;
  /** The teacher, if there is one. */
  readonly teacher?: TeacherConfig;
  /** Of images from a folder: what a data set of the library has in its description. */
  readonly images?: {
    readonly shape: ImageShape;
    readonly classes: number;
    readonly classNames: readonly string[];
    /** Of sound: how the pictures are made. */
    readonly sound?: FrontEnd;
  };
  /** Earlier parts of a run that was extended: after which epoch each ended, and over how many its schedule went. */
  readonly extended?: readonly RunPart[];
}

const INIT: Fields = { file: text, sha256: hashRule };
const TEACHER: Fields = { ...INIT, model: text, normalize: normalization.rule };
const IMAGES: Fields = {
  shape: listOf(integer(1), 3),
  classes: integer(1),
  classNames: listOf(text),
  sound: frontEndRule,
};

/** Names of fields that a configuration must have, and of those that it may have besides, in their order. */
export function configKeys(): { readonly required: string[]; readonly others: string[] } {
  const required: string[] = [];
  const others = ["images", "extended"];
  for (const [key, { place }] of fields()) {
    if (key === "method") required.push("quant");
    if (key === "init") required.push("init");
    if (key === "teacher") others.push("teacher");
    if (place === "run") required.push(key);
    if (place === "run?") others.push(key);
  }
  return { required, others };
}

/** Rules of the rows that are kept in one of the places. */
function rulesOf(...places: readonly Place[]): Fields {
  return Object.fromEntries(
    fields().flatMap(([key, { place, kind }]) => (places.includes(place) ? [[key, kind.rule]] : [])),
  );
}

/**
 * Takes a run's configuration out of JSON that has its fields, and perhaps the command that started it (`config.json`
 * has).
 *
 * @param value parsed JSON
 * @param file where it comes from, for messages
 * @returns the configuration, without fields that it came without, so that its hash stays
 * @throws FormatError if fields are missing, unknown, or hold what no run has: a setting of a later version is not left
 * out in silence
 */
export function parseConfig(value: unknown, file = "config"): RunConfig {
  check("parseConfig", "file", file, text);
  const own = isRecord(value) ? value : {};
  const { required, others } = configKeys();
  const missing = required.filter((key) => own[key] === undefined);
  if (missing.length > 0) {
    throw new FormatError({
      op: file,
      what: "not the configuration of a training run",
      expected: required.join(", "),
      got: `no ${missing.join(", ")}`,
    });
  }
  const any = (): null => null;
  const rules = {
    ...rulesOf("run", "run?"),
    quant: any,
    init: any,
    images: IMAGES,
    teacher: TEACHER,
    extended: partsRule,
    command: text,
  };
  checkFields(file, own, rules, "", true);
  const method = choice(METHODS.slice(1)).rule;
  if (own.quant !== null) checkFields(file, own.quant, { method, ...rulesOf("quant", "quant?") }, "quant.", true);
  if (own.init !== null) checkFields(file, own.init, INIT, "init.", true);
  const config = own as unknown as RunConfig;
  if (!isDatasetName(config.data) && config.images === undefined) {
    const expected = `${DATASET_NAMES.join(", ")}, or images with their shape`;
    throw new FormatError({ op: file, what: "bad data", expected, got: describe(config.data) });
  }
  const { extended = [] } = config;
  if (extended.some(({ at }) => at >= config.epochs)) {
    throw new FormatError({
      op: file,
      what: "bad extended",
      expected: `parts that end before its ${config.epochs} epochs`,
      got: extended.map(({ at }) => at).join(", "),
    });
  }
  const present = [...required, ...others].filter((key) => key in own);
  return Object.fromEntries(present.map((key) => [key, own[key]])) as unknown as RunConfig;
}
