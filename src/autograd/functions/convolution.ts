/** @file Convolution and pooling over images [N,H,W,C], and their extents changed. */
import { check, checkOptions, record } from "../../core/checks.js";
import { ShapeError } from "../../core/errors.js";
import { shapeText } from "../../core/shape.js";
import type { Padding, Pair } from "../../ndarray/window.js";
import { CONV_OPTIONS, type ConvolutionOptions, conv2d as conv2dOp } from "../../ops/conv.js";
import {
  convTranspose2d as convTransposeOp,
  TRANSPOSED_OPTIONS,
  type TransposedOptions,
} from "../../ops/conv-transpose.js";
import { AVG_POOL_OPTIONS, avgPool2d as avgPoolOp, maxPool2d as maxPoolOp, POOL_OPTIONS } from "../../ops/pool.js";
import { UPSAMPLE_OPTIONS, type UpsampleOptions, upsample as upsampleOp } from "../../ops/upsample.js";
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

/**
 * Transposed 2-d convolution, the adjoint of {@link conv2d} in its input: y[n, p·s + i·d − pad, q·s + j·d − pad, o] +=
 * x[n,p,q,c]·w[c,o,i,j], plus b[o].
 * @param x [N,H,W,C]
 * @param weight [C, O/groups, Kh, Kw], as PyTorch's
 * @param bias [O] or none
 * @param options `stride` 1, `padding` 0 (cut off the output: a number, [vertical, horizontal], [top, bottom, left,
 * right]), `outputPadding` 0, `dilation` 1, `groups` 1, `algorithm` "direct"
 * @returns [N, outH, outW, O], outH = (H − 1)·s − padding + d·(Kh − 1) + outputPadding + 1
 * @gradient exact
 * @throws ShapeError if channels or ranks do not match or nothing is left; DTypeError unless all are of one real type;
 * ArgumentError on bad options
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: TransposedOptions = {},
): Tensor {
  checkOptions("convTranspose2d", options, TRANSPOSED_OPTIONS);
  return apply(convTransposeOp, bias === undefined || bias === null ? [x, weight] : [x, weight, bias], options);
}

/**
 * Images of other extents. Places between pixels are computed exactly, not in f32: where PyTorch's own rounding picks
 * the pixel before the right one (nearest, large odd sizes), this does not.
 * @param x [N,H,W,C]
 * @param options `size` or `scale` (one number or [vertical, horizontal]), `mode` "nearest" | "nearest-exact" |
 * "bilinear", `alignCorners` false
 * @returns [N, outH, outW, C], outH = size or ⌊H·scale⌋. Codes stay codes but for "bilinear"
 * @gradient exact
 * @throws ShapeError if x is no batch of images or nothing is left; ArgumentError on bad options
 * @see PyTorch, torch.nn.functional.interpolate (half-pixel centres)
 */
export function upsample(x: Tensor, options: UpsampleOptions): Tensor {
  check("upsample", "options", options, record);
  checkOptions("upsample", options, UPSAMPLE_OPTIONS);
  return apply(upsampleOp, [x], options);
}

/** Options of pools. */
export interface PoolOptions {
  /** Default: the window's extents. */
  stride?: Pair;
  /** At most half of the window on each side; default 0. */
  padding?: Padding;
  /** Distance between the window's taps; default 1. */
  dilation?: Pair;
  /**
   * Outputs rounded up, as in PyTorch: the last window may reach beyond the padded image, but starts in front of its
   * end. Default false.
   */
  ceilMode?: boolean;
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
 * @param options also `countIncludePad`: zeros of the padding count in the mean, default true; never what ceil mode
 *   reaches beyond
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
