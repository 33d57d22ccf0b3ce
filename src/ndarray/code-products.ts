/**
 * @file Products of activation codes and weight codes as integers: by look-up for 4-bit codes and binary or ternary weights, else u8 × i8.
 * Sums are exact; they leave as f32, rounded once if they exceed 2²⁴.
 */
import { MAX_PATCH } from "../codes/sums.js";
import type { Kernels, Ptr } from "../kernels/abi.js";
import { byteWindow, pairBytes } from "../kernels/byte-conv.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import {
  type BitPlanes,
  bitPlanes,
  LOOKUP_OFFSET,
  LOOKUP_TOP,
  lookupPays,
  lookupWindow,
  packedBytes,
} from "../kernels/lookup.js";
import { permute } from "./movement.js";
import type { NDArray } from "./ndarray.js";
import { withInts, withScratch } from "./scratch.js";
import { type Convolution, positions, taps, withGeometry } from "./window.js";

/** Below this many products a sum, f32 is as fast and needs no padding. */
const MIN_PATCH = 16;
/** Bytes of patches that are made and multiplied at a time: they stay in the second-level cache. */
const CHUNK_BYTES = 128 << 10;
/** Rows of patches come in multiples of this, so that tiles are full. */
const CHUNK_ROWS = 16;

/** Multiplies `count` rows of codes that start every `stride` bytes: `count`·filters f32 to `out`. */
type Multiply = (rows: Ptr, out: Ptr, count: number) => void;

/** True if the integer kernels take these operands. */
function takes(x: NDArray, weight: NDArray, patch: number): boolean {
  return x.dtype === "u8" && weight.dtype === "i8" && patch >= MIN_PATCH && patch <= MAX_PATCH;
}

/** The bit planes if the look-up products take these operands and gain by it, else null. A step says nothing about the codes: they are looked at. */
function planesFor(kernels: Kernels, x: NDArray, weight: NDArray, filters: number, patch: number): BitPlanes | null {
  if (!lookupPays(filters, patch)) return null;
  const planes = bitPlanes(kernels.i8_bits(weight.ptr, weight.size, LOOKUP_OFFSET));
  return planes !== null && kernels.u8_max(x.ptr, x.size) <= LOOKUP_TOP ? planes : null;
}

/** Runs `fn` with weight rows [filters, patch] packed for look-up. */
function withPacked(
  kernels: Kernels,
  weight: Ptr,
  [filters, patch]: readonly [number, number],
  planes: BitPlanes,
  fn: (packed: Ptr) => void,
): void {
  withScratch(packedBytes(filters, patch, planes), (packed) => {
    kernels.i8_lut_pack(weight, packed, filters, patch, patch, planes.offset, planes.mask);
    fn(packed);
  });
}

/** Runs `fn` with `rows` rows of `width` bytes that start every `stride` bytes, zeros between; the rows themselves if they lie so. */
function withPadded(
  kernels: Kernels,
  from: Ptr,
  [rows, width, stride]: readonly [number, number, number],
  fn: (padded: Ptr) => void,
): void {
  if (width === stride) {
    fn(from);
    return;
  }
  withScratch(rows * stride, (padded) => {
    heap()
      .u8(padded, rows * stride)
      .fill(0);
    withInts([rows, width, stride, 1], (dims) => kernels.b8_strided_scatter(from, padded, 2, dims));
    fn(padded);
  });
}

/** Runs `fn` with a product by the kernel that suits, and with the stride of rows that it wants. */
function withProduct(
  kernels: Kernels,
  weight: Ptr,
  [filters, patch]: readonly [number, number],
  planes: BitPlanes | null,
  fn: (multiply: Multiply, stride: number) => void,
): void {
  if (planes !== null) {
    const { offset, mask } = planes;
    withPacked(kernels, weight, [filters, patch], planes, (packed) =>
      withScratch(kernels.u4_lut_gemm_work(), (work) =>
        fn(
          (rows, out, count) =>
            kernels.u4_lut_gemm(rows, packed, out, count, filters, patch, patch, offset, mask, 1, work),
          patch,
        ),
      ),
    );
    return;
  }
  const stride = Math.ceil(patch / 16) * 16;
  withPadded(kernels, weight, [filters, patch, stride], (padded) =>
    fn((rows, out, count) => {
      kernels.u8_i8_gemm(rows, padded, out, count, filters, patch, stride, stride);
      kernels.i32_to_f32(out, out, count * filters);
    }, stride),
  );
}

/**
 * Σ x_code·w_code of a convolution into y.
 *
 * @param x [N,H,W,C]
 * @param weight [O,C,Kh,Kw]
 * @param y f32 [N,outH,outW,O]
 * @returns false, and y untouched, if the integer kernels do not take these operands
 */
export function convCodes(x: NDArray, weight: NDArray, y: NDArray, { geometry, groups }: Convolution): boolean {
  const patch = taps(geometry) * geometry.channels;
  if (groups > 1 || !takes(x, weight, patch)) return false;
  const kernels = kernelsFor("f32");
  const [filters] = weight.shape;
  const planes = planesFor(kernels, x, weight, filters, patch);
  const rows = positions(geometry);
  const rowsOfWeight = permute(weight, [0, 2, 3, 1]);
  const { kernelH, kernelW, dilationW, channels, outW } = geometry;
  const lines = geometry.batch * geometry.outH;
  withGeometry(geometry, (geom) => {
    if (planes === null && byteWindow(dilationW, outW)) {
      const run = kernelW * channels;
      withScratch(pairBytes(filters, kernelH, run), (packed) => {
        kernels.i8_pair_pack(rowsOfWeight.ptr, packed, filters, kernelH, run);
        withScratch(kernels.u8_i8_conv_work(geom), (work) =>
          kernels.u8_i8_conv(x.ptr, packed, y.ptr, geom, 0, lines, filters, 1, work),
        );
      });
      return;
    }
    if (planes !== null && lookupWindow(kernelW, dilationW, channels, outW)) {
      const { offset, mask } = planes;
      withPacked(kernels, rowsOfWeight.ptr, [filters, patch], planes, (packed) =>
        withScratch(kernels.u4_lut_conv_work(geom), (work) =>
          kernels.u4_lut_conv(x.ptr, packed, y.ptr, geom, 0, lines, filters, offset, mask, 1, work),
        ),
      );
      return;
    }
    withProduct(kernels, rowsOfWeight.ptr, [filters, patch], planes, (multiply, stride) => {
      const chunk = Math.min(rows, Math.max(1, Math.floor(CHUNK_BYTES / stride / CHUNK_ROWS)) * CHUNK_ROWS);
      withScratch(chunk * stride, (patches) => {
        for (let start = 0; start < rows; start += chunk) {
          const count = Math.min(chunk, rows - start);
          kernels.u8_im2col(x.ptr, patches, geom, start, count, stride);
          multiply(patches, y.ptr + 4 * start * filters, count);
        }
      });
    });
  });
  rowsOfWeight.dispose();
  return true;
}

/**
 * Σ x_code·w_code of a fully connected layer.
 *
 * @param x [rows, in], in any shape
 * @param weight [out, in]
 * @param y f32 [rows, out]
 * @returns false, and y untouched, if the integer kernels do not take these operands
 */
export function linearCodes(x: NDArray, weight: NDArray, y: NDArray): boolean {
  const [filters, patch] = weight.shape;
  if (!takes(x, weight, patch)) return false;
  const kernels = kernelsFor("f32");
  const rows = x.size / patch;
  const planes = planesFor(kernels, x, weight, filters, patch);
  withProduct(kernels, weight.ptr, [filters, patch], planes, (multiply, stride) =>
    withPadded(kernels, x.ptr, [rows, patch, stride], (padded) => multiply(padded, y.ptr, rows)),
  );
  return true;
}
