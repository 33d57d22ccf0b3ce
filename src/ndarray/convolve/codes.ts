/**
 * @file Products of activation codes and weight codes as integers: by look-up for 4-bit codes and binary or ternary
 * weights, else u8 × i8. Sums are exact; they leave as f32, rounded once if they exceed 2²⁴.
 */
import type { Kernels, Ptr } from "../../kernels/abi.js";
import { quadBytes } from "../../kernels/byte-conv.js";
import {
  type CodeAlgorithm,
  type CodeOperands,
  type Convolution,
  chooseCodes,
  realsSuffice,
} from "../../kernels/choose.js";
import { heap, kernelsFor } from "../../kernels/engine.js";
import { type BitPlanes, packedBytes } from "../../kernels/lookup.js";
import type { NDArray } from "../ndarray.js";
import { withInts, withScratch } from "../scratch.js";
import { positions, withGeometry } from "../window.js";
import { depthwiseCodes } from "./depthwise.js";
import { packedRows, paddedRows, weightBits } from "./packed.js";

/** Bytes of patches that are made and multiplied at a time: they stay in the second-level cache. */
const CHUNK_BYTES = 128 << 10;
/** Rows of patches come in multiples of this, so that tiles are full. */
const CHUNK_ROWS = 16;

/** Multiplies `count` rows of codes that start every `stride` bytes: `count`·filters f32 to `out`. */
type Multiply = (rows: Ptr, out: Ptr, count: number) => void;

/** What the choice asks of operands in training. A step says nothing about the codes: they are looked at. */
function operandsOf(kernels: Kernels, x: NDArray, weight: NDArray): CodeOperands {
  return {
    weightBits: () => weightBits(weight),
    top: () => kernels.u8_max(x.ptr, x.size),
  };
}

/** Weights of a layer packed for look-up. */
function lookupRows(kernels: Kernels, weight: NDArray, { offset, mask, count }: BitPlanes): Ptr {
  const [filters] = weight.shape;
  const patch = weight.size / filters;
  return packedRows(weight, "look-up", packedBytes(filters, patch, { offset, mask, count }), (rows, out) =>
    kernels.i8_lut_pack(rows, out, filters, patch, patch, offset, mask),
  );
}

/**
 * Runs `fn` with `rows` rows of `width` bytes that start every `stride` bytes, zeros between; the rows themselves if
 * they lie so.
 */
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

/** Runs `fn` with a product of patches, and with the stride of rows that it wants. */
function withProduct(
  kernels: Kernels,
  weight: NDArray,
  planes: BitPlanes | null,
  fn: (multiply: Multiply, stride: number) => void,
): void {
  const [filters] = weight.shape;
  const patch = weight.size / filters;
  if (planes !== null) {
    const { offset, mask } = planes;
    const packed = lookupRows(kernels, weight, planes);
    withScratch(kernels.u4_lut_gemm_work(), (work) =>
      fn((rows, out, count) => {
        kernels.u4_lut_gemm(rows, packed, out, count, filters, patch, patch, offset, mask, 1, work);
      }, patch),
    );
    return;
  }
  const stride = Math.ceil(patch / 16) * 16;
  const padded = paddedRows(weight, stride);
  fn((rows, out, count) => {
    kernels.u8_i8_gemm(rows, padded, out, count, filters, patch, stride, stride);
    kernels.i32_to_f32(out, out, count * filters);
  }, stride);
}

/** Products over lines of the image. */
function multiplyImage(
  kernels: Kernels,
  x: NDArray,
  weight: NDArray,
  y: NDArray,
  conv: Convolution,
  way: Exclude<CodeAlgorithm, { by: "channels" }>,
): void {
  const { batch, outH, kernelH, kernelW, channels } = conv.geometry;
  const lines = batch * outH;
  const [filters] = weight.shape;
  withGeometry(conv.geometry, (geom) => {
    if (way.by === "lookup") {
      const { offset, mask } = way.planes;
      const packed = lookupRows(kernels, weight, way.planes);
      withScratch(kernels.u4_lut_conv_work(geom), (work) =>
        kernels.u4_lut_conv(x.ptr, packed, y.ptr, geom, 0, lines, filters, offset, mask, 1, work),
      );
      return;
    }
    const run = kernelW * channels;
    const packed = packedRows(weight, "quads", quadBytes(filters, kernelH, run), (rows, out) =>
      kernels.i8_quad_pack(rows, out, filters, kernelH, run),
    );
    withScratch(kernels.u8_i8_conv_work(geom), (work) =>
      kernels.u8_i8_conv(x.ptr, packed, y.ptr, geom, 0, lines, filters, 1, work),
    );
  });
}

/** Products of patches that are made a chunk at a time. */
function multiplyPatches(
  kernels: Kernels,
  x: NDArray,
  weight: NDArray,
  y: NDArray,
  { geometry }: Convolution,
  planes: BitPlanes | null,
): void {
  const [filters] = weight.shape;
  const rows = positions(geometry);
  withGeometry(geometry, (geom) =>
    withProduct(kernels, weight, planes, (multiply, stride) => {
      const chunk = Math.min(rows, Math.max(1, Math.floor(CHUNK_BYTES / stride / CHUNK_ROWS)) * CHUNK_ROWS);
      withScratch(chunk * stride, (patches) => {
        for (let start = 0; start < rows; start += chunk) {
          const count = Math.min(chunk, rows - start);
          kernels.u8_im2col(x.ptr, patches, geom, start, count, stride);
          multiply(patches, y.ptr + 4 * start * filters, count);
        }
      });
    }),
  );
}

const planesOf = (way: CodeAlgorithm): BitPlanes | null => (way.by === "lookup" ? way.planes : null);

/**
 * Σ x_code·w_code of a convolution into y.
 *
 * @param x [N,H,W,C]
 * @param weight [O,C,Kh,Kw]
 * @param y f32 [N,outH,outW,O]
 * @returns false, and y untouched, if reals compute this as fast, or alone
 */
export function convCodes(x: NDArray, weight: NDArray, y: NDArray, conv: Convolution): boolean {
  const kernels = kernelsFor("f32");
  if (realsSuffice(conv, weight.shape[0])) return false;
  const way = chooseCodes(conv, weight.shape[0], operandsOf(kernels, x, weight));
  if (way.by === "channels") depthwiseCodes(x, weight, y, conv);
  else if (way.from === "image") multiplyImage(kernels, x, weight, y, conv, way);
  else multiplyPatches(kernels, x, weight, y, conv, planesOf(way));
  return true;
}

/** A fully connected layer as a convolution of one pixel a row. */
function pointConvolution(rows: number, features: number): Convolution {
  const one = { inH: 1, inW: 1, kernelH: 1, kernelW: 1, strideH: 1, strideW: 1, dilationH: 1, dilationW: 1 };
  const extents = { batch: rows, channels: features, channelStride: features, padTop: 0, padLeft: 0, outH: 1, outW: 1 };
  return { geometry: { ...one, ...extents }, groups: 1 };
}

/**
 * Σ x_code·w_code of a fully connected layer.
 *
 * @param x [rows, in], in any shape
 * @param weight [out, in]
 * @param y f32 [rows, out]
 * @returns false, and y untouched, if reals compute this as fast, or alone
 */
export function linearCodes(x: NDArray, weight: NDArray, y: NDArray): boolean {
  const [filters, features] = weight.shape;
  const kernels = kernelsFor("f32");
  const rows = features === 0 ? 0 : x.size / features;
  const conv = pointConvolution(rows, features);
  if (realsSuffice(conv, filters)) return false;
  const way = chooseCodes(conv, filters, operandsOf(kernels, x, weight));
  withProduct(kernels, weight, planesOf(way), (multiply, stride) =>
    withPadded(kernels, x.ptr, [rows, features, stride], (padded) => multiply(padded, y.ptr, rows)),
  );
  return true;
}
