/** @file The integer codes that quantized weights are multiplied as. */
import { instanceOf, refuse } from "../core/checks.js";
import type { Shape } from "../core/shape.js";
import { Module } from "../nn/module.js";
import { isQuantLayer } from "../quant/layers.js";
import { type Granularity, QuantParameter } from "../quant/quant-parameter.js";

/** How often a level came up. */
export interface LevelCount {
  /** The code. */
  readonly code: number;
  /** The real value δ·code (or α·code), f32; null where each channel has its own δ. */
  readonly value: number | null;
  /** How many weights have it. */
  readonly count: number;
}

/** Quantized weights, in plain memory. */
export interface WeightCodes {
  /** [O, C/groups, Kh, Kw], [O, C/groups, K] or [out, in]. */
  readonly shape: Shape;
  /** −top … top (±1 for 1 bit), row-major. */
  readonly codes: Int8Array;
  /** One δ, or one for each output channel: weights are f32(δ·code). */
  readonly delta: Float32Array;
  /** What shares one scale. */
  readonly granularity: Granularity;
  /** Bits of a weight. */
  readonly bits: number;
  /** Largest code. */
  readonly top: number;
  /** Every level of the set, lowest first. */
  readonly levels: readonly LevelCount[];
}

const A_MODULE = instanceOf(Module as never, "a Module");

/**
 * The codes of a quantized layer's weights: w = f32(δ·code).
 *
 * @param layer a quantized convolution or linear layer, or its `weight`
 * @returns copies, which later steps do not change
 * @throws ArgumentError on anything else, naming the quantized layers of a network; QuantError if a weight is not
 *   finite; DisposedError
 * @see BCGD §2, level sets Q
 * @example
 * const { codes, delta, levels } = weightCodes(net.get("conv2"));
 */
export function weightCodes(layer: Module | QuantParameter): WeightCodes {
  const weight = isQuantLayer(layer) ? layer.weight : layer;
  if (!(weight instanceof QuantParameter))
    return refuse("weightCodes", "layer", "a quantized layer", layer, hintOf(layer));
  const { granularity } = weight;
  const { codes, delta, bits, top } = weight.quantized();
  const own = codes.toTypedArray() as Int8Array;
  return {
    shape: codes.shape.slice(),
    codes: own,
    delta: delta.slice(),
    granularity,
    bits,
    top,
    levels: weightLevels(own, delta, bits, top),
  };
}

function hintOf(layer: unknown): string | undefined {
  if (A_MODULE(layer) !== null) return undefined;
  const names = [...(layer as Module).namedModules()].flatMap(([name, module]) => (isQuantLayer(module) ? [name] : []));
  return names.length === 0 ? "prepare(net, …) quantizes layers" : `net.get(path) of ${names.join(", ")}`;
}

/** How often each level of b-bit weights occurs. */
function weightLevels(codes: Int8Array, delta: Float32Array, bits: number, top: number): LevelCount[] {
  const counts = new Map<number, number>();
  for (let code = -top; code <= top; code++) if (code !== 0 || bits > 1) counts.set(code, 0);
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => ({
    code,
    value: delta.length === 1 ? Math.fround(delta[0] * code) : null,
    count,
  }));
}
