/** @file Reference kernels: one or two real arrays in, one out. */
import { exp, log, pow, tanh } from "../../core/math.js";
import type { Context } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import type { ELEMENTWISE } from "./abi.js";
import { activationKernels } from "./activations.js";
import { arithmetic, arithmeticKernels, unary } from "./arithmetic.js";
import * as lanes from "./lanes.js";
import { roundHalfEven } from "./rounding.js";
import { sigmoid } from "./sigmoid.js";

/** Twins of the elementwise kernels. */
export function elementwiseKernels(context: Context): KernelsOf<typeof ELEMENTWISE> {
  const { heap, type, round, real } = context;
  // f32 arrays get the bits of the WebAssembly kernels; f64 ones, which have none, all that f64 can hold.
  const own = type === "f32" ? lanes : { exp, tanh, sigmoid };
  function comparison(f: (a: number, b: number) => boolean) {
    return (aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void => {
      const a = real(aPtr, aLen);
      const b = real(bPtr, bLen);
      const out = heap.u8(outPtr, len);
      for (let i = 0; i < len; i++) out[i] = f(a[i % aLen], b[i % bLen]) ? 1 : 0;
    };
  }

  return {
    ...arithmeticKernels(context),
    f32_sub: arithmetic(context, (a, b) => a - b),
    f32_div: arithmetic(context, (a, b) => a / b),
    f32_mul: arithmetic(context, (a, b) => a * b),
    f32_neg: unary(context, (x) => -x),
    f32_abs: unary(context, Math.abs),
    f32_sign: unary(context, Math.sign),
    f32_floor: unary(context, Math.floor),
    f32_ceil: unary(context, Math.ceil),
    f32_round: unary(context, roundHalfEven),
    f32_sqrt: unary(context, Math.sqrt),
    f32_exp: unary(context, own.exp),
    f32_log: unary(context, log),
    f32_tanh: unary(context, own.tanh),
    f32_sigmoid: unary(context, own.sigmoid),
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
    ...activationKernels(context),
    f32_pow: arithmetic(context, pow),
    f32_maximum: arithmetic(context, Math.max),
    f32_minimum: arithmetic(context, Math.min),
    f32_eq: comparison((a, b) => a === b),
    f32_ne: comparison((a, b) => a !== b),
    f32_lt: comparison((a, b) => a < b),
    f32_le: comparison((a, b) => a <= b),
    f32_gt: comparison((a, b) => a > b),
    f32_ge: comparison((a, b) => a >= b),
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
