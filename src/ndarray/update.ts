/**
 * @file Live arrays changed in place: what optimizers, gradients and biases need. Operands are trusted to be of one
 * type and to fit; who changes what others may hold says so with `touch`.
 */
import { bytesPer } from "../core/dtype.js";
import { kernelsFor } from "../kernels/engine.js";
import type { NDArray } from "./ndarray.js";

/** x ← factor·x. */
export function scaleInPlace(x: NDArray, factor: number): void {
  kernelsFor(x.dtype).f32_scale_shift(x.ptr, x.ptr, x.size, factor, 0);
}

/** x ← min(max(x, lo), hi). */
export function clipInPlace(x: NDArray, lo: number, hi: number): void {
  kernelsFor(x.dtype).f32_clip(x.ptr, x.ptr, x.size, lo, hi);
}

/** sum ← sum + factor·x. @param x of the size of `sum` */
export function addInPlace(sum: NDArray, x: NDArray, factor = 1): void {
  kernelsFor(x.dtype).f32_axpy(x.ptr, sum.ptr, x.size, factor);
}

/** sum[from…end−1] ← sum[from…end−1] + x[from…end−1]. @param x of the size of `sum` */
export function addPartInPlace(sum: NDArray, x: NDArray, from: number, end: number): void {
  const at = bytesPer(x.dtype) * from;
  kernelsFor(x.dtype).f32_axpy(x.ptr + at, sum.ptr + at, end - from, 1);
}

/** y ← y + row, over the last axis. @param y [..., C] @param row [C] */
export function addRowInPlace(y: NDArray, row: NDArray): void {
  if (y.size > 0) kernelsFor(y.dtype).f32_add(y.ptr, row.ptr, y.ptr, y.size, y.size, row.size);
}

/** y ← y·scale + shift over the last axis, two roundings. @param y [..., C] @param scale [C] @param shift [C] */
export function affineInPlace(y: NDArray, scale: NDArray, shift: NDArray): void {
  const channels = scale.size;
  kernelsFor(y.dtype).f32_channel_affine(y.ptr, y.ptr, y.size / channels, channels, scale.ptr, shift.ptr);
}

/** latent ← (1 − ρ)·latent + ρ·δ·code. @param delta one δ, or one for each of as many equal parts */
export function blendCodes(latent: NDArray, codes: NDArray, delta: ArrayLike<number>, rho: number): void {
  const length = delta.length === 0 ? 0 : latent.size / delta.length;
  const bytes = bytesPer(latent.dtype);
  const kernels = kernelsFor(latent.dtype);
  for (let part = 0; part < delta.length; part++) {
    const at = part * length;
    kernels.f32_blend(latent.ptr + bytes * at, codes.ptr + at, length, delta[part], rho);
  }
}

/** Rates of {@link sgdStep}. */
export interface SgdRates {
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

/**
 * g ← g + λw; v ← μv + g (v = g the first time); w ← w − η·(nesterov ? g + μv : v).
 * @param velocity null without momentum
 */
export function sgdStep(
  weights: NDArray,
  gradient: NDArray,
  velocity: { readonly array: NDArray; readonly fresh: boolean } | null,
  { lr, momentum, weightDecay, nesterov }: SgdRates,
): void {
  const { ptr, size } = weights;
  const at = velocity?.array.ptr ?? ptr;
  const [ahead, fresh] = [nesterov ? 1 : 0, velocity?.fresh ? 1 : 0];
  kernelsFor(weights.dtype).f32_sgd_step(ptr, gradient.ptr, at, size, lr, momentum, weightDecay, ahead, fresh);
}

/** Rates of {@link adamStep}; `correction1` = 1 − β₁ᵗ, `correction2` = 1 − β₂ᵗ. */
export interface AdamRates {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** The decay acts on the weights, not through the gradient. */
  readonly decoupled: boolean;
  readonly correction1: number;
  readonly correction2: number;
}

/** m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − η·(m/correction1) / (√(v/correction2) + ε). */
export function adamStep(
  weights: NDArray,
  gradient: NDArray,
  moments: { readonly first: NDArray; readonly second: NDArray },
  rates: AdamRates,
): void {
  kernelsFor(weights.dtype).f32_adam_step(
    weights.ptr,
    gradient.ptr,
    moments.first.ptr,
    moments.second.ptr,
    weights.size,
    rates.lr,
    rates.beta1,
    rates.beta2,
    rates.eps,
    rates.weightDecay,
    rates.decoupled ? 1 : 0,
    rates.correction1,
    rates.correction2,
  );
}
