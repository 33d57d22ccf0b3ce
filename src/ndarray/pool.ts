/** @file Pooling over NHWC images. */

import { check, flag, record } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { checkShape, type Shape, sizeOf } from "../core/shape.js";
import { kernelsFor } from "../kernels/engine.js";
import { expectArrays, expectShape, expectType, filled, floatTypeOf } from "./checks.js";
import { scaleShift } from "./elementwise.js";
import { checkPositions } from "./indexing.js";
import { codesAsReal } from "./matmul.js";
import { NDArray } from "./ndarray.js";
import { checkGeometry, type Geometry, withGeometry } from "./window.js";

/** Shape of a pool's output, [N, outH, outW, C]. */
export function pooledShape(geometry: Geometry): number[] {
  check("pool", "geometry", geometry, record);
  return [geometry.batch, geometry.outH, geometry.outW, geometry.channels];
}

/** @throws ShapeError, ArgumentError unless the windows are over all channels of images of this shape */
function checkWindows(op: string, input: Shape, geometry: Geometry): void {
  checkGeometry(op, geometry, input);
  if (geometry.channels === geometry.channelStride) return;
  const expected = `windows over all ${geometry.channelStride} channels`;
  throw new ShapeError({ op, what: "channels", expected, got: `${geometry.channels}` });
}

/**
 * Largest of each window, and its flat index (i32) in x: −1 where a window lies in the padding alone. Codes stay codes.
 * @throws DTypeError unless x is real or u8; ShapeError, ArgumentError if the windows are not x's
 */
export function maxPool(x: NDArray, geometry: Geometry): { y: NDArray; index: NDArray } {
  expectType("maxPool2d", "input", x, "f32", "f64", "u8");
  checkWindows("maxPool2d", x.shape, geometry);
  const y = NDArray.empty(pooledShape(geometry), x.dtype, x.step);
  let index: NDArray | null = null;
  try {
    index = NDArray.empty(y.shape, "i32");
    const at = index.ptr;
    if (y.size > 0) {
      withGeometry(geometry, (geom) => {
        const kernels = kernelsFor(x.dtype);
        if (x.dtype === "u8") kernels.u8_maxpool(x.ptr, y.ptr, at, geom, 0, geometry.batch);
        else kernels.f32_maxpool(x.ptr, y.ptr, at, geom, 0, geometry.batch);
      });
    }
    return { y, index };
  } catch (error) {
    y.dispose();
    index?.dispose();
    throw error;
  }
}

/**
 * Σ of dy at the places that `index` names, none where it is −1: an array of `shape`.
 * @throws DTypeError, ShapeError; ArgumentError on a place outside
 */
export function scatterAdd(dy: NDArray, index: NDArray, shape: readonly number[]): NDArray {
  floatTypeOf("scatterAdd", dy);
  expectType("scatterAdd", "index", index, "i32");
  expectShape("scatterAdd", "index", index, dy.shape);
  checkShape("scatterAdd", shape);
  checkPositions("scatterAdd", index, sizeOf(shape), -1);
  return addAt(dy, index, shape);
}

/**
 * {@link scatterAdd} for indices that were worked out for an array of `shape` and that nobody else has seen: they are
 * not looked at again.
 */
export function addAt(dy: NDArray, index: NDArray, shape: readonly number[]): NDArray {
  const out = NDArray.zeros(shape, dy.dtype);
  kernelsFor(dy.dtype).f32_index_add(dy.ptr, index.ptr, out.ptr, dy.size);
  return out;
}

/**
 * Mean of each window. Of coded input: f32(step · f32(Σ codes / count)), whose sum is exact, so that a deployed network
 * can repeat it.
 *
 * @param includePad divide by the window's size instead of the number of elements inside the image
 * @throws DTypeError unless x is real or coded; ShapeError, ArgumentError if the windows are not x's
 */
export function avgPool(x: NDArray, geometry: Geometry, includePad: boolean): NDArray {
  expectArrays("avgPool2d", x);
  if (x.step === null) floatTypeOf("avgPool2d", x);
  checkWindows("avgPool2d", x.shape, geometry);
  check("avgPool2d", "includePad", includePad, flag);
  using source = x.step === null ? x.alias() : codesAsReal(x);
  const dtype = floatTypeOf("avgPool2d", source);
  const y = filled(NDArray.empty(pooledShape(geometry), dtype), ({ ptr, size }) => {
    if (size === 0) return;
    withGeometry(geometry, (geom) =>
      kernelsFor(dtype).f32_avgpool(source.ptr, ptr, geom, includePad ? 1 : 0, 0, geometry.batch),
    );
  });
  if (x.step === null) return y;
  using sums = y;
  return scaleShift(sums, x.step);
}

/**
 * Adjoint of {@link avgPool}: an array of `shape`.
 * @throws DTypeError; ShapeError, ArgumentError if the windows are not those of `shape`
 */
export function avgPoolBackward(
  dy: NDArray,
  geometry: Geometry,
  includePad: boolean,
  shape: readonly number[],
): NDArray {
  const dtype = floatTypeOf("avgPool2d", dy);
  checkShape("avgPool2d", shape);
  checkWindows("avgPool2d", shape, geometry);
  expectShape("avgPool2d", "gradient", dy, pooledShape(geometry));
  check("avgPool2d", "includePad", includePad, flag);
  return filled(NDArray.zeros(shape, dtype), (out) => {
    if (dy.size === 0) return;
    withGeometry(geometry, (geom) =>
      kernelsFor(dtype).f32_avgpool_bwd(dy.ptr, out.ptr, geom, includePad ? 1 : 0, 0, geometry.batch),
    );
  });
}
