/**
 * @file The settings of a run, a row each: options of `train` and their help, what `config.json` may hold, defaults,
 * presets and resuming all come from here. The order is that of the help and of `config.json`.
 */
import { DATASET_NAMES } from "../data/registry.js";
import { MODEL_NAMES } from "../models/index.js";
import { SCHEDULE_FORMS } from "../optim/schedule/index.js";
import { alphaRules, projections, proxies } from "../quant/index.js";
import { bitWidths } from "./bits.js";
import { type Field, type Place, row } from "./field.js";
import { FOLDER_SIZE, imagesName } from "./images.js";
import { choice, flag, names, orNull, real, text, whole } from "./kinds.js";
import { METHODS, usualEpochs } from "./methods.js";
import { modelName, scheduleKind } from "./named-kinds.js";
import { NORMALIZE_FORMS, normalization } from "./normalization.js";
import { TEACHER_FIELDS } from "./teacher-fields.js";
import { TRAINING_FIELDS } from "./training-fields.js";
import { UsageError } from "./usage-error.js";

/** Derivatives of the staircase with respect to its step, and coarse derivatives of the staircase (BCGD §3). */
const ALPHA_RULES = Object.keys(alphaRules);
const PROXIES = Object.keys(proxies);
const OPTIMIZERS = choice(["sgd", "adam"]);
const GRANULARITIES = choice(["layer", "channel"]);
const AUGMENTATIONS = choice([
  "none",
  "shift",
  "crop-flip",
  "cutout",
  "crop-flip-cutout",
  "time-shift",
  "speech",
  "voices",
]);
/**
 * Rules that weights are projected by: the nearest point (the paper), those of the authors' released code, and others
 * of some widths.
 */
const PROJECTIONS = choice(Object.keys(projections));
const widths = (least: number, most: number): string => (least === most ? `${least}` : `${least}…${most}`);
const SOME_WIDTHS = Object.entries(projections)
  .filter(([, { least, most }]) => least > 1 || most < 8)
  .map(([name, { least, most }]) => `${name} (${widths(least, most)} bit${most > 1 ? "s" : ""})`)
  .join(", ");
const RECALIBRATIONS = choice(["auto", "always", "never"]);
/**
 * The first three search on observed values; the others take start values that are best for a half-Gaussian, or the
 * authors'.
 */
const CALIBRATIONS = ["mse", "max", "percentile", "half-gaussian", "authors"] as const;
const CALIBRATION = choice(CALIBRATIONS);

const METHOD = choice(METHODS);

/** The table. */
export const FIELDS = {
  model: row("run", {
    flags: "--model <name>",
    help: `network: ${MODEL_NAMES.join(", ")}, or an ONNX file of a float one, which it starts from`,
    kind: modelName,
    initial: "lenet5",
  }),
  data: row("run", {
    flags: "--data <name>",
    help: `data set: ${DATASET_NAMES.join(", ")}, imagefolder:DIR or audiofolder:DIR (a folder for each class, perhaps in train/ and val/)`,
    kind: imagesName,
    initial: "digits",
  }),
  imageSize: row("own", {
    flags: "--image-size <n>",
    help: "side of the images of an image folder",
    kind: whole({ min: 8 }),
    initialText: `${FOLDER_SIZE}`,
    needs: ({ folder }) => (folder ? null : "--data imagefolder:DIR"),
  }),
  limit: row("run", {
    flags: "--limit <n>",
    help: "train on the first n images only",
    kind: orNull(whole({ min: 2 })),
    initial: null,
  }),
  testLimit: row("run", {
    flags: "--test-limit <n>",
    help: "test on the first n images only",
    kind: orNull(whole({ min: 1 })),
    initial: null,
  }),
  validate: row("run?", {
    flags: "--validate <n>",
    help: "hold n of the training images out, chosen by the seed, and tell the accuracy on them after every epoch; 0: tell that on the test images",
    kind: whole({ min: 0 }),
    initial: 0,
    initialText: "0",
    needs: ({ trains }) => (trains ? null : "a --method that trains"),
    otherwise: 0,
  }),
  bits: row("run", {
    flags: "--bits <widths>",
    help: "float, or nWmA: n bits per weight, m per activation (1…8, or 32 for float)",
    kind: bitWidths,
    initial: "float",
  }),
  method: row("own", {
    flags: "--method <name>",
    help: `${METHODS.slice(1).join(", ")}: blended coarse gradient descent, BinaryConnect (ρ = 0), BinaryRelax, or no training at all: the nearest codes, or COMQ's`,
    kind: METHOD,
    initialText: "bcgd",
    refuses(method, { float, trains, starts }) {
      if (float !== (method === "float")) return float ? "--bits nWmA, such as --bits 1W4A" : "--bits float";
      return trains || starts ? null : "--init FILE: it quantizes weights that were trained before";
    },
  }),
  rho: row("quant", {
    flags: "--rho <x>",
    help: "bcgd: share of the quantized weights blended into the float ones",
    kind: real({ min: 0, below: 1 }),
    initial: 1e-5,
    needs: ({ method }) => (method === "bcgd" ? null : "--method bcgd"),
    otherwise: 0,
  }),
  alphaRule: row("quant", {
    flags: "--alpha-rule <name>",
    help: `derivative by the activation step: ${ALPHA_RULES.join(", ")}`,
    kind: choice(ALPHA_RULES),
    initial: "three-valued",
  }),
  proxy: row("quant", {
    flags: "--proxy <name>",
    help: `derivative of the staircase: ${PROXIES.join(", ")}`,
    kind: choice(PROXIES),
    initial: "clipped-relu",
  }),
  keepFloat: row("quant", {
    flags: "--keep-float <names>",
    help: "layers whose weights stay float: first, last, or names, separated by commas; none",
    kind: names,
    initial: [],
  }),
  granularity: row("quant", {
    flags: "--granularity <unit>",
    help: "one weight scale per layer or per channel",
    kind: GRANULARITIES,
    initial: "layer",
  }),
  calibrate: row("quant", {
    flags: "--calibrate <how>",
    help: `how activation steps are found before training: ${CALIBRATIONS.join(", ")}`,
    kind: CALIBRATION,
    initial: "mse",
  }),
  projection: row("quant?", {
    flags: "--projection <rule>",
    help: `exact: the nearest quantized weights; authors: the rules of the paper's released code at 2 and 4 bits; ${SOME_WIDTHS}`,
    kind: PROJECTIONS,
    initial: "exact",
    refuses(name, { bits }) {
      const { least, most } = projections[name];
      // Float weights are not projected: whatever is chosen there does nothing.
      const fits = bits.weights === 32 || (bits.weights >= least && bits.weights <= most);
      return fits ? null : `--bits ${widths(least, most)}WmA`;
    },
  }),
  init: row("own", {
    flags: "--init <file>",
    help: "start from these weights: a run folder or its checkpoint (a quantized one gives its latent weights, and its activation steps to equal widths), a file of plain weights (safetensors, or what torch.save writes), or an ONNX file",
    kind: text,
  }),
  epochs: row("run", {
    flags: "--epochs <n>",
    help: "passes over the training images; with --resume, more than the run has extend it: the schedule is from there on that of a run of so many",
    kind: whole({ min: 0 }),
    initially: ({ trains }) => usualEpochs(trains),
    initialText: "10; 0 with ptq and comq",
    refuses: (epochs, { trains, method }) =>
      trains || epochs === 0 ? null : `none with --method ${method}: it does not train`,
  }),
  batch: row("run", { flags: "--batch <n>", help: "images in a step", kind: whole({ min: 2 }), initial: 64 }),
  shards: row("run?", {
    flags: "--shards <n>",
    help: "parts of each batch, a power of two: they decide the result, as the batch size does, and as many ranks can share the work",
    kind: whole({ min: 1, max: 65536 }),
    initial: 1,
    refuses: (shards) => ((shards & (shards - 1)) === 0 ? null : "a power of two: 1, 2, 4, 8, …"),
  }),
  optimizer: row("run", {
    flags: "--optimizer <name>",
    help: "sgd or adam",
    kind: OPTIMIZERS,
    initial: "sgd",
  }),
  lr: row("run", {
    flags: "--lr <x>",
    help: "largest learning rate",
    kind: real({ above: 0 }),
    initially: ({ float, optimizer }) => (optimizer === "adam" ? 0.001 : 0.05) / (float ? 1 : 5),
    initialText: "0.05 with sgd, 0.001 with adam; a fifth of it when quantized",
  }),
  momentum: row("run", {
    flags: "--momentum <x>",
    help: "of sgd",
    kind: real({ min: 0, below: 1 }),
    initial: 0.9,
    needs: ({ optimizer }) => (optimizer === "sgd" ? null : "--optimizer sgd"),
    otherwise: 0,
  }),
  weightDecay: row("run", { flags: "--weight-decay <x>", help: "L2 term", kind: real({ min: 0 }), initial: 1e-4 }),
  schedule: row("run", {
    flags: "--schedule <form>",
    help: SCHEDULE_FORMS.join(", "),
    kind: scheduleKind,
    initial: { name: "onecycle" },
  }),
  warmup: row("own", {
    flags: "--warmup <epochs>",
    help: "epochs of linear warm-up in front of the schedule",
    kind: real({ min: 0 }),
    needs: (facts) =>
      facts.schedule === "onecycle" ? "a --schedule other than onecycle, which warms up by itself" : null,
  }),
  labelSmoothing: row("run", {
    flags: "--label-smoothing <x>",
    help: "share of each target spread over all classes",
    kind: real({ min: 0, below: 1 }),
    initial: 0,
  }),
  ...TEACHER_FIELDS,
  augment: row("run", {
    flags: "--augment <how>",
    help: "shift: move images by up to 2 pixels; crop-flip: pad by 4, crop at random, mirror half of them; cutout: hide a square of half the side; crop-flip-cutout: both; for sound time-shift: move by up to 10 frames; speech: that, louder or softer, noise, masks over time and frequency; voices: other tempos, voices and microphones instead of louder or softer; none. ptq and comq calibrate on such images: give what the weights were trained with",
    kind: AUGMENTATIONS,
    initial: "none",
    refuses(how, { folder, sound }) {
      if (how === "none") return null;
      const heard = how === "time-shift" || how === "speech" || how === "voices";
      if (sound !== heard)
        return sound ? "time-shift, speech, voices or none for sound" : "shift, crop-flip, cutout or none for images";
      return folder && how !== "crop-flip" ? "crop-flip or none for an image folder" : null;
    },
  }),
  range: row("run?", {
    flags: "--range <dB>",
    help: "for sound: bring the loudest value of every recording to one level and hear so many dB below it, such as 60, so that it does not matter how loud one speaks",
    kind: real({ min: 20, max: 120 }),
    initialText: "as loud as it is, 80 dB",
    needs: ({ sound }) => (sound ? null : "--data fsdd or audiofolder:DIR"),
  }),
  seed: row("run", {
    flags: "--seed <n>",
    help: "seed of everything random",
    kind: whole({ min: 0, max: 2 ** 32 - 1 }),
    initial: 1,
  }),
  normalize: row("run?", {
    flags: "--normalize <how>",
    help: `how the network normalizes images: ${NORMALIZE_FORMS}`,
    kind: normalization,
    initial: null,
    initially: (facts) => facts.normalize(),
    initialText: "as the --init weights do; else colour by the set's constants, grey not at all",
    written: true,
  }),
  recalibrate: row("run?", {
    flags: "--recalibrate <when>",
    help: "statistics of batch norms after the last step of a quantized network: auto (estimated anew where that helps clearly), always, never",
    kind: RECALIBRATIONS,
    initial: "auto",
    refuses: (when, { averages }) =>
      when === "never" && averages ? "auto or always: an average of weights has no statistics of its own" : null,
  }),
  ...TRAINING_FIELDS,
  relaxed: row("run?", {
    flags: "--relaxed",
    help: "kernels with relaxed SIMD: faster, but float results then depend on the processor and are not reproducible elsewhere",
    kind: flag,
    initial: false,
  }),
};

/** The table as it is walked. */
export function fields(): [key: string, field: Field][] {
  return Object.entries(FIELDS as unknown as Readonly<Record<string, Field>>);
}

/**
 * Adds a row, for an experiment or a test: `train` has the option, and configurations may hold it.
 *
 * @returns takes it out again
 */
export function registerField<T>(key: string, field: Field<T, Exclude<Place, "own">>): () => void {
  const table = FIELDS as unknown as Record<string, Field<T>>;
  if (Object.hasOwn(table, key)) throw new UsageError({ op: key, what: "there is such a setting already" });
  table[key] = field;
  return () => void delete table[key];
}
