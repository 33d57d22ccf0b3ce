/** @file Convolution and pooling over sequences [N,T,C]. */
import { checkOptions } from "../../core/checks.js";
import { ShapeError } from "../../core/errors.js";
import { shapeText } from "../../core/shape.js";
import type { SequencePadding } from "../../ndarray/sequence.js";
import { CONV1D_OPTIONS, type Convolution1dOptions, conv1d as conv1dOp } from "../../ops/conv1d.js";
import {
  AVG_POOL1D_OPTIONS,
  avgPool1d as avgPoolOp,
  maxPool1d as maxPoolOp,
  POOL1D_OPTIONS,
} from "../../ops/pool1d.js";
import { composed } from "../composed.js";
import { expectTensor } from "../graph.js";
import { apply, type Tensor } from "../tensor.js";

/**
 * 1-d convolution (cross-correlation), y[n,t,o] = Σ x[n, t·s + k·d − pad, c]·w[o,c,k] + b[o].
 * @param x [N,T,C]
 * @param weight [O, C/groups, K]
 * @param bias [O] or none
 * @param options `stride` 1, `padding` 0 (number, [before, after], "same", "valid"), `dilation` 1, `groups` 1
 * @returns [N, outT, O], outT = ⌊(T + padding − d·(K − 1) − 1)/s⌋ + 1
 * @gradient exact
 * @throws ShapeError if channels or ranks do not match or the window exceeds the sequence; DTypeError unless all are of
 * one real type; ArgumentError on bad options
 */
export function conv1d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: Convolution1dOptions = {}): Tensor {
  checkOptions("conv1d", options, CONV1D_OPTIONS);
  return apply(conv1dOp, bias === undefined || bias === null ? [x, weight] : [x, weight, bias], options);
}

/** Options of pools over time. */
export interface Pool1dOptions {
  /** Default: the window's extent. */
  stride?: number;
  /** At most half of the window at each end; default 0. */
  padding?: SequencePadding;
  /** Distance between the window's taps; default 1. */
  dilation?: number;
  /** Outputs rounded up: the last window may reach beyond the padded sequence. Default false. */
  ceilMode?: boolean;
}

/**
 * Largest of each window over time, per channel; padding counts as −∞. Codes stay codes.
 * @param x [N,T,C]
 * @param kernel the window's extent
 * @returns [N, outT, C]
 * @gradient exact: all of it to the first largest of the window
 * @throws ShapeError if x is no batch of sequences or shorter than the window; ArgumentError on bad options
 */
export function maxPool1d(x: Tensor, kernel: number, options: Pool1dOptions = {}): Tensor {
  checkOptions("maxPool1d", options, POOL1D_OPTIONS);
  return apply(maxPoolOp, [x], { kernel, ...options });
}

/**
 * Mean of each window over time, per channel. Of a coded x: f32(step · f32(Σ codes / count)), whose sum is exact.
 * @param x [N,T,C]
 * @param kernel the window's extent
 * @param options also `countIncludePad`: zeros of the padding count in the mean, default true
 * @returns [N, outT, C]
 * @gradient exact
 * @throws ShapeError if x is no batch of sequences or shorter than the window; ArgumentError on bad options
 */
export function avgPool1d(
  x: Tensor,
  kernel: number,
  options: Pool1dOptions & { countIncludePad?: boolean } = {},
): Tensor {
  checkOptions("avgPool1d", options, AVG_POOL1D_OPTIONS);
  return apply(avgPoolOp, [x], { kernel, ...options });
}

/**
 * Mean over time.
 * @param x [N,T,C]
 * @returns [N, C]
 * @gradient exact
 * @throws ShapeError if x is no batch of sequences
 */
export function globalAvgPool1d(x: Tensor): Tensor {
  expectTensor("globalAvgPool1d", x);
  if (x.rank !== 3) {
    const expected = "sequences [N,T,C]";
    throw new ShapeError({ op: "globalAvgPool1d", what: "input rank", expected, got: shapeText(x.shape) });
  }
  return composed(() => {
    const pooled = avgPool1d(x, x.shape[1]);
    return pooled.reshape([pooled.shape[0], pooled.shape[2]]);
  });
}
