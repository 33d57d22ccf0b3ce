/** @file Kernels that fill, copy by strides, and convert between element types. */
import { loadI8x4, loadU8x4, storeSome } from "../shared/lanes";

export function f32_fill(outPtr: usize, len: i32, value: f32): void {
  const v = f32x4.splat(value);
  for (let n = len; n > 0; n -= 4) {
    storeSome(outPtr, v, n);
    outPtr += 16;
  }
}

/**
 * Copies the sub-array of axes axis … rank−1 and returns the dense side's pointer behind it. `T` is an integer as wide
 * as the element; `scatter` swaps the sides: then the dense side is read and the strided one written.
 */
function walk<T>(strided: usize, dense: usize, axis: i32, rank: i32, dims: usize, scatter: bool): usize {
  if (axis == rank) {
    if (scatter) store<T>(strided, load<T>(dense));
    else store<T>(dense, load<T>(strided));
    return dense + sizeof<T>();
  }
  const extent = load<i32>(dims + (<usize>axis << 2));
  // Negative strides wrap modulo 2^32, as addresses do.
  const step = <usize>load<i32>(dims + (<usize>(rank + axis) << 2)) * sizeof<T>();
  if (axis + 1 < rank) {
    for (let i = 0; i < extent; i++) {
      dense = walk<T>(strided, dense, axis + 1, rank, dims, scatter);
      strided += step;
    }
    return dense;
  }
  if (step == sizeof<T>() && extent >= 16) {
    const bytes = <usize>extent * sizeof<T>();
    if (scatter) memory.copy(strided, dense, bytes);
    else memory.copy(dense, strided, bytes);
    return dense + bytes;
  }
  if (scatter) {
    for (let i = 0; i < extent; i++) {
      store<T>(strided, load<T>(dense));
      strided += step;
      dense += sizeof<T>();
    }
  } else {
    for (let i = 0; i < extent; i++) {
      store<T>(dense, load<T>(strided));
      strided += step;
      dense += sizeof<T>();
    }
  }
  return dense;
}

export function b32_strided_copy(srcPtr: usize, outPtr: usize, rank: i32, dimsPtr: usize): void {
  walk<u32>(srcPtr, outPtr, 0, rank, dimsPtr, false);
}
export function b8_strided_copy(srcPtr: usize, outPtr: usize, rank: i32, dimsPtr: usize): void {
  walk<u8>(srcPtr, outPtr, 0, rank, dimsPtr, false);
}
export function b64_strided_copy(srcPtr: usize, outPtr: usize, rank: i32, dimsPtr: usize): void {
  walk<u64>(srcPtr, outPtr, 0, rank, dimsPtr, false);
}
export function b32_strided_scatter(srcPtr: usize, outPtr: usize, rank: i32, dimsPtr: usize): void {
  walk<u32>(outPtr, srcPtr, 0, rank, dimsPtr, true);
}
export function b8_strided_scatter(srcPtr: usize, outPtr: usize, rank: i32, dimsPtr: usize): void {
  walk<u8>(outPtr, srcPtr, 0, rank, dimsPtr, true);
}
export function b64_strided_scatter(srcPtr: usize, outPtr: usize, rank: i32, dimsPtr: usize): void {
  walk<u64>(outPtr, srcPtr, 0, rank, dimsPtr, true);
}

export function u8_dequantize(codesPtr: usize, outPtr: usize, len: i32, step: f32): void {
  const s = f32x4.splat(step);
  for (let n = len; n > 0; n -= 4) {
    storeSome(outPtr, f32x4.mul(s, f32x4.convert_i32x4_s(loadU8x4(codesPtr))), n);
    codesPtr += 4;
    outPtr += 16;
  }
}

export function i8_dequantize(codesPtr: usize, outPtr: usize, len: i32, step: f32): void {
  const s = f32x4.splat(step);
  for (let n = len; n > 0; n -= 4) {
    storeSome(outPtr, f32x4.mul(s, f32x4.convert_i32x4_s(loadI8x4(codesPtr))), n);
    codesPtr += 4;
    outPtr += 16;
  }
}

export function i32_to_f32(xPtr: usize, outPtr: usize, len: i32): void {
  for (let n = len; n > 0; n -= 4) {
    storeSome(outPtr, f32x4.convert_i32x4_s(v128.load(xPtr)), n);
    xPtr += 16;
    outPtr += 16;
  }
}

export function f32_to_i32(xPtr: usize, outPtr: usize, len: i32): void {
  for (let n = len; n > 0; n -= 4) {
    storeSome(outPtr, i32x4.trunc_sat_f32x4_s(v128.load(xPtr)), n);
    xPtr += 16;
    outPtr += 16;
  }
}
