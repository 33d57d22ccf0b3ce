/** @file Weights between float and quantized (BinaryRelax), as an op. */

import { atLeast, check } from "../../core/checks.js";
import { expectType } from "../../ndarray/checks.js";
import { addInPlace, scaleInPlace } from "../../ndarray/update.js";
import type { OpDef } from "../../ops/op.js";
import { checkWeight } from "../products.js";
import { dequantizeWeight, type QuantizedWeight } from "../quant-parameter.js";

/** Attributes of {@link relaxOp}. */
export interface RelaxAttrs {
  /** Codes and scales of the weight. */
  readonly weight: QuantizedWeight;
  /** η ≥ 0. */
  readonly eta: number;
}

/**
 * (η·proj(w_f) + w_f)/(1 + η), float weights that approach the projection as η grows. Input: the latent weights w_f.
 *
 * @gradient coarse: the gradient at the relaxed weights passes to the latent ones unchanged
 * @see BCGD §4 (BinaryRelax, arXiv:1801.06313)
 */
export const relaxOp: OpDef<RelaxAttrs, null> = {
  name: "relaxWeight",
  coarse: true,
  shape: ([latent], { weight, eta }) => {
    expectType("relaxWeight", "latent weights", latent, "f32");
    checkWeight("relaxWeight", weight, latent);
    check("relaxWeight", "eta", eta, atLeast(0));
    return latent.shape;
  },
  forward: ([latent], { weight, eta }) => {
    const y = dequantizeWeight(weight);
    scaleInPlace(y, eta / (1 + eta));
    addInPlace(y, latent, 1 / (1 + eta));
    return { y, saved: null };
  },
  backward: (dy) => [dy],
};
