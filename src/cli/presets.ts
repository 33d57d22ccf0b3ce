/** @file Presets of `train`: the paper's settings, and those of the authors' released code. The differences are tabled in docs/reproduction.md. */

import { isColour } from "./data-info.js";
import { isPostTraining } from "./run-config.js";
import type { PresetName, TrainOptions } from "./train-options.js";

/** Epochs of both; the rate drops by 10 after 40 % and 70 % of however many there are (80 and 140 of 200). */
const EPOCHS = 200;
const DROPS = [0.4, 0.7];

/** How both train, in float too. @see BCGD §4 */
const TRAINING = { batch: 128, optimizer: "sgd", lr: 0.1, momentum: 0.95, weightDecay: 1e-4 } as const;

/** How both quantize. @see BCGD §2, §3 */
const QUANTIZING = {
  method: "bcgd",
  rho: 1e-5,
  alphaRule: "three-valued",
  proxy: "clipped-relu",
  granularity: "layer",
} as const;

const DIFFERENT = {
  paper: { projection: "exact", calibrate: "mse", keepFloat: [] },
  "authors-code": { projection: "authors", calibrate: "max", keepFloat: ["last"] },
} as const;

/** What the presets set, for the help of `train`. */
export const PRESETS_HELP = `
Presets (every option given beside one overrides it):
  both          --epochs ${EPOCHS} --batch 128 --lr 0.1 --momentum 0.95 --weight-decay 1e-4, the rate divided by 10 after 40 % and
                70 % of the epochs; --augment crop-flip for colour images; with --bits nWmA also --method bcgd --rho 1e-5
                --alpha-rule three-valued --proxy clipped-relu --granularity layer. Give --init: both start from float weights.
  paper         --projection exact --calibrate mse --keep-float none: every layer is quantized
  authors-code  --projection authors --calibrate max --keep-float last: ternary scale over all weights, one-shot 4 bits,
                largest value as the highest step, classifier in float
`;

/**
 * Options with those of a preset put between the defaults and what was typed.
 *
 * @param options all of them, defaults included
 * @param typed those that the user gave
 * @returns both, with the preset's values in them
 */
export function withPreset(
  options: TrainOptions,
  typed: Partial<TrainOptions>,
): { options: TrainOptions; typed: Partial<TrainOptions> } {
  if (options.preset === undefined) return { options, typed };
  const { preset, ...own } = typed;
  const values = { ...presetValues(preset as PresetName, { ...options, ...own }), ...own };
  return { options: { ...options, ...values }, typed: values };
}

function presetValues(preset: PresetName, options: TrainOptions): Partial<TrainOptions> {
  const { bits, method, optimizer, data } = options;
  const float = bits.weights === 32 && bits.activations === 32;
  const epochs = options.epochs ?? EPOCHS;
  const milestones = DROPS.map((share) => Math.round(share * epochs)).filter((epoch) => epoch > 0);
  const values: Partial<TrainOptions> = { ...TRAINING, epochs, schedule: { name: "multistep", milestones } };
  if (isColour(data)) values.augment = "crop-flip";
  if (!float) Object.assign(values, QUANTIZING, DIFFERENT[preset]);
  // What the chosen method or optimizer does not take is not the preset's to give.
  if (method !== undefined && method !== "bcgd") delete values.rho;
  if (isPostTraining(method)) delete values.epochs;
  if (optimizer === "adam") {
    delete values.momentum;
    delete values.lr;
  }
  return values;
}
