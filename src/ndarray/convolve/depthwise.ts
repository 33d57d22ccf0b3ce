/**
 * @file Depthwise convolution: one input channel per group. Patches of all channels at once, [rows, taps, C], times
 * weights [taps, C], summed over taps; so that the innermost loop runs over channels instead of over groups of one.
 */
import { bytesPer } from "../../core/dtype.js";
import { kernelsFor } from "../../kernels/engine.js";
import { mul } from "../elementwise.js";
import { NDArray } from "../ndarray.js";
import { reduceAxes } from "../reduce.js";
import { stridedCopy, stridedScatter } from "../strided.js";
import { type Convolution, type Geometry, positions, taps, withGeometry } from "../window.js";

/** Elements of patches that one chunk may hold. */
const CHUNK = 1 << 19;

interface Plan {
  /** Windows over all channels together. */
  readonly all: Geometry;
  readonly rows: number;
  readonly taps: number;
  readonly channels: number;
  /** Filters per channel. */
  readonly multiplier: number;
  readonly chunk: number;
}

function plan({ geometry, groups }: Convolution, filters: number): Plan {
  const rows = positions(geometry);
  const chunk = Math.min(rows, Math.max(1, Math.floor(CHUNK / (taps(geometry) * groups))));
  return {
    all: { ...geometry, channels: groups },
    rows,
    taps: taps(geometry),
    channels: groups,
    multiplier: filters / groups,
    chunk,
  };
}

/** The weights of the j-th filter of every channel, [taps, C], from [O, taps]. */
function filterOf(packed: NDArray, j: number, { taps, channels, multiplier }: Plan): NDArray {
  return stridedCopy(packed, j * taps, [taps, channels], [1, multiplier * taps]);
}

/** dy of the j-th filter of every channel, repeated over taps: [count, taps, C]. */
function repeated(dy: NDArray, start: number, count: number, j: number, p: Plan): NDArray {
  const filters = p.channels * p.multiplier;
  return stridedCopy(dy, start * filters + j, [count, p.taps, p.channels], [filters, 0, p.multiplier]);
}

function eachChunk(p: Plan, fn: (start: number, count: number, geom: number) => void): void {
  withGeometry(p.all, (geom) => {
    for (let start = 0; start < p.rows; start += p.chunk) fn(start, Math.min(p.chunk, p.rows - start), geom);
  });
}

function patchesOfAll(x: NDArray, dtype: "f32" | "f64", p: Plan, start: number, count: number, geom: number): NDArray {
  const cols = NDArray.empty([count, p.taps, p.channels], dtype);
  const kernels = kernelsFor(dtype);
  if (x.dtype === "u8") kernels.u8_im2col_f32(x.ptr, cols.ptr, geom, start, count);
  else kernels.f32_im2col(x.ptr, cols.ptr, geom, start, count);
  return cols;
}

/** y[r, c·m + j] = Σ_t patches[r,t,c]·w[c·m + j, t]. */
export function depthwiseForward(x: NDArray, packed: NDArray, y: NDArray, conv: Convolution): void {
  const p = plan(conv, packed.shape[0]);
  const filters = p.channels * p.multiplier;
  eachChunk(p, (start, count, geom) => {
    const cols = patchesOfAll(x, packed.dtype as "f32" | "f64", p, start, count, geom);
    for (let j = 0; j < p.multiplier; j++) {
      const weights = filterOf(packed, j, p);
      const products = mul(cols, weights);
      const sums = reduceAxes("f32_sum", products, [1]);
      stridedScatter(sums, y, start * filters + j, [filters, p.multiplier]);
      for (const item of [weights, products, sums]) item.dispose();
    }
    cols.dispose();
  });
}

/** Adds Σ_j dy[r, c·m + j]·w[c·m + j, t] into the pixel of patch element [r,t,c]. */
export function depthwiseBackwardInput(dy: NDArray, packed: NDArray, dx: NDArray, conv: Convolution): void {
  const p = plan(conv, packed.shape[0]);
  const kernels = kernelsFor(dy.dtype);
  eachChunk(p, (start, count, geom) => {
    for (let j = 0; j < p.multiplier; j++) {
      const weights = filterOf(packed, j, p);
      const spread = repeated(dy, start, count, j, p);
      const cols = mul(spread, weights);
      kernels.f32_col2im(cols.ptr, dx.ptr, geom, start, count);
      for (const item of [weights, spread, cols]) item.dispose();
    }
  });
}

/** dw[c·m + j, t] = Σ_r dy[r, c·m + j]·patches[r,t,c], added into `packed`. */
export function depthwiseBackwardWeight(x: NDArray, dy: NDArray, packed: NDArray, conv: Convolution): void {
  const p = plan(conv, dy.shape[3]);
  const kernels = kernelsFor(dy.dtype);
  const sums = NDArray.zeros([p.multiplier, p.taps, p.channels], dy.dtype);
  const size = p.taps * p.channels;
  eachChunk(p, (start, count, geom) => {
    const cols = patchesOfAll(x, dy.dtype as "f32" | "f64", p, start, count, geom);
    for (let j = 0; j < p.multiplier; j++) {
      const spread = repeated(dy, start, count, j, p);
      const products = mul(spread, cols);
      const part = reduceAxes("f32_sum", products, [0]);
      kernels.f32_axpy(part.ptr, sums.ptr + j * size * bytesPer(dy.dtype), size, 1);
      for (const item of [spread, products, part]) item.dispose();
    }
    cols.dispose();
  });
  // sums is [j, t, c]; packed is [c, j, t].
  stridedScatter(sums, packed, 0, [p.taps, 1, p.multiplier * p.taps]);
  sums.dispose();
}
