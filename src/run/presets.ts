/**
 * @file Presets: the paper's settings, and those of the authors' released code. The differences are tabled in
 * docs/reproduction.md.
 */
import { check, oneOf } from "../core/checks.js";
import type { Settings } from "./config.js";
import { fields } from "./fields.js";
import { isColour } from "./images.js";
import { checkValues, factsOf, needOf, optionsText } from "./settings.js";

/** Names of presets. */
export const PRESET_NAMES = ["paper", "authors-code"] as const;
/** Names of the presets. */
export type PresetName = (typeof PRESET_NAMES)[number];

/** Epochs of both; the rate drops by 10 after 40 % and 70 % of however many there are (80 and 140 of 200). */
const EPOCHS = 200;
const DROPS = [0.4, 0.7];

/** How both train, in float too. @see BCGD §4 */
const TRAINING: Settings = { batch: 128, optimizer: "sgd", lr: 0.1, momentum: 0.95, weightDecay: 1e-4 };

/** How both quantize. @see BCGD §2, §3 */
const QUANTIZING: Settings = {
  method: "bcgd",
  rho: 1e-5,
  alphaRule: "three-valued",
  proxy: "clipped-relu",
  granularity: "layer",
};

const DIFFERENT: Readonly<Record<PresetName, Settings>> = {
  paper: { keepFloat: [], calibrate: "mse", projection: "exact" },
  "authors-code": { keepFloat: ["last"], calibrate: "max", projection: "authors" },
};

const indented = (name: string, words: string): string => `  ${name.padEnd(14)}${words}`;

/** What the presets set, for the help of `train`. */
export const PRESETS_HELP = `
Presets (every option given beside one overrides it):
${[
  indented("both", `${optionsText({ epochs: EPOCHS, ...TRAINING })},`),
  indented(
    "",
    "the rate divided by 10 after 40 % and 70 % of the epochs; --augment crop-flip for colour images; with --bits nWmA also",
  ),
  indented("", `${optionsText(QUANTIZING)}.`),
  indented("", "Give --init: both start from float weights."),
  indented("paper", `${optionsText(DIFFERENT.paper)}: every layer is quantized`),
  indented("authors-code", `${optionsText(DIFFERENT["authors-code"])}: ternary scale over all weights,`),
  indented("", "one-shot 4 bits, largest value as the highest step, classifier in float"),
].join("\n")}
`;

/**
 * Settings with a preset's where nothing was chosen. What the chosen method or optimizer does not take is not the
 * preset's to give.
 */
export function withPreset(preset: PresetName | undefined, chosen: Settings): Settings {
  checkValues(chosen);
  if (preset === undefined) return chosen;
  check("withPreset", "preset", preset, oneOf(...PRESET_NAMES));
  const facts = factsOf(chosen);
  const epochs = chosen.epochs ?? EPOCHS;
  const milestones = DROPS.map((share) => Math.round(share * epochs)).filter((epoch) => epoch > 0);
  const { lr, ...training } = TRAINING;
  const values: Readonly<Record<string, unknown>> = {
    ...training,
    ...(facts.optimizer === "sgd" && { lr }),
    ...QUANTIZING,
    ...DIFFERENT[preset],
    epochs,
    schedule: { name: "multistep", milestones },
    augment: isColour(chosen.data ?? "digits") ? "crop-flip" : undefined,
  };
  const fits = fields().filter(([key, field]) => {
    const value = values[key];
    return value !== undefined && needOf(field, facts) === null && (field.refuses?.(value, facts) ?? null) === null;
  });
  return { ...Object.fromEntries(fits.map(([key]) => [key, values[key]])), ...chosen };
}
