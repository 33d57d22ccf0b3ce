/** @file Transposed 2-d convolution: the adjoint of a convolution in its input, as a layer of its own. */
import { anything, check, integer, type OptionRules, oneOf } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import { inside } from "../core/stretch.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { convBackwardInput, convBackwardWeight, convForward, packWeights } from "../ndarray/convolve/conv.js";
import { packedWeights } from "../ndarray/convolve/packed.js";
import { NDArray } from "../ndarray/ndarray.js";
import { slice } from "../ndarray/slice.js";
import { stridedCopy, stridedScatter } from "../ndarray/strided.js";
import { type Convolution, type Pair, pair, windowGeometry } from "../ndarray/window.js";
import { addBias, biasGradient, checkBias } from "./linalg.js";
import type { OpDef } from "./op.js";

/** Options of a transposed convolution. */
export interface TransposedOptions {
  /** Distance of the input's pixels in the output; default 1. */
  stride?: Pair;
  /** What is cut off the output: a number, [vertical, horizontal] or [top, bottom, left, right]; default 0. */
  padding?: Pair | readonly [number, number, number, number];
  /** Rows and columns more at the bottom and right, less than the stride or the dilation; default 0. */
  outputPadding?: Pair;
  /** Distance between taps; default 1. */
  dilation?: Pair;
  /** Channels are split into this many groups that see each other not; default 1. */
  groups?: number;
  /**
   * `direct` (default): every output is one sum in the order of taps and channels, as the packed runtime forms it.
   * `fast`: the gradient of a convolution, whose sums have another order and which takes less than 1/stride² of the
   * products.
   */
  algorithm?: "direct" | "fast";
}

/** The options that there are; {@link transposed} asks what they must be. */
export const TRANSPOSED_OPTIONS: OptionRules<TransposedOptions> = {
  stride: anything,
  padding: anything,
  outputPadding: anything,
  dilation: anything,
  groups: anything,
  algorithm: oneOf("direct", "fast"),
};

/** [top, bottom, left, right] of what is cut off. @throws ArgumentError */
function sides(op: string, padding: TransposedOptions["padding"] = 0): readonly number[] {
  if (Array.isArray(padding) && padding.length === 4) {
    return [...pair(op, "padding", [padding[0], padding[1]], 0), ...pair(op, "padding", [padding[2], padding[3]], 0)];
  }
  const [v, h] = pair(op, "padding", padding as Pair, 0);
  return [v, v, h, h];
}

/**
 * The convolution whose adjoint maps the input to the output: its *input* is the output of the transposed one.
 *
 * @param input [N,H,W,C]
 * @param weight [C, O/groups, Kh, Kw]
 * @throws ShapeError, ArgumentError
 */
export function transposed(op: string, input: Shape, weight: Shape, options: TransposedOptions): Convolution {
  const { groups = 1 } = options;
  check(op, "groups", groups, integer(1));
  if (options.algorithm !== undefined) check(op, "algorithm", options.algorithm, TRANSPOSED_OPTIONS.algorithm);
  if (input.length !== 4 || weight.length !== 4 || weight[0] !== input[3] || input[3] % groups !== 0) {
    throw new ShapeError({
      op,
      what: "weight does not fit",
      expected: `[${input[3] ?? "C"},O/groups,K,K] for input ${shapeText(input)} in ${groups} groups that divide it`,
      got: shapeText(weight),
      hint: "layout is NHWC, and of weights [in, out/groups, Kh, Kw]",
    });
  }
  if (weight.includes(0) || input[1] * input[2] === 0) {
    const got = `input ${shapeText(input)}, weight ${shapeText(weight)}`;
    throw new ShapeError({ op, what: "no elements", expected: "pixels, channels, filters and taps", got });
  }
  const strides = pair(op, "stride", options.stride ?? 1, 1);
  const dilation = pair(op, "dilation", options.dilation ?? 1, 1);
  const more = pair(op, "outputPadding", options.outputPadding ?? 0, 0);
  const cut = sides(op, options.padding);
  const out = [0, 1].map((axis) => {
    if (more[axis] >= Math.max(strides[axis], dilation[axis])) {
      const expected = "less than the stride or the dilation";
      throw new ArgumentError({ op, what: "outputPadding", expected, got: `${more}` });
    }
    const full = (input[1 + axis] - 1) * strides[axis] + dilation[axis] * (weight[2 + axis] - 1) + 1;
    return full - cut[2 * axis] - cut[2 * axis + 1] + more[axis];
  });
  if (out[0] < 1 || out[1] < 1) {
    throw new ShapeError({ op, what: "padding cuts off everything", expected: "an output", got: `${out.join("×")}` });
  }
  const channels = weight[1];
  const images = [input[0], out[0], out[1], channels * groups];
  const padding = [cut[0], cut[1] + input[1] * strides[0], cut[2], cut[3] + input[2] * strides[1]] as const;
  const kernel = [weight[2], weight[3]] as const;
  // Windows enough for all pixels of the input; those behind them are nobody's.
  const wide = windowGeometry(op, images, kernel, { stride: strides, dilation, padding }, channels);
  return { geometry: { ...wide, outH: input[1], outW: input[2] }, groups };
}

/** The input among zeros: its pixels as far apart as the stride says, with zeros around for every window to fit. */
function stretched(x: NDArray, { geometry: g }: Convolution): NDArray {
  const [n, h, w, channels] = x.shape;
  const spans = [g.dilationH * (g.kernelH - 1), g.dilationW * (g.kernelW - 1)];
  const [tall, wide] = [g.inH + spans[0], g.inW + spans[1]];
  const out = NDArray.zeros([n, tall, wide, channels], x.dtype);
  const rows = inside(spans[0] - g.padTop, g.strideH, h, tall);
  const columns = inside(spans[1] - g.padLeft, g.strideW, w, wide);
  if (n === 0 || rows.count * columns.count === 0) return out;
  const of = ({ start, count }: { start: number; count: number }) => ({ start, count, step: 1 });
  const all = (count: number) => of({ start: 0, count });
  const part = slice(x, [all(n), of(rows), of(columns), all(channels)]);
  const first = (rows.at * wide + columns.at) * channels;
  const strides = [tall * wide * channels, g.strideH * wide * channels, g.strideW * channels, 1];
  stridedScatter(part, out, first, strides);
  return out;
}

/** Weights [C, O/groups, Kh, Kw] as those of the convolution of the stretched input: [O, C/groups, Kh, Kw], turned. */
function turned(weight: NDArray, groups: number): NDArray {
  const [channels, filters, kh, kw] = weight.shape;
  const each = channels / groups;
  const taps = kh * kw;
  const shape = [groups, filters, each, kh, kw];
  const copy = stridedCopy(weight, taps - 1, shape, [each * filters * taps, taps, filters * taps, -kw, -1]);
  return copy.reshape([groups * filters, each, kh, kw]);
}

/** The sums of the output, one for each, in the order of taps and channels. */
function direct(x: NDArray, weight: NDArray, conv: Convolution): NDArray {
  const { dilationH, dilationW, kernelH, kernelW } = conv.geometry;
  const image = stretched(x, conv);
  const dilation = [dilationH, dilationW] as const;
  const geometry = windowGeometry(
    "convTranspose2d",
    image.shape,
    [kernelH, kernelW],
    { dilation },
    weight.shape[0] / conv.groups,
  );
  return convForward(image, packWeights(turned(weight, conv.groups)), { geometry, groups: conv.groups });
}

/**
 * y[n, p·s + i·d − pad, q·s + j·d − pad, o] += x[n,p,q,c]·w[c,o,i,j], plus b[o]. Inputs: x [N,H,W,C], weight [C,
 * O/groups, Kh, Kw], and maybe bias [O].
 */
export const convTranspose2d: OpDef<TransposedOptions, { x: NDArray | null; weight: NDArray | null }> = {
  name: "convTranspose2d",
  shape: ([x, weight, bias], options) => {
    floatTypeOf("convTranspose2d", ...(bias === undefined ? [x, weight] : [x, weight, bias]));
    const { geometry } = transposed("convTranspose2d", x.shape, weight.shape, options);
    checkBias("convTranspose2d", bias, geometry.channelStride);
    return [geometry.batch, geometry.inH, geometry.inW, geometry.channelStride];
  },
  forward: ([x, weight, bias], options, { needs }) => {
    const conv = transposed("convTranspose2d", x.shape, weight.shape, options);
    const y =
      options.algorithm === "fast" ? convBackwardInput(x, packedWeights(weight), conv) : direct(x, weight, conv);
    return { y: addBias(y, bias), saved: { x: needs[1] ? x : null, weight: needs[0] ? weight : null } };
  },
  backward: (dy, { x, weight }, options, { inputs, needs }) => {
    const conv = transposed("convTranspose2d", inputs[0].shape, inputs[1].shape, options);
    return [
      weight && convForward(dy, packedWeights(weight), conv),
      x && convBackwardWeight(dy, x, conv),
      ...(inputs.length === 3 ? [needs[2] ? biasGradient(dy) : null] : []),
    ];
  },
};
