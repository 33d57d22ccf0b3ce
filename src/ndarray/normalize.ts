/**
 * @file Normalization over the last axis (channels), alone and joined to an activation. Operands are trusted: x [...,
 * C], vectors [C], rows [4, C].
 */
import { bytesPer } from "../core/dtype.js";
import { kernelsFor } from "../kernels/engine.js";
import { NDArray } from "./ndarray.js";
import { withScratch } from "./scratch.js";

/** Mean and biased variance of each channel. */
export function channelStatistics(x: NDArray, channels: number): { mean: NDArray; variance: NDArray } {
  const mean = NDArray.empty([channels], x.dtype);
  const variance = NDArray.empty([channels], x.dtype);
  const kernels = kernelsFor(x.dtype);
  kernels.f32_channel_mean(x.ptr, x.size / channels, channels, mean.ptr);
  kernels.f32_channel_variance(x.ptr, x.size / channels, channels, mean.ptr, variance.ptr);
  return { mean, variance };
}

/** What normalizes. */
export interface Normalizer {
  readonly mean: NDArray;
  /** 1/√(variance + eps). */
  readonly invStd: NDArray;
  readonly gamma: NDArray;
  readonly beta: NDArray;
}

/** (x − mean)·invStd·γ + β. */
export function normalized(x: NDArray, { mean, invStd, gamma, beta }: Normalizer): NDArray {
  const y = NDArray.empty(x.shape, x.dtype);
  const channels = gamma.size;
  const [m, s, g, b] = [mean.ptr, invStd.ptr, gamma.ptr, beta.ptr];
  kernelsFor(x.dtype).f32_batchnorm(x.ptr, y.ptr, x.size / channels, channels, m, s, g, b);
  return y;
}

/** x·scale + shift, two roundings. */
export function affine(x: NDArray, scale: NDArray, shift: NDArray): NDArray {
  const y = NDArray.empty(x.shape, x.dtype);
  const channels = scale.size;
  kernelsFor(x.dtype).f32_channel_affine(x.ptr, y.ptr, x.size / channels, channels, scale.ptr, shift.ptr);
  return y;
}

/** dγ = Σ dy·(x − mean)·invStd and dβ = Σ dy over rows. */
export function normalizerGradients(
  dy: NDArray,
  x: NDArray,
  { mean, invStd }: Pick<Normalizer, "mean" | "invStd">,
): { dgamma: NDArray; dbeta: NDArray } {
  const channels = mean.size;
  const rows = dy.size / channels;
  const dgamma = NDArray.empty([channels], dy.dtype);
  const dbeta = NDArray.empty([channels], dy.dtype);
  const [m, s] = [mean.ptr, invStd.ptr];
  const run = kernelsFor(dy.dtype).f32_batchnorm_bwd_reduce;
  withNormWork(x, channels, (work) => run(x.ptr, dy.ptr, rows, channels, m, s, dgamma.ptr, dbeta.ptr, work));
  return { dgamma, dbeta };
}

/** Addresses of mean, invStd and γ in rows [4, C] that also hold β. */
function rowAddresses(rows: NDArray): [mean: number, invStd: number, gamma: number] {
  const stride = rows.shape[1] * bytesPer(rows.dtype);
  return [rows.ptr, rows.ptr + stride, rows.ptr + 2 * stride];
}

/** The gradient for x of a normalization by the batch's own statistics. @param dx written; may be `dy` */
export function normalizedBackward(
  x: NDArray,
  dy: NDArray,
  dx: NDArray,
  by: Omit<Normalizer, "beta"> | { readonly rows: NDArray },
  { dgamma, dbeta }: { readonly dgamma: NDArray; readonly dbeta: NDArray },
): void {
  const channels = dgamma.size;
  const count = x.size / channels;
  const [m, s, g] = "rows" in by ? rowAddresses(by.rows) : [by.mean.ptr, by.invStd.ptr, by.gamma.ptr];
  const kernels = kernelsFor(x.dtype);
  kernels.f32_batchnorm_bwd_input(x.ptr, dy.ptr, dx.ptr, count, channels, m, s, g, dgamma.ptr, dbeta.ptr, count);
}

/** A shortcut as kernels take it: address and step; 0 and 0 for none, a step of 0 for reals. */
function shortcutArguments(shortcut: NDArray | undefined): [address: number, step: number] {
  return shortcut === undefined ? [0, 0] : [shortcut.ptr, shortcut.step ?? 0];
}

/** Runs `fn` with the scratch of the kernels that sum gradients. */
function withNormWork<T>(x: NDArray, channels: number, fn: (work: number) => T): T {
  return withScratch(kernelsFor(x.dtype).f32_batchnorm_work(channels), fn);
}

/** max(normalized(x) + shortcut, 0). @param rows mean, invStd, γ, β */
export function normalizedRelu(x: NDArray, rows: NDArray, shortcut: NDArray | undefined): NDArray {
  const y = NDArray.empty(x.shape, x.dtype);
  const channels = rows.shape[1];
  const [added, step] = shortcutArguments(shortcut);
  kernelsFor(x.dtype).f32_batchnorm_relu(x.ptr, added, step, y.ptr, x.size / channels, channels, rows.ptr);
  return y;
}

/** Gradients that the joined activations fill: for what they activate, and the sums for γ and β. */
export interface JoinedGradients {
  readonly g: NDArray;
  readonly dgamma: NDArray;
  readonly dbeta: NDArray;
}

/** Fills the gradients of {@link normalizedRelu} from those of its result y. */
export function normalizedReluBackward(
  x: NDArray,
  y: NDArray,
  dy: NDArray,
  rows: NDArray,
  { g, dgamma, dbeta }: JoinedGradients,
): void {
  const channels = rows.shape[1];
  const count = x.size / channels;
  const run = kernelsFor(x.dtype).f32_batchnorm_relu_bwd;
  withNormWork(x, channels, (work) =>
    run(x.ptr, y.ptr, dy.ptr, g.ptr, count, channels, rows.ptr, dgamma.ptr, dbeta.ptr, work),
  );
}

/** A staircase as kernels take it. */
export interface StaircaseKernel {
  readonly alpha: number;
  /** Largest code. */
  readonly top: number;
}

/** Codes of normalized(x) + shortcut. @param rows mean, invStd, γ, β */
export function normalizedStaircase(
  x: NDArray,
  rows: NDArray,
  shortcut: NDArray | undefined,
  { alpha, top, nearest }: StaircaseKernel & { readonly nearest: boolean },
): NDArray {
  const codes = NDArray.empty(x.shape, "u8", alpha);
  const channels = rows.shape[1];
  const count = x.size / channels;
  const [added, step] = shortcutArguments(shortcut);
  const run = kernelsFor(x.dtype).f32_batchnorm_staircase;
  withNormWork(x, channels, (work) =>
    run(x.ptr, added, step, codes.ptr, count, channels, rows.ptr, alpha, top, nearest ? 1 : 0, work),
  );
  return codes;
}

/** What the gradients of {@link normalizedStaircase} are formed of. */
export interface StaircaseState {
  readonly x: NDArray;
  readonly shortcut: NDArray | undefined;
  readonly codes: NDArray;
  readonly rows: NDArray;
}

/** Fills the gradients of {@link normalizedStaircase}. @returns dα = Σ dy·rule */
export function normalizedStaircaseBackward(
  { x, shortcut, codes, rows }: StaircaseState,
  dy: NDArray,
  { alpha, top, proxy, rule }: StaircaseKernel & { readonly proxy: number; readonly rule: number },
  { g, dgamma, dbeta }: JoinedGradients,
): number {
  const channels = rows.shape[1];
  const count = x.size / channels;
  const [added, step] = shortcutArguments(shortcut);
  const run = kernelsFor(x.dtype).f32_batchnorm_staircase_bwd;
  return withNormWork(x, channels, (work) =>
    run(
      x.ptr,
      added,
      step,
      codes.ptr,
      dy.ptr,
      g.ptr,
      count,
      channels,
      rows.ptr,
      alpha,
      top,
      proxy,
      rule,
      dgamma.ptr,
      dbeta.ptr,
      work,
    ),
  );
}
