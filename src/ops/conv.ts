/** @file 2-d convolution. */
import { anything, check, describe, integer, type OptionRules } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { convBackwardInput, convBackwardWeight, convForward, convShape } from "../ndarray/convolve/conv.js";
import { packedWeights } from "../ndarray/convolve/packed.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { type Convolution, type WindowOptions, windowGeometry } from "../ndarray/window.js";
import { addBias, biasGradient, checkBias } from "./linalg.js";
import type { OpDef } from "./op.js";

/** Options of a convolution. */
export interface ConvolutionOptions extends WindowOptions {
  /** Channels are split into this many groups that see each other not; default 1. */
  groups?: number;
  /**
   * `direct` (default): every output is one sum in the order of taps and channels, as the packed runtime forms it,
   * exact on small whole numbers. `fast`: 3×3 and 5×5 layers of stride 1 may take Winograd's algorithm, which has other
   * roundings. Gradients always may. The algorithm adds and subtracts pixels of a tile before it multiplies: its errors
   * are relative to the largest pixel of the tile (6×6), so that a pixel far larger than the rest spoils neighbouring
   * outputs whose windows do not hold it (1e4 beside numbers near 1: by about 0.1; 1e6: by about 10), and an infinite
   * one or a NaN makes them NaN. `direct` keeps them apart.
   */
  algorithm?: "direct" | "fast";
}

const positive = integer(1);

/** The options that there are; {@link convolution} asks what they must be. */
export const CONV_OPTIONS: OptionRules<ConvolutionOptions> = {
  stride: anything,
  padding: anything,
  dilation: anything,
  groups: anything,
  algorithm: anything,
};

/**
 * The convolution that an input and a weight shape ask for.
 *
 * @param op name for messages
 * @param input [N,H,W,C]
 * @param weight [O,C/groups,Kh,Kw]
 * @throws ShapeError, ArgumentError
 */
export function convolution(op: string, input: Shape, weight: Shape, options: ConvolutionOptions): Convolution {
  const { groups = 1, algorithm = "direct" } = options;
  if (algorithm !== "direct" && algorithm !== "fast") {
    throw new ArgumentError({
      op,
      what: "unknown algorithm",
      expected: "direct or fast",
      got: typeof algorithm === "string" ? algorithm : describe(algorithm),
    });
  }
  check(op, "groups", groups, positive);
  const channels = input[3];
  if (input.length === 4 && (channels % groups !== 0 || weight[0] % groups !== 0)) {
    throw new ShapeError({
      op,
      what: "channels do not divide into groups",
      expected: `input and output channels that are multiples of ${groups}`,
      got: `input ${shapeText(input)}, weight ${shapeText(weight)}`,
    });
  }
  if (input.length !== 4 || weight.length !== 4 || weight[1] !== channels / groups) {
    const inner = input.length === 4 ? channels / groups : "I";
    throw new ShapeError({
      op,
      what: input.length === 4 && weight.length === 4 ? "channel mismatch" : "rank mismatch",
      expected: `weight [O,${inner},K,K] for input ${shapeText(input)}${groups === 1 ? "" : ` in ${groups} groups`}`,
      got: shapeText(weight),
      hint: "layout is NHWC/OIHW",
    });
  }
  if (weight[0] === 0) {
    throw new ShapeError({ op, what: "no filters", expected: "at least one", got: shapeText(weight) });
  }
  return { geometry: windowGeometry(op, input, [weight[2], weight[3]], options, channels / groups), groups };
}

/**
 * y[n,p,q,o] = Σ x[n, p·s + i·d − pad, q·s + j·d − pad, c]·w[o,c,i,j] + b[o].
 * Inputs: x [N,H,W,C], weight [O,C/groups,Kh,Kw], and maybe bias [O].
 */
export const conv2d: OpDef<ConvolutionOptions, { x: NDArray | null; weight: NDArray | null }> = {
  name: "conv2d",
  shape: ([x, weight, bias], options) => {
    floatTypeOf("conv2d", ...(bias === undefined ? [x, weight] : [x, weight, bias]));
    const conv = convolution("conv2d", x.shape, weight.shape, options);
    checkBias("conv2d", bias, weight.shape[0]);
    return convShape(conv, weight.shape[0]);
  },
  forward: ([x, weight, bias], options, { needs }) => ({
    y: addBias(
      convForward(
        x,
        packedWeights(weight),
        convolution("conv2d", x.shape, weight.shape, options),
        options.algorithm === "fast",
      ),
      bias,
    ),
    saved: { x: needs[1] ? x : null, weight: needs[0] ? weight : null },
  }),
  backward: (dy, { x, weight }, options, { inputs, needs }) => {
    const conv = convolution("conv2d", inputs[0].shape, inputs[1].shape, options);
    return [
      weight && convBackwardInput(dy, packedWeights(weight), conv),
      x && convBackwardWeight(x, dy, conv),
      ...(inputs.length === 3 ? [needs[2] ? biasGradient(dy) : null] : []),
    ];
  },
};
