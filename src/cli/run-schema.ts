/** @file What the JSON files of a run may hold, field by field: one validator for each, asked once, when the file is read. */
import {
  above,
  atLeast,
  describe,
  either,
  flag,
  integer,
  listOf,
  nullable,
  oneOf,
  type Rule,
  real,
  record,
  text,
  within,
} from "../core/checks.js";
import { FormatError } from "../core/errors.js";

/** Rules by field; a field that is undefined is not asked. */
export interface Fields {
  readonly [name: string]: Rule | Fields;
}

/**
 * Asks the rules of all fields that are there.
 *
 * @param file for messages
 * @param where path of the object within the file, such as `quant.`
 * @param known refuse fields that have no rule
 * @throws FormatError that names file and field
 */
export function checkFields(file: string, value: unknown, fields: Fields, where = "", known = false): void {
  const refuse = (name: string, expected: string, got: unknown): never => {
    throw new FormatError({ op: file, what: `bad ${name}`, expected, got: describe(got) });
  };
  if (record(value) !== null) refuse(where === "" ? "content" : where.slice(0, -1), "an object", value);
  const own = value as Readonly<Record<string, unknown>>;
  if (known) {
    const other = Object.keys(own).find((name) => !Object.hasOwn(fields, name));
    if (other !== undefined) {
      throw new FormatError({
        op: file,
        what: "unknown field",
        expected: Object.keys(fields).join(", "),
        got: `${where}${describe(other).slice(1, -1)}`,
        hint: "it was edited, or comes from a later version",
      });
    }
  }
  for (const [name, rule] of Object.entries(fields)) {
    const field = Object.hasOwn(own, name) ? own[name] : undefined;
    if (field === undefined) continue;
    if (typeof rule !== "function") checkFields(file, field, rule, `${where}${name}.`, known);
    else {
      const expected = rule(field);
      if (expected !== null) refuse(`${where}${name}`, expected, field);
    }
  }
}

const count = integer(0);
const hash: Rule = (value) =>
  typeof value === "string" && /^[0-9a-f]{64}$/.test(value) ? null : "64 hexadecimal digits";
const bits: Rule = (value) =>
  typeof value === "string" && /^(?:float|(?:[1-8]|32)W(?:[1-8]|32)A)$/.test(value) ? null : "float, or such as 1W4A";
const share = within(0, 1);
const normalize: Fields = { mean: listOf(real), std: listOf(above(0)) };
const nullOr =
  (fields: Fields) =>
  (file: string, value: unknown, where: string): void => {
    if (value !== null) checkFields(file, value, fields, where, true);
  };

/** Names of choices that a configuration may hold. */
export interface ConfigChoices {
  readonly methods: readonly string[];
  readonly alphaRules: readonly string[];
  readonly proxies: readonly string[];
  readonly optimizers: readonly string[];
  readonly augmentations: readonly string[];
  readonly calibrations: readonly string[];
  readonly projections: readonly string[];
  readonly granularities: readonly string[];
}

/**
 * Asks everything that a configuration of a run may hold; fields that are not known are refused, so that a setting of a later version is not left
 * out in silence.
 *
 * @throws FormatError that names file and field
 */
export function checkConfig(file: string, value: unknown, choices: ConfigChoices): void {
  const config = value as Readonly<Record<string, unknown>>;
  const fields: Fields = {
    model: text,
    data: text,
    limit: nullable(count),
    testLimit: nullable(count),
    bits,
    quant: nullable(record),
    init: nullable(record),
    epochs: count,
    batch: integer(1),
    optimizer: oneOf(...choices.optimizers),
    lr: above(0),
    momentum: share,
    weightDecay: atLeast(0),
    schedule: {
      name: oneOf("constant", "step", "multistep", "cosine", "onecycle"),
      every: above(0),
      milestones: listOf(atLeast(0)),
      gamma: atLeast(0),
      min: atLeast(0),
      warmupEpochs: atLeast(0),
    },
    labelSmoothing: share,
    augment: oneOf(...choices.augmentations),
    seed: integer(0, 2 ** 32 - 1),
    normalize: nullable(record),
    relaxed: flag,
    recalibrate: oneOf("always", "never"),
    images: { shape: listOf(integer(1), 3), classes: integer(1), classNames: listOf(text) },
    command: text,
  };
  checkFields(file, config, fields, "", true);
  nullOr({
    method: oneOf(...choices.methods),
    rho: share,
    alphaRule: oneOf(...choices.alphaRules),
    proxy: oneOf(...choices.proxies),
    keepFloat: listOf(text),
    granularity: oneOf(...choices.granularities),
    calibrate: oneOf(...choices.calibrations),
    projection: oneOf(...choices.projections),
  })(file, config.quant, "quant.");
  nullOr({ file: text, sha256: hash })(file, config.init, "init.");
  if (config.normalize !== undefined) nullOr(normalize)(file, config.normalize, "normalize.");
}

const figure = either(real, oneOf(null));
const layerFields: Fields = {
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
    bits,
    method: text,
    seed: count,
    epochs: count,
    wallSeconds: figure,
    imagesPerSecond: figure,
    top1: figure,
    top5: figure,
    testImages: count,
    millisecondsPerImage: figure,
    weightsSha256: hash,
    configSha256: hash,
    layers: listOf(record),
    packed: {
      bytes: count,
      floatBytes: count,
      sha256: hash,
      top1: figure,
      top5: figure,
      millisecondsPerImage: figure,
      codesCompared: count,
      codesEqual: count,
    },
  });
  const { layers = [] } = value as { layers?: readonly unknown[] };
  for (const [i, layer] of layers.entries()) {
    checkFields(file, layer, layerFields, `layers[${i}].`);
    const missing = Object.keys(layerFields).find((name) => (layer as Record<string, unknown>)[name] === undefined);
    if (missing !== undefined) {
      throw new FormatError({ op: file, what: `bad layers[${i}].${missing}`, expected: "a value", got: "none" });
    }
  }
}
