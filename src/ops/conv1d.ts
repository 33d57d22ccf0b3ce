/** @file 1-d convolution: that of images of one row. */
import { anything, type OptionRules } from "../core/checks.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { convBackwardInput, convBackwardWeight, convForward, convShape } from "../ndarray/convolve/conv.js";
import { packedWeights } from "../ndarray/convolve/packed.js";
import type { NDArray } from "../ndarray/ndarray.js";
import {
  asFilters,
  asImage,
  asSequence,
  filterShape,
  imageShape,
  imageWindow,
  type SequenceWindow,
  sequenceShape,
} from "../ndarray/sequence.js";
import type { Convolution } from "../ndarray/window.js";
import { convolution } from "./conv.js";
import { addBias, biasGradient, checkBias } from "./linalg.js";
import type { OpDef } from "./op.js";

/** Options of a convolution over time. */
export interface Convolution1dOptions extends SequenceWindow {
  /** Channels are split into this many groups that see each other not; default 1. */
  groups?: number;
}

/** The options that there are; {@link convolution1d} asks what they must be. */
export const CONV1D_OPTIONS: OptionRules<Convolution1dOptions> = {
  stride: anything,
  padding: anything,
  dilation: anything,
  groups: anything,
};

/**
 * The convolution of images of one row that an input and a weight shape ask for.
 *
 * @param input [N,T,C]
 * @param weight [O,C/groups,K]
 * @throws ShapeError, ArgumentError
 */
export function convolution1d(
  op: string,
  input: readonly number[],
  weight: readonly number[],
  options: Convolution1dOptions,
): Convolution {
  const window = { ...imageWindow(op, options), groups: options.groups };
  return convolution(op, imageShape(op, input), filterShape(op, weight), window);
}

/**
 * y[n,t,o] = Σ x[n, t·s + k·d − pad, c]·w[o,c,k] + b[o]. Inputs: x [N,T,C], weight [O,C/groups,K], and maybe bias [O].
 */
export const conv1d: OpDef<Convolution1dOptions, { x: NDArray | null; weight: NDArray | null }> = {
  name: "conv1d",
  shape: ([x, weight, bias], options) => {
    floatTypeOf("conv1d", ...(bias === undefined ? [x, weight] : [x, weight, bias]));
    const conv = convolution1d("conv1d", x.shape, weight.shape, options);
    checkBias("conv1d", bias, weight.shape[0]);
    return sequenceShape(convShape(conv, weight.shape[0]));
  },
  forward: ([x, weight, bias], options, { needs }) => {
    const conv = convolution1d("conv1d", x.shape, weight.shape, options);
    const y = convForward(asImage("conv1d", x), packedWeights(asFilters("conv1d", weight)), conv);
    return {
      y: asSequence(addBias(y, bias)),
      saved: { x: needs[1] ? x : null, weight: needs[0] ? weight : null },
    };
  },
  backward: (dy, { x, weight }, options, { inputs, needs }) => {
    const conv = convolution1d("conv1d", inputs[0].shape, inputs[1].shape, options);
    const rows = asImage("conv1d", dy);
    return [
      weight && asSequence(convBackwardInput(rows, packedWeights(asFilters("conv1d", weight)), conv)),
      x && convBackwardWeight(asImage("conv1d", x), rows, conv).reshape(inputs[1].shape),
      ...(inputs.length === 3 ? [needs[2] ? biasGradient(dy) : null] : []),
    ];
  },
};
