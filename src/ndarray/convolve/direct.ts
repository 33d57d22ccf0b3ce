/**
 * @file Convolutions by matrix products: with the pixels where they are the patches, else with patches that are never
 * all written out.
 */
import { bytesPer } from "../../core/dtype.js";
import type { Ptr } from "../../kernels/abi.js";
import type { Convolution } from "../../kernels/choose.js";
import { kernelsFor } from "../../kernels/engine.js";
import { gemm } from "../matmul.js";
import { NDArray } from "../ndarray.js";
import { withScratch } from "../scratch.js";
import { positions, taps, withGeometry } from "../window.js";

/** Rows of patches, and elements of one. */
function extentsOf({ geometry }: Convolution): { rows: number; patch: number } {
  return { rows: positions(geometry), patch: taps(geometry) * geometry.channels };
}

/** y = x·wᵀ of pixels. @param x [N,H,W,C] @param packed [O,1,1,C] @param y written, [N,H,W,O] */
export function pixelsForward(x: NDArray, packed: NDArray, y: NDArray, conv: Convolution): void {
  const { rows, patch } = extentsOf(conv);
  const extents = [rows, packed.shape[0], patch] as const;
  gemm(kernelsFor(packed.dtype), x.ptr, packed.ptr, y.ptr, extents, { transB: true });
}

/** dx = dy·w of pixels. @param dx written, [N,H,W,C] */
export function pixelsBackwardInput(dy: NDArray, packed: NDArray, dx: NDArray, conv: Convolution): void {
  const { rows, patch } = extentsOf(conv);
  gemm(kernelsFor(dy.dtype), dy.ptr, packed.ptr, dx.ptr, [rows, patch, packed.shape[0]]);
}

/** dw = dyᵀ·x of pixels. @param dw written, [O,1,1,C] */
export function pixelsBackwardWeight(x: NDArray, dy: NDArray, dw: NDArray, conv: Convolution): void {
  const { rows, patch } = extentsOf(conv);
  gemm(kernelsFor(dy.dtype), dy.ptr, x.ptr, dw.ptr, [dy.shape[3], patch, rows], { transA: true });
}

/** Where a group starts in its arrays, in elements. */
interface GroupStart {
  readonly channel: number;
  readonly weight: number;
  readonly output: number;
}

/** Runs `fn` for each group, with the block that kernels read and their workspace. */
function eachGroup(
  conv: Convolution,
  filters: number,
  dtype: "f32" | "f64",
  fn: (start: GroupStart, perGroup: number, geom: Ptr, work: Ptr) => void,
): void {
  const { geometry, groups } = conv;
  const perGroup = filters / groups;
  const { patch } = extentsOf(conv);
  withGeometry(geometry, (geom) =>
    withScratch(kernelsFor(dtype).f32_conv_work(geom, perGroup), (work) => {
      for (let group = 0; group < groups; group++) {
        const start = {
          channel: group * geometry.channels,
          weight: group * perGroup * patch,
          output: group * perGroup,
        };
        fn(start, perGroup, geom, work);
      }
    }),
  );
}

/** y[r, o] = Σ patch[r, k]·w[o, k]. @param x real or u8 codes @param y written */
export function patchesForward(x: NDArray, packed: NDArray, y: NDArray, conv: Convolution): void {
  const filters = packed.shape[0];
  const { rows } = extentsOf(conv);
  const dtype = packed.dtype as "f32" | "f64";
  const multiply = kernelsFor(dtype)[x.dtype === "u8" ? "u8_conv_f32" : "f32_conv"];
  eachGroup(conv, filters, dtype, (start, perGroup, geom, work) => {
    const from = x.ptr + start.channel * bytesPer(x.dtype);
    const w = packed.ptr + start.weight * bytesPer(dtype);
    const to = y.ptr + start.output * bytesPer(dtype);
    multiply(from, w, to, geom, perGroup, filters, 0, rows, work);
  });
}

/** Adds Σ dy[r, o]·w[o, k] into the pixel of patch element [r, k]. */
export function patchesBackwardInput(dy: NDArray, packed: NDArray, dx: NDArray, conv: Convolution): void {
  const filters = packed.shape[0];
  const dtype = dy.dtype as "f32" | "f64";
  const bytes = bytesPer(dtype);
  const kernels = kernelsFor(dtype);
  eachGroup(conv, filters, dtype, (start, perGroup, geom, work) => {
    const [from, to] = [dy.ptr + start.output * bytes, dx.ptr + start.channel * bytes];
    const w = packed.ptr + start.weight * bytes;
    kernels.f32_conv_bwd_input(from, w, to, geom, perGroup, filters, conv.geometry.batch, work);
  });
}

/** Adds Σ dy[r, o]·patch[r, k] to dw[o, k]. @param x real or u8 codes */
export function patchesBackwardWeight(x: NDArray, dy: NDArray, dw: NDArray, conv: Convolution): void {
  const filters = dy.shape[3];
  const { rows } = extentsOf(conv);
  const dtype = dy.dtype as "f32" | "f64";
  const bytes = bytesPer(dtype);
  const multiply = kernelsFor(dtype)[x.dtype === "u8" ? "u8_conv_bwd_weight_f32" : "f32_conv_bwd_weight"];
  eachGroup(conv, filters, dtype, (start, perGroup, geom, work) => {
    const from = x.ptr + start.channel * bytesPer(x.dtype);
    const [by, to] = [dy.ptr + start.output * bytes, dw.ptr + start.weight * bytes];
    multiply(from, by, to, geom, perGroup, filters, 0, rows, work);
  });
}

/**
 * Patches of one group, as f32: `length` of them from each position of `starts`.
 *
 * @param x f32 [N,H,W,C]
 * @returns [starts·length, taps·C/groups]
 */
export function patchesAt(
  x: NDArray,
  conv: Convolution,
  group: number,
  starts: readonly number[],
  length: number,
): NDArray {
  const { patch } = extentsOf(conv);
  const out = NDArray.empty([starts.length * length, patch]);
  const from = x.ptr + 4 * group * conv.geometry.channels;
  withGeometry(conv.geometry, (geom) =>
    starts.forEach((start, run) => {
      kernelsFor("f32").f32_im2col(from, out.ptr + 4 * run * length * patch, geom, start, length);
    }),
  );
  return out;
}
