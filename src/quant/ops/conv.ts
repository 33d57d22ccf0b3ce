/** @file Convolution at quantized weights. */
import {
  convBackwardInput,
  convBackwardWeight,
  convForward,
  convForwardCodes,
  convShape,
  packWeights,
} from "../../ndarray/convolve/conv.js";
import { packedWeights } from "../../ndarray/convolve/packed.js";
import type { NDArray } from "../../ndarray/ndarray.js";
import { type ConvolutionOptions, convolution } from "../../ops/conv.js";
import { biasGradient, checkBias } from "../../ops/linalg.js";
import type { OpDef } from "../../ops/op.js";
import { checkOperands, type ProductSaved, scaleAndBias } from "../products.js";
import { dequantizeWeight, type QuantizedWeight } from "../quant-parameter.js";

/** Attributes of {@link quantConv2dOp}: the projection of the latent weights, and the convolution's geometry. */
export interface QuantConv2dAttrs extends ConvolutionOptions {
  /** Codes and scales of the weight. */
  readonly weight: QuantizedWeight;
}

function sums(x: NDArray, { weight, ...options }: QuantConv2dAttrs): NDArray {
  const conv = convolution("quantConv2d", x.shape, weight.codes.shape, options);
  if (x.coded) return convForwardCodes(x, weight.codes, conv);
  return convForward(x, packedWeights(weight.codes), conv);
}

/**
 * Convolution at the projected weights. Inputs: x [N,H,W,C] coded u8 or f32, latent weights [O,C/groups,Kh,Kw], and
 * maybe bias [O].
 *
 * Coded x: acc = Σ code_x·code_w, exact integers while |acc| ≤ 2²⁴ (beyond that they are rounded as any f32 sum, and
 * packing the network is refused); y = f32(f32(acc·f32(δ·step)) + b). Real x: the same with step 1.
 *
 * @gradient coarse: dx at the quantized weights δ·q; the gradient at the projected point passes to the latent weights
 * unchanged
 * @see BCGD §4
 */
export const quantConv2dOp: OpDef<QuantConv2dAttrs, ProductSaved> = {
  name: "quantConv2d",
  coarse: true,
  coded: true,
  shape: ([x, latent, bias], { weight, ...options }) => {
    checkOperands("quantConv2d", x, latent, bias, weight);
    checkBias("quantConv2d", bias, latent.shape[0]);
    return convShape(convolution("quantConv2d", x.shape, latent.shape, options), latent.shape[0]);
  },
  forward: ([x, , bias], attrs, { needs }) => ({
    y: scaleAndBias(sums(x, attrs), attrs.weight, x.step ?? 1, bias),
    saved: { x: needs[1] ? x : null, codes: needs[0] ? attrs.weight.codes : null, delta: attrs.weight.delta },
  }),
  backward: (dy, { x, codes, delta }, { weight: _, ...options }, { inputs, needs }) => {
    const conv = convolution("quantConv2d", inputs[0].shape, inputs[1].shape, options);
    return [
      codes && convBackwardInput(dy, packWeights(dequantizeWeight({ codes, delta })), conv),
      x && convBackwardWeight(x, dy, conv),
      ...(inputs.length === 3 ? [needs[2] ? biasGradient(dy) : null] : []),
    ];
  },
};
