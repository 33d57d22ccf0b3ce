/** @file The kernels of this family: one or two real arrays in, one out. */
import { kernel } from "../contract.js";
import { dense, HEAVY, LIGHT } from "../split.js";

const unary = (time: number) => kernel(["xPtr", "outPtr", "len"], dense({ xPtr: 4, outPtr: 4 }, time));

/** out[i] = a[i mod aLen] ∘ b[i mod bLen]. @param bytes of an element of the output */
const binary = (bytes: number, time: number) =>
  kernel(["aPtr", "bPtr", "outPtr", "len", "aLen", "bLen"], {
    kind: "broadcast",
    count: "len",
    inputs: [
      ["aPtr", "aLen"],
      ["bPtr", "bLen"],
    ],
    output: "outPtr",
    bytes,
    time,
  });

/** Lines of the ABI. */
export const ELEMENTWISE = {
  f32_neg: unary(LIGHT),
  f32_abs: unary(LIGHT),
  /** sign(0) = 0, sign(NaN) = NaN. */
  f32_sign: unary(LIGHT),
  f32_floor: unary(LIGHT),
  f32_ceil: unary(LIGHT),
  /** Round half to even. */
  f32_round: unary(LIGHT),
  f32_sqrt: unary(LIGHT),
  f32_exp: unary(HEAVY),
  /** Natural logarithm; log(0) = −∞, log(x<0) = NaN. */
  f32_log: unary(HEAVY),
  f32_tanh: unary(HEAVY),
  f32_sigmoid: unary(HEAVY),
  /** x > 0 ? x : 0, but NaN passes through. */
  f32_relu: unary(LIGHT),
  /** dx = x > 0 ? dy : 0 (0 at x = 0). */
  f32_relu_bwd: kernel(["xPtr", "dyPtr", "dxPtr", "len"], dense({ xPtr: 4, dyPtr: 4, dxPtr: 4 }, LIGHT)),
  /** min(max(x, lo), hi); NaN passes through. */
  f32_clip: kernel(["xPtr", "outPtr", "len", "lo", "hi"], dense({ xPtr: 4, outPtr: 4 }, LIGHT)),
  /** dx = lo ≤ x ≤ hi ? dy : 0. */
  f32_clip_bwd: kernel(["xPtr", "dyPtr", "dxPtr", "len", "lo", "hi"], dense({ xPtr: 4, dyPtr: 4, dxPtr: 4 }, LIGHT)),
  /** out[i] = fn(x[i]) by its number in ./activations.ts, rounded once. */
  f32_activation: kernel(["xPtr", "outPtr", "len", "fn", "alpha", "beta"], dense({ xPtr: 4, outPtr: 4 }, HEAVY)),
  /** dx = dy·fn′(x), rounded once. */
  f32_activation_bwd: kernel(
    ["xPtr", "dyPtr", "dxPtr", "len", "fn", "alpha", "beta"],
    dense({ xPtr: 4, dyPtr: 4, dxPtr: 4 }, HEAVY),
  ),
  /** out[i] = x[i]·scale + shift, two roundings. */
  f32_scale_shift: kernel(["xPtr", "outPtr", "len", "scale", "shift"], dense({ xPtr: 4, outPtr: 4 }, LIGHT)),
  f32_add: binary(4, LIGHT),
  f32_sub: binary(4, LIGHT),
  f32_mul: binary(4, LIGHT),
  f32_div: binary(4, LIGHT),
  /** a^b for real exponents: x^0 = 1; negative base only with integer exponent, else NaN. */
  f32_pow: binary(4, 4 * HEAVY),
  /** NaN if either is NaN. */
  f32_maximum: binary(4, LIGHT),
  f32_minimum: binary(4, LIGHT),
  /** Comparisons write bytes 0 or 1; every comparison with NaN is 0 but `ne`, which is 1. */
  f32_eq: binary(1, LIGHT),
  f32_ne: binary(1, LIGHT),
  f32_lt: binary(1, LIGHT),
  f32_le: binary(1, LIGHT),
  f32_gt: binary(1, LIGHT),
  f32_ge: binary(1, LIGHT),
  /** out[i] = cond[i] ? a[i] : b[i]; cond is bytes, all four dense and of `len`. */
  f32_where: kernel(
    ["condPtr", "aPtr", "bPtr", "outPtr", "len"],
    dense({ condPtr: 1, aPtr: 4, bPtr: 4, outPtr: 4 }, LIGHT),
  ),
  /** y[i] += a·x[i]. */
  f32_axpy: kernel(["xPtr", "yPtr", "len", "a"], dense({ xPtr: 4, yPtr: 4 }, LIGHT)),
  /** out[i] = mask[i] ? x[i]·scale : +0, whatever x[i] is; mask is bytes, any but 0 chooses. */
  f32_mask_scale: kernel(
    ["xPtr", "maskPtr", "outPtr", "len", "scale"],
    dense({ xPtr: 4, maskPtr: 1, outPtr: 4 }, LIGHT),
  ),
};

/** A kernel of one real array of which nothing else is asked. */
export type UnaryKernel = {
  [Name in keyof typeof ELEMENTWISE]: (typeof ELEMENTWISE)[Name]["names"] extends readonly ["xPtr", "outPtr", "len"]
    ? Name
    : never;
}[keyof typeof ELEMENTWISE];

/** Kernels of one real array. */
export const UNARY = (Object.keys(ELEMENTWISE) as (keyof typeof ELEMENTWISE)[]).filter(
  (name): name is UnaryKernel => ELEMENTWISE[name].names.join() === "xPtr,outPtr,len",
);
