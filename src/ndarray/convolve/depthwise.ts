/**
 * @file Depthwise convolution: one input channel per group. Kernels walk all channels of a pixel at once, so that the
 * innermost loop runs over channels instead of over groups of one. Several filters a channel are computed one after
 * the other, the j-th of every channel at a time.
 */
import { bytesPer } from "../../core/dtype.js";
import type { Kernels, Ptr } from "../../kernels/abi.js";
import { pairedTaps, pairTaps } from "../../kernels/depthwise.js";
import { heap, kernelsFor } from "../../kernels/engine.js";
import { codesAsReal } from "../matmul.js";
import { NDArray } from "../ndarray.js";
import { withScratch } from "../scratch.js";
import { stridedCopy, stridedScatter } from "../strided.js";
import { type Convolution, type Geometry, positions, taps, withGeometry } from "../window.js";
import { packedRows } from "./packed.js";

/** Elements of patches whose sums make one number of the weights' gradient. */
const CHUNK = 1 << 19;

interface Plan {
  /** Windows over all channels together. */
  readonly all: Geometry;
  readonly rows: number;
  readonly taps: number;
  readonly channels: number;
  /** Filters per channel. */
  readonly multiplier: number;
}

function plan({ geometry, groups }: Convolution, filters: number): Plan {
  return {
    all: { ...geometry, channels: groups },
    rows: positions(geometry),
    taps: taps(geometry),
    channels: groups,
    multiplier: filters / groups,
  };
}

/** The weights of the j-th filter of every channel, [taps, C], from [O, taps]. */
function filterOf(packed: NDArray, j: number, { taps, channels, multiplier }: Plan): NDArray {
  return stridedCopy(packed, j * taps, [taps, channels], [1, multiplier * taps]);
}

/** Runs `fn` with the kernels' geometry and workspace. */
function withWindow(kernels: Kernels, { all }: Plan, fn: (geom: Ptr, work: Ptr) => void): void {
  withGeometry(all, (geom) => withScratch(kernels.u8_depthwise_work(geom), (work) => fn(geom, work)));
}

/** Runs `fn` with what becomes the j-th filter of every channel of y: y itself if there is but one. */
function withOutputs(y: NDArray, j: number, { rows, channels, multiplier }: Plan, fn: (to: NDArray) => void): void {
  if (multiplier === 1) {
    fn(y);
    return;
  }
  using part = NDArray.empty([rows, channels], y.dtype);
  fn(part);
  stridedScatter(part, y, j, [channels * multiplier, multiplier]);
}

/** Runs `fn` with the j-th filter of every channel of dy, [rows, C]. */
function withGradients(
  dy: NDArray,
  j: number,
  { rows, channels, multiplier }: Plan,
  fn: (from: NDArray) => void,
): void {
  if (multiplier === 1) {
    fn(dy);
    return;
  }
  using part = stridedCopy(dy, j, [rows, channels], [channels * multiplier, multiplier]);
  fn(part);
}

/** y[r, c·m + j] = Σ_t x of tap t, channel c · w[c·m + j, t], in f64. */
export function depthwiseForward(x: NDArray, packed: NDArray, y: NDArray, conv: Convolution): void {
  const p = plan(conv, packed.shape[0]);
  const dtype = packed.dtype as "f32" | "f64";
  const kernels = kernelsFor(dtype);
  const real = x.dtype === "u8" ? codesAsReal(x, dtype) : null;
  withWindow(kernels, p, (geom, work) => {
    for (let j = 0; j < p.multiplier; j++) {
      using weights = filterOf(packed, j, p);
      withOutputs(y, j, p, (to) => {
        kernels.f32_depthwise((real ?? x).ptr, weights.ptr, to.ptr, geom, 0, p.all.batch * p.all.outH, work);
      });
    }
  });
  real?.dispose();
}

/**
 * The same of codes, exactly, for one filter a channel.
 *
 * @param weight i8 codes [C,1,Kh,Kw]
 * @param y f32
 */
export function depthwiseCodes(x: NDArray, weight: NDArray, y: NDArray, conv: Convolution): void {
  const p = plan(conv, weight.shape[0]);
  const kernels = kernelsFor("f32");
  const { length } = pairedTaps(p.channels, p.taps);
  const pairs = packedRows(weight, "paired taps", 2 * length, (rows, out) => {
    const bytes = pairTaps(heap().i8(rows, weight.size), p.channels);
    heap().u8(out, bytes.length).set(bytes);
  });
  withWindow(kernels, p, (geom, work) => {
    kernels.u8_depthwise(x.ptr, pairs, y.ptr, geom, 0, p.all.batch * p.all.outH, 1, work);
  });
}

/** Adds Σ_j dy[r, c·m + j]·w[c·m + j, t] into the pixel of tap t, channel c of position r. */
export function depthwiseBackwardInput(dy: NDArray, packed: NDArray, dx: NDArray, conv: Convolution): void {
  const p = plan(conv, packed.shape[0]);
  const kernels = kernelsFor(dy.dtype);
  withWindow(kernels, p, (geom, work) => {
    for (let j = 0; j < p.multiplier; j++) {
      using weights = filterOf(packed, j, p);
      withGradients(dy, j, p, (from) => {
        kernels.f32_depthwise_bwd_input(from.ptr, weights.ptr, dx.ptr, geom, p.all.batch, work);
      });
    }
  });
}

/** dw[c·m + j, t] = Σ_r dy[r, c·m + j]·x of tap t, channel c at r, added into `packed`. */
export function depthwiseBackwardWeight(x: NDArray, dy: NDArray, packed: NDArray, conv: Convolution): void {
  const p = plan(conv, dy.shape[3]);
  const kernels = kernelsFor(dy.dtype);
  const gradient = x.dtype === "u8" ? kernels.u8_depthwise_bwd_weight_f32 : kernels.f32_depthwise_bwd_weight;
  const chunk = Math.min(p.rows, Math.max(1, Math.floor(CHUNK / (p.taps * p.channels))));
  withGeometry(p.all, (geom) => {
    for (let j = 0; j < p.multiplier; j++) {
      using sums = NDArray.zeros([p.taps, p.channels], dy.dtype);
      withGradients(dy, j, p, (from) => {
        for (let start = 0; start < p.rows; start += chunk) {
          const at = from.ptr + start * p.channels * bytesPer(dy.dtype);
          gradient(x.ptr, at, sums.ptr, geom, start, Math.min(chunk, p.rows - start), 0, p.taps);
        }
      });
      // sums is [t, c]; packed is [c, j, t].
      stridedScatter(sums, packed, j * p.taps, [1, p.multiplier * p.taps]);
    }
  });
}
