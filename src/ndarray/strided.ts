/** @file Strided copies: the one movement of elements that all others are made of. */
import { check, integer, listOf } from "../core/checks.js";
import { bytesPer } from "../core/dtype.js";
import { DTypeError, ShapeError } from "../core/errors.js";
import { checkShape, type Shape, shapeText, sizeOf } from "../core/shape.js";
import type { Ptr } from "../kernels/abi.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import { expectArrays } from "./checks.js";
import { type NDArray, trustedEmpty } from "./ndarray.js";
import { withInts } from "./scratch.js";

/** Extents and strides with extents of 1 dropped and neighbours that run on merged; never of rank 0. */
function compact(shape: Shape, strides: readonly number[]): { shape: number[]; strides: number[] } {
  const out = { shape: [] as number[], strides: [] as number[] };
  for (let i = 0; i < shape.length; i++) {
    const extent = shape[i];
    if (extent === 1) continue;
    const last = out.shape.length - 1;
    if (last >= 0 && out.strides[last] === strides[i] * extent) {
      out.shape[last] *= extent;
      out.strides[last] = strides[i];
    } else {
      out.shape.push(extent);
      out.strides.push(strides[i]);
    }
  }
  return out.shape.length === 0 ? { shape: [1], strides: [1] } : out;
}

function moveStrided(
  direction: "copy" | "scatter",
  from: Ptr,
  to: Ptr,
  x: NDArray,
  shape: Shape,
  strides: readonly number[],
): void {
  const size = sizeOf(shape);
  if (size === 0) return;
  const bytes = bytesPer(x.dtype);
  const dims = compact(shape, strides);
  if (dims.shape.length === 1 && dims.strides[0] === 1) {
    heap()
      .u8(to, size * bytes)
      .set(heap().u8(from, size * bytes));
    return;
  }
  const kernels = kernelsFor(x.dtype);
  withInts([...dims.shape, ...dims.strides], (dimsPtr) => {
    if (direction === "copy") {
      if (bytes === 4) kernels.b32_strided_copy(from, to, dims.shape.length, dimsPtr);
      else if (bytes === 1) kernels.b8_strided_copy(from, to, dims.shape.length, dimsPtr);
      else kernels.b64_strided_copy(from, to, dims.shape.length, dimsPtr);
    } else if (bytes === 4) kernels.b32_strided_scatter(from, to, dims.shape.length, dimsPtr);
    else if (bytes === 1) kernels.b8_strided_scatter(from, to, dims.shape.length, dimsPtr);
    else kernels.b64_strided_scatter(from, to, dims.shape.length, dimsPtr);
  });
}

const anyInteger = integer();

/** True for a list of so many integers. */
function areIntegers(list: readonly number[], length: number): boolean {
  if (!Array.isArray(list) || list.length !== length) return false;
  for (let i = 0; i < length; i++) if (!Number.isSafeInteger(list[i])) return false;
  return true;
}

/** Refuses places offset + Σ iₖ·stridesₖ that are not all within an array of `size` elements. @throws ShapeError */
function checkPlaces(op: string, size: number, offset: number, shape: Shape, strides: readonly number[]): void {
  check(op, "offset", offset, anyInteger);
  if (!areIntegers(strides, shape.length)) check(op, "strides", strides, listOf(anyInteger, shape.length));
  let least = offset;
  let most = offset;
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 0) return;
    const span = (shape[i] - 1) * strides[i];
    if (span < 0) least += span;
    else most += span;
  }
  if (least >= 0 && most < size) return;
  throw new ShapeError({
    op,
    what: "places outside the array",
    expected: `integers in [0, ${size - 1}]`,
    got: `offset ${offset} and strides ${shapeText(strides)} over ${shapeText(shape)}`,
  });
}

/**
 * A dense copy of the elements at offset + Σ iₖ·stridesₖ of x, for every index i of `shape`.
 * @throws ShapeError if one lies outside x
 */
export function stridedCopy(x: NDArray, offset: number, shape: Shape, strides: readonly number[]): NDArray {
  expectArrays("stridedCopy", x);
  checkShape("stridedCopy", shape);
  checkPlaces("stridedCopy", x.size, offset, shape, strides);
  return trustedCopy(x, offset, shape.slice(), strides);
}

/** {@link stridedCopy} of places that lie within x. @param shape becomes the copy's own */
export function trustedCopy(x: NDArray, offset: number, shape: Shape, strides: readonly number[]): NDArray {
  const out = trustedEmpty(shape, x.dtype, x.step);
  try {
    moveStrided("copy", x.ptr + offset * bytesPer(x.dtype), out.ptr, x, shape, strides);
  } catch (error) {
    out.dispose();
    throw error;
  }
  return out;
}

/**
 * Writes the dense x to positions offset + Σ iₖ·stridesₖ of `out`, leaving the others alone.
 * @throws DTypeError if the types differ; ShapeError if a position lies outside `out`
 */
export function stridedScatter(x: NDArray, out: NDArray, offset: number, strides: readonly number[]): void {
  expectArrays("stridedScatter", x, out);
  if (x.dtype !== out.dtype) {
    throw new DTypeError({ op: "stridedScatter", what: "types differ", expected: out.dtype, got: x.dtype });
  }
  checkPlaces("stridedScatter", out.size, offset, x.shape, strides);
  moveStrided("scatter", x.ptr, out.ptr + offset * bytesPer(x.dtype), x, x.shape, strides);
  out.touch("stridedScatter");
}
