/**
 * @file What layers in f32 have in common: real weights, or codes that are computed with as the whole numbers that they
 * are.
 */
import { channelsLast } from "../../codes/rows.js";
import type { Shape } from "../../core/shape.js";
import { bits, boolean, extent, optional } from "../fields.js";
import { floats, type NodeData, type TensorSpec, weightCodes } from "../tensors.js";

/** A layer in f32. */
export interface PlanFloatLayer {
  readonly id: string;
  readonly input: string;
  readonly out: number;
  readonly bias: boolean;
  /** Present: the weights are stored as codes of this width, and computed with as the whole numbers that they are. */
  readonly bits?: number;
}

/** Checks of a layer's fields. */
export const FLOAT_FIELDS = { out: extent, bias: boolean, bits: optional(bits) };

/** Tensors of a layer. @param shape of its weights in training, output channels first */
export function layerTensors({ out, bits, bias }: PlanFloatLayer, shape: Shape): TensorSpec[] {
  const [, ...patch] = shape;
  return [
    bits === undefined
      ? floats("weight", shape)
      : weightCodes(
          out,
          patch.reduce((n, extent) => n * extent, 1),
          bits,
        ),
    ...(bias ? [floats("bias", [out])] : []),
  ];
}

/**
 * Real weights of a layer, [O,Kh,Kw,I/groups] or [O,I]: its f32 weights with the channels last, or its codes as they
 * are.
 */
export function floatWeights({ codes, weight }: NodeData, out: number, taps: number): Float32Array {
  return codes === undefined ? channelsLast(weight as Float32Array, out, taps) : Float32Array.from(codes);
}
