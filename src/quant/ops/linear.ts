/** @file Matrix product at quantized weights. */

import { ShapeError } from "../../core/errors.js";
import { shapeText } from "../../core/shape.js";
import { realCodes } from "../../ndarray/convolve/packed.js";
import { linearForwardCodes, rowsTimes, rowsTimesTransposed, transposedTimesRows } from "../../ndarray/linear.js";
import { biasGradient, checkBias } from "../../ops/linalg.js";
import type { OpDef } from "../../ops/op.js";
import { checkOperands, type ProductSaved, scaleAndBias } from "../products.js";
import { dequantizeWeight, type QuantizedWeight } from "../quant-parameter.js";

/** Attributes of {@link quantLinearOp}: the projection of the latent weights. */
export interface QuantLinearAttrs {
  /** Codes and scales of the weight. */
  readonly weight: QuantizedWeight;
}

/**
 * y = x·wᵀ + b at the projected weights. Inputs: x [..., in] coded u8 or f32, latent weights [out, in], and maybe bias
 * [out]. Exactness and order of rounding as in `quantConv2d`.
 *
 * @gradient coarse: dx at the quantized weights δ·q; the gradient at the projected point passes to the latent weights
 * unchanged
 * @see BCGD §4
 */
export const quantLinearOp: OpDef<QuantLinearAttrs, ProductSaved> = {
  name: "quantLinear",
  coarse: true,
  coded: true,
  shape: ([x, latent, bias], { weight }) => {
    checkOperands("quantLinear", x, latent, bias, weight);
    if (latent.rank !== 2 || x.rank < 1 || x.shape[x.rank - 1] !== latent.shape[1]) {
      throw new ShapeError({
        op: "quantLinear",
        what: "feature mismatch",
        expected: `weight [O,${x.shape[x.rank - 1] ?? "I"}] for input ${shapeText(x.shape)}`,
        got: shapeText(latent.shape),
        hint: "the layout of the weight is [out, in]",
      });
    }
    checkBias("quantLinear", bias, latent.shape[0]);
    return [...x.shape.slice(0, -1), latent.shape[0]];
  },
  forward: ([x, , bias], { weight }, { needs }) => {
    const acc = x.coded ? linearForwardCodes(x, weight.codes) : rowsTimesTransposed(x, realCodes(weight.codes));
    const { codes, delta } = weight;
    const saved = { x: needs[1] ? x : null, codes: needs[0] ? codes : null, delta };
    return { y: scaleAndBias(acc, weight, x.step ?? 1, bias), saved };
  },
  backward: (dy, { x, codes, delta }, _, { inputs, needs }) => [
    codes && rowsTimes(dy, dequantizeWeight({ codes, delta }), inputs[0].shape),
    x && transposedTimesRows(dy, x),
    ...(inputs.length === 3 ? [needs[2] ? biasGradient(dy) : null] : []),
  ],
};
