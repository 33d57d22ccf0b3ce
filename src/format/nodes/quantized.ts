/**
 * @file What quantized layers have in common: products of codes with weight codes, then thresholds, or one scale to
 * f32.
 */
import { MAX_PATCH } from "../../codes/sums.js";
import { activationField, coded, type PlanActivation } from "../activation.js";
import { bits, boolean, extent, oneOf, optional } from "../fields.js";
import { activationThresholds, floats, type TensorSpec, weightCodes } from "../tensors.js";
import { real, type ValueType } from "../value.js";
import type { Typing } from "./kind.js";

/**
 * With `activation` they give codes by thresholds; without, f32 values acc·s (+ bias), s = f32(delta·step of the
 * input).
 */
export interface PlanQuantized {
  readonly id: string;
  readonly input: string;
  /** Output channels or features. */
  readonly out: number;
  /** Width of the weights, 1…8. */
  readonly bits: number;
  /** `channel`: one delta per output; `layer`: one. */
  readonly granularity: "layer" | "channel";
  readonly activation?: PlanActivation;
  /** True if the layer without activation adds a bias. Thresholds have theirs inside. */
  readonly bias?: boolean;
}

/** Checks of a layer's fields. */
export const QUANTIZED_FIELDS = {
  out: extent,
  bits,
  granularity: oneOf("layer", "channel"),
  activation: optional(activationField),
  bias: optional(boolean),
};

/** Type of a layer's value. @param patch products per output, no more than 32 bits hold */
export function layerValue(
  { activation, bias }: PlanQuantized,
  { refuse }: Typing,
  shape: readonly number[],
  patch: number,
): ValueType {
  if (patch > MAX_PATCH) refuse("inputs per output", `at most ${MAX_PATCH}`, `${patch}`);
  if (activation === undefined) return real(shape);
  if (bias) refuse("bias beside thresholds", "a bias folded into them", "both");
  return coded(shape, activation);
}

/** Tensors of a layer. @param patch products per output */
export function layerTensors({ out, bits, granularity, activation, bias }: PlanQuantized, patch: number): TensorSpec[] {
  return [
    weightCodes(out, patch, bits),
    floats("delta", [granularity === "channel" ? out : 1], 0),
    ...(activation === undefined ? [] : [activationThresholds(out, activation)]),
    ...(bias ? [floats("bias", [out])] : []),
  ];
}
