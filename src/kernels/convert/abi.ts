/** @file The kernels of this family: fill, strided copies, conversions. */
import { kernel } from "../contract.js";
import { dense, LIGHT } from "../split.js";

const STRIDED = ["srcPtr", "outPtr", "rank", "dimsPtr"] as const;

const copy = (bytes: number) =>
  kernel(STRIDED, { kind: "strided", rank: "rank", dims: "dimsPtr", strided: "srcPtr", dense: "outPtr", bytes });
const scatter = (bytes: number) =>
  kernel(STRIDED, { kind: "strided", rank: "rank", dims: "dimsPtr", strided: "outPtr", dense: "srcPtr", bytes });

/** Lines of the ABI. */
export const CONVERT = {
  /** out[i] = value (real). */
  f32_fill: kernel(["outPtr", "len", "value"], dense({ outPtr: 4 }, 0.15)),
  /**
   * Copies 4-byte elements of a strided source into a dense output: out index → source offset by `strides` (elements,
   * may be 0 or negative). `dimsPtr`: rank i32 extents, then rank i32 strides. No overlap.
   */
  b32_strided_copy: copy(4),
  /** As `b32_strided_copy`, 1-byte elements. */
  b8_strided_copy: copy(1),
  /** As `b32_strided_copy`, 8-byte elements. */
  b64_strided_copy: copy(8),
  /** Dense source into a strided output (the reverse of the above); elements not addressed are left alone. */
  b32_strided_scatter: scatter(4),
  b8_strided_scatter: scatter(1),
  b64_strided_scatter: scatter(8),
  /** out[i] (real) = step · codes[i]; the product is rounded once to real. */
  u8_dequantize: kernel(["codesPtr", "outPtr", "len", "step"], dense({ codesPtr: 1, outPtr: 4 }, LIGHT)),
  i8_dequantize: kernel(["codesPtr", "outPtr", "len", "step"], dense({ codesPtr: 1, outPtr: 4 }, LIGHT)),
  /** out[i] (real) = x[i], from i32. */
  i32_to_f32: kernel(["xPtr", "outPtr", "len"], dense({ xPtr: 4, outPtr: 4 }, LIGHT)),
  /** out[i] (i32) = x[i] truncated towards zero; NaN gives 0, out of range saturates. */
  f32_to_i32: kernel(["xPtr", "outPtr", "len"], dense({ xPtr: 4, outPtr: 4 }, LIGHT)),
};
