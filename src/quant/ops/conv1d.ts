/** @file Convolution over time at quantized weights: that of images of one row. */
import {
  convBackwardInput,
  convBackwardWeight,
  convForward,
  convForwardCodes,
  convShape,
  packWeights,
} from "../../ndarray/convolve/conv.js";
import { packedWeights } from "../../ndarray/convolve/packed.js";
import { asFilters, asImage, asSequence, sequenceShape } from "../../ndarray/sequence.js";
import { type Convolution1dOptions, convolution1d } from "../../ops/conv1d.js";
import { biasGradient, checkBias } from "../../ops/linalg.js";
import type { OpDef } from "../../ops/op.js";
import { checkOperands, type ProductSaved, scaleAndBias } from "../products.js";
import { dequantizeWeight, type QuantizedWeight } from "../quant-parameter.js";

/** Attributes of {@link quantConv1dOp}: the projection of the latent weights, and the convolution's geometry. */
export interface QuantConv1dAttrs extends Convolution1dOptions {
  /** Codes and scales of the weight. */
  readonly weight: QuantizedWeight;
}

const NAME = "quantConv1d";

/**
 * Convolution over time at the projected weights. Inputs: x [N,T,C] coded u8 or f32, latent weights [O,C/groups,K], and
 * maybe bias [O]. Exactness and order of rounding as in `quantConv2d`.
 *
 * @gradient coarse: dx at the quantized weights δ·q; the gradient at the projected point passes to the latent weights
 * unchanged
 * @see BCGD §4
 */
export const quantConv1dOp: OpDef<QuantConv1dAttrs, ProductSaved> = {
  name: NAME,
  coarse: true,
  coded: true,
  shape: ([x, latent, bias], { weight, ...options }) => {
    checkOperands(NAME, x, latent, bias, weight);
    checkBias(NAME, bias, latent.shape[0]);
    return sequenceShape(convShape(convolution1d(NAME, x.shape, latent.shape, options), latent.shape[0]));
  },
  forward: ([x, latent, bias], { weight, ...options }, { needs }) => {
    const conv = convolution1d(NAME, x.shape, latent.shape, options);
    const codes = asFilters(NAME, weight.codes);
    const image = asImage(NAME, x);
    const sums = x.coded ? convForwardCodes(image, codes, conv) : convForward(image, packedWeights(codes), conv);
    return {
      y: asSequence(scaleAndBias(sums, weight, x.step ?? 1, bias)),
      saved: { x: needs[1] ? x : null, codes: needs[0] ? weight.codes : null, delta: weight.delta },
    };
  },
  backward: (dy, { x, codes, delta }, { weight: _, ...options }, { inputs, needs }) => {
    const conv = convolution1d(NAME, inputs[0].shape, inputs[1].shape, options);
    const image = asImage(NAME, dy);
    const weight = codes && packWeights(asFilters(NAME, dequantizeWeight({ codes, delta })));
    return [
      weight && asSequence(convBackwardInput(image, weight, conv)),
      x && convBackwardWeight(asImage(NAME, x), image, conv).reshape(inputs[1].shape),
      ...(inputs.length === 3 ? [needs[2] ? biasGradient(dy) : null] : []),
    ];
  },
};
