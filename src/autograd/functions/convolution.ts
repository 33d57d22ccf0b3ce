/** @file Convolution and pooling over images [N,H,W,C]. */
import { checkOptions } from "../../core/checks.js";
import { ShapeError } from "../../core/errors.js";
import { shapeText } from "../../core/shape.js";
import type { Padding, Pair } from "../../ndarray/window.js";
import { CONV_OPTIONS, type ConvolutionOptions, conv2d as conv2dOp } from "../../ops/conv.js";
import { AVG_POOL_OPTIONS, avgPool2d as avgPoolOp, maxPool2d as maxPoolOp, POOL_OPTIONS } from "../../ops/pool.js";
import { composed } from "../composed.js";
import { expectTensor } from "../graph.js";
import { apply, type Tensor } from "../tensor.js";

/**
 * 2-d convolution (cross-correlation), y[n,p,q,o] = Σ x[n, p·s + i·d − pad, q·s + j·d − pad, c]·w[o,c,i,j] + b[o].
 * @param x [N,H,W,C]
 * @param weight [O, C/groups, Kh, Kw]
 * @param bias [O] or none
 * @param options `stride` 1, `padding` 0 (number, [vertical, horizontal], [top, bottom, left, right], "same", "valid"),
 * `dilation` 1, `groups` 1 (C for depthwise)
 * @returns [N, outH, outW, O], outH = ⌊(H + padding − d·(Kh − 1) − 1)/s⌋ + 1
 * @gradient exact
 * @throws ShapeError if channels or ranks do not match or the window exceeds the image; DTypeError unless all are of
 * one real type; ArgumentError on bad options
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvolutionOptions = {}): Tensor {
  checkOptions("conv2d", options, CONV_OPTIONS);
  return apply(conv2dOp, bias === undefined || bias === null ? [x, weight] : [x, weight, bias], options);
}

/** Options of pools. */
export interface PoolOptions {
  /** Default: the window's extents. */
  stride?: Pair;
  /** At most half of the window on each side; default 0. */
  padding?: Padding;
}

/**
 * Largest of each window, per channel; padding counts as −∞. Codes stay codes.
 * @param x [N,H,W,C]
 * @param kernel the window's extents
 * @returns [N, outH, outW, C]
 * @gradient exact: all of it to the first largest of the window
 * @throws ShapeError if x is no image batch or smaller than the window; ArgumentError on bad options
 */
export function maxPool2d(x: Tensor, kernel: Pair, options: PoolOptions = {}): Tensor {
  checkOptions("maxPool2d", options, POOL_OPTIONS);
  return apply(maxPoolOp, [x], { kernel, ...options });
}

/**
 * Mean of each window, per channel. Of a coded x: f32(step · f32(Σ codes / count)), whose sum is exact.
 * @param x [N,H,W,C]
 * @param kernel the window's extents
 * @param options also `countIncludePad`: zeros of the padding count in the mean, default true
 * @returns [N, outH, outW, C]
 * @gradient exact
 * @throws ShapeError if x is no image batch or smaller than the window; ArgumentError on bad options
 */
export function avgPool2d(x: Tensor, kernel: Pair, options: PoolOptions & { countIncludePad?: boolean } = {}): Tensor {
  checkOptions("avgPool2d", options, AVG_POOL_OPTIONS);
  return apply(avgPoolOp, [x], { kernel, ...options });
}

/**
 * Mean over all pixels.
 * @param x [N,H,W,C]
 * @returns [N, C]
 * @gradient exact
 * @throws ShapeError if x is no image batch
 */
export function globalAvgPool2d(x: Tensor): Tensor {
  expectTensor("globalAvgPool2d", x);
  if (x.rank !== 4) {
    throw new ShapeError({
      op: "globalAvgPool2d",
      what: "input rank",
      expected: "images [N,H,W,C]",
      got: shapeText(x.shape),
    });
  }
  return composed(() => {
    const pooled = avgPool2d(x, [x.shape[1], x.shape[2]]);
    return pooled.reshape([pooled.shape[0], pooled.shape[3]]);
  });
}
