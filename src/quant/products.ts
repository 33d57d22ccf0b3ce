/** @file What quantized convolution and quantized linear layers share: their input, their scale, their bias. */
import { scalesOf } from "../codes/scales.js";
import { DTypeError } from "../core/errors.js";
import { expectShape } from "../ndarray/checks.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { NDArray } from "../ndarray/ndarray.js";
import { affineInPlace } from "../ndarray/update.js";
import { checkCodes, type QuantizedWeight } from "./quant-parameter.js";

/** What backward of a quantized product needs. */
export interface ProductSaved {
  readonly x: NDArray | null;
  /**
   * Weights of the forward pass, if the input wants a gradient: a graph that outlives a projection is refused, not
   * differentiated at other weights.
   */
  readonly codes: NDArray | null;
  readonly delta: Float32Array;
}

/**
 * Refuses codes that are not those of the latent weights: another shape.
 * @throws ArgumentError, DisposedError, ShapeError
 */
export function checkWeight(op: string, weight: QuantizedWeight, latent: NDArray): void {
  checkCodes(op, weight);
  expectShape(op, "codes", weight.codes, latent.shape);
}

/**
 * @throws DTypeError unless x is coded or f32 and the rest f32; ShapeError unless the codes are those of the latent
 * weights
 */
export function checkOperands(
  op: string,
  x: NDArray,
  latent: NDArray,
  bias: NDArray | undefined,
  weight: QuantizedWeight,
): void {
  const reals = [latent, ...(bias === undefined ? [] : [bias])];
  checkWeight(op, weight, latent);
  if (floatTypeOf(op, ...(x.coded ? reals : [x, ...reals])) === "f64") {
    throw new DTypeError({ op, what: "quantized weights are f32", expected: "f32 or coded u8", got: "f64" });
  }
}

/**
 * z = f32(acc·s) with s = f32(δ·step) per layer or channel, then f32(z + bias): in place, two roundings.
 *
 * @param acc f32 [..., O], Σ x_code·w_code (or Σ x·w_code for real x, step 1)
 * @returns acc
 */
export function scaleAndBias(
  acc: NDArray,
  { delta, codes }: QuantizedWeight,
  step: number,
  bias: NDArray | undefined,
): NDArray {
  const channels = codes.shape[0];
  if (acc.size === 0) return acc;
  const scale = NDArray.empty([channels]);
  const shift = bias ?? NDArray.zeros([channels]);
  scale.view().set(scalesOf(delta, step, channels));
  // The shift is added even if it is 0, so that a zero never comes out as −0: the packed runtime starts from an integer
  // 0.
  affineInPlace(acc, scale, shift);
  return acc;
}
