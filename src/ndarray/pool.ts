/** @file Pooling over NHWC images. */
import { kernelsFor } from "../kernels/engine.js";
import { floatTypeOf } from "./convert.js";
import { scaleShift } from "./elementwise.js";
import { codesAsReal } from "./matmul.js";
import { NDArray } from "./ndarray.js";
import { type Geometry, withGeometry } from "./window.js";

/** Shape of a pool's output, [N, outH, outW, C]. */
export function pooledShape(geometry: Geometry): number[] {
  return [geometry.batch, geometry.outH, geometry.outW, geometry.channels];
}

/** Largest of each window, and its flat index (i32) in x. Codes stay codes. */
export function maxPool(x: NDArray, geometry: Geometry): { y: NDArray; index: NDArray } {
  const y = NDArray.empty(pooledShape(geometry), x.dtype, x.step);
  const index = NDArray.empty(y.shape, "i32");
  if (y.size > 0) {
    withGeometry(geometry, (geom) => {
      if (x.dtype === "u8") kernelsFor("u8").u8_maxpool(x.ptr, y.ptr, index.ptr, geom);
      else kernelsFor(floatTypeOf("maxPool2d", x)).f32_maxpool(x.ptr, y.ptr, index.ptr, geom);
    });
  }
  return { y, index };
}

/** Σ of dy at the places that `index` names: an array of `shape`. */
export function scatterAdd(dy: NDArray, index: NDArray, shape: readonly number[]): NDArray {
  const out = NDArray.zeros(shape, dy.dtype);
  kernelsFor(dy.dtype).f32_index_add(dy.ptr, index.ptr, out.ptr, dy.size);
  return out;
}

/**
 * Mean of each window. Of coded input: f32(step · f32(Σ codes / count)), whose sum is exact, so that a deployed network can repeat it.
 *
 * @param includePad divide by the window's size instead of the number of elements inside the image
 */
export function avgPool(x: NDArray, geometry: Geometry, includePad: boolean): NDArray {
  const source = x.step === null ? x.alias() : codesAsReal(x);
  const y = NDArray.empty(pooledShape(geometry), floatTypeOf("avgPool2d", source));
  if (y.size > 0) {
    withGeometry(geometry, (geom) => kernelsFor(y.dtype).f32_avgpool(source.ptr, y.ptr, geom, includePad ? 1 : 0));
  }
  source.dispose();
  if (x.step === null) return y;
  const scaled = scaleShift(y, x.step);
  y.dispose();
  return scaled;
}

/** Adjoint of {@link avgPool}: an array of `shape`. */
export function avgPoolBackward(
  dy: NDArray,
  geometry: Geometry,
  includePad: boolean,
  shape: readonly number[],
): NDArray {
  const out = NDArray.zeros(shape, dy.dtype);
  if (dy.size > 0) {
    withGeometry(geometry, (geom) => kernelsFor(dy.dtype).f32_avgpool_bwd(dy.ptr, out.ptr, geom, includePad ? 1 : 0));
  }
  return out;
}
