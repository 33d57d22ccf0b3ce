/** @file Reference kernels: one real array in, one out. */
import { exp, log, tanh } from "../../core/math.js";
import type { Kernels } from "../abi.js";
import type { Context } from "../context.js";
import { unary } from "./arithmetic.js";

type Names =
  | "f32_neg"
  | "f32_abs"
  | "f32_sign"
  | "f32_floor"
  | "f32_ceil"
  | "f32_round"
  | "f32_sqrt"
  | "f32_exp"
  | "f32_log"
  | "f32_tanh"
  | "f32_sigmoid"
  | "f32_relu_bwd"
  | "f32_clip"
  | "f32_clip_bwd"
  | "f32_where"
  | "f32_axpy"
  | "f32_mask_scale";

/** Round half to even; keeps the sign of zero. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below; // exact
  if (rest < 0.5) return below === 0 && x < 0 ? -0 : below;
  if (rest > 0.5) return Math.ceil(x);
  if (rest === 0.5) return below % 2 === 0 ? below : Math.ceil(x);
  return x; // NaN and ±∞, where `rest` is NaN
}

/** Logistic function 1/(1 + e^−x), without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + exp(-x));
  const e = exp(x);
  return e / (1 + e);
}

/** Twins of the elementwise kernels. */
export function elementwiseKernels(context: Context): Pick<Kernels, Names> {
  const { heap, round, real } = context;
  return {
    f32_neg: unary(context, (x) => -x),
    f32_abs: unary(context, Math.abs),
    f32_sign: unary(context, Math.sign),
    f32_floor: unary(context, Math.floor),
    f32_ceil: unary(context, Math.ceil),
    f32_round: unary(context, roundHalfEven),
    f32_sqrt: unary(context, Math.sqrt),
    f32_exp: unary(context, exp),
    f32_log: unary(context, log),
    f32_tanh: unary(context, tanh),
    f32_sigmoid: unary(context, sigmoid),
    f32_relu_bwd(xPtr, dyPtr, dxPtr, len) {
      const x = real(xPtr, len);
      const dy = real(dyPtr, len);
      const dx = real(dxPtr, len);
      for (let i = 0; i < len; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
    },
    f32_clip(xPtr, outPtr, len, lo, hi) {
      const [low, high] = [round(lo), round(hi)];
      unary(context, (x) => {
        // Not Math.max and Math.min: of equal zeros x itself passes, and so does NaN.
        let y = x;
        if (x < low) y = low;
        if (high < y) y = high;
        return y;
      })(xPtr, outPtr, len);
    },
    f32_clip_bwd(xPtr, dyPtr, dxPtr, len, lo, hi) {
      const x = real(xPtr, len);
      const dy = real(dyPtr, len);
      const dx = real(dxPtr, len);
      const [low, high] = [round(lo), round(hi)];
      for (let i = 0; i < len; i++) dx[i] = x[i] >= low && x[i] <= high ? dy[i] : 0;
    },
    f32_where(condPtr, aPtr, bPtr, outPtr, len) {
      const cond = heap.u8(condPtr, len);
      const a = real(aPtr, len);
      const b = real(bPtr, len);
      const out = real(outPtr, len);
      for (let i = 0; i < len; i++) out[i] = cond[i] !== 0 ? a[i] : b[i];
    },
    f32_axpy(xPtr, yPtr, len, a) {
      const x = real(xPtr, len);
      const y = real(yPtr, len);
      const factor = round(a);
      for (let i = 0; i < len; i++) y[i] += round(factor * x[i]);
    },
    f32_mask_scale(xPtr, maskPtr, outPtr, len, scale) {
      const x = real(xPtr, len);
      const mask = heap.u8(maskPtr, len);
      const out = real(outPtr, len);
      const factor = round(scale);
      for (let i = 0; i < len; i++) out[i] = mask[i] !== 0 ? x[i] * factor : 0;
    },
  };
}
