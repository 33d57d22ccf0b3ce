/**
 * @file The part of the kernel ABI (abi.ts, whose conventions hold) for channels: statistics, affine maps, batch normalization. Imports nothing.
 */

/** A byte address in the heap. */
type Ptr = number;

/** Kernels over the channels of [rows, channels]. */
export interface ChannelKernels {
  // ---- per-channel, x is [rows, channels], real -----------------------------------------------------------------------------
  /** mean[c] and biased variance[c] over rows, two passes: the second about the rounded mean. */
  f32_channel_stats(xPtr: Ptr, rows: number, channels: number, meanPtr: Ptr, varPtr: Ptr): void;
  /** y = x·scale[c] + shift[c], two roundings: multiply, then add. */
  f32_channel_affine(xPtr: Ptr, outPtr: Ptr, rows: number, channels: number, scalePtr: Ptr, shiftPtr: Ptr): void;
  /** y = (x − mean[c])·invStd[c]·gamma[c] + beta[c], left to right. */
  f32_batchnorm(
    xPtr: Ptr,
    outPtr: Ptr,
    rows: number,
    channels: number,
    meanPtr: Ptr,
    invStdPtr: Ptr,
    gammaPtr: Ptr,
    betaPtr: Ptr,
  ): void;
  /** dbeta[c] = Σ dy, dgamma[c] = Σ dy·(x − mean)·invStd. */
  f32_batchnorm_bwd_reduce(
    xPtr: Ptr,
    dyPtr: Ptr,
    rows: number,
    channels: number,
    meanPtr: Ptr,
    invStdPtr: Ptr,
    dgammaPtr: Ptr,
    dbetaPtr: Ptr,
  ): void;
  /** dx = gamma·invStd·(dy − dbeta/rows − xhat·dgamma/rows). */
  f32_batchnorm_bwd_input(
    xPtr: Ptr,
    dyPtr: Ptr,
    dxPtr: Ptr,
    rows: number,
    channels: number,
    meanPtr: Ptr,
    invStdPtr: Ptr,
    gammaPtr: Ptr,
    dgammaPtr: Ptr,
    dbetaPtr: Ptr,
  ): void;

  // ---- batch normalization and the activation behind it, x is [rows, channels], real ------------------------------------------------
  // `normPtr`: [4, channels], rows mean, invStd, gamma, beta. z = f32_batchnorm(x) + shortcut, each step rounded; `shortcutPtr` 0: none; step 0: reals;
  // else u8 codes of step·code. Scratch: `f32_batchnorm_activation_work(channels)` bytes. channels ≥ 1.
  /** y = f32_relu(z). */
  f32_batchnorm_relu(
    xPtr: Ptr,
    shortcutPtr: Ptr,
    step: number,
    yPtr: Ptr,
    rows: number,
    channels: number,
    normPtr: Ptr,
  ): void;
  /** g = f32_relu_bwd(y, dy); dgamma, dbeta as f32_batchnorm_bwd_reduce(x, g). g may be dy. */
  f32_batchnorm_relu_bwd(
    xPtr: Ptr,
    yPtr: Ptr,
    dyPtr: Ptr,
    gPtr: Ptr,
    rows: number,
    channels: number,
    normPtr: Ptr,
    dgammaPtr: Ptr,
    dbetaPtr: Ptr,
    workPtr: Ptr,
  ): void;
  /** codes = f32_staircase(z, alpha, top, nearest). */
  f32_batchnorm_staircase(
    xPtr: Ptr,
    shortcutPtr: Ptr,
    step: number,
    codesPtr: Ptr,
    rows: number,
    channels: number,
    normPtr: Ptr,
    alpha: number,
    top: number,
    nearest: number,
    workPtr: Ptr,
  ): void;
  /** g = f32_staircase_bwd(z, dy, alpha, top, proxy); dgamma, dbeta as f32_batchnorm_bwd_reduce(x, g). @returns f32_staircase_dalpha(z, codes, dy, alpha, top, rule),
   * summed in chunks of rows in order. g may be dy. */
  f32_batchnorm_staircase_bwd(
    xPtr: Ptr,
    shortcutPtr: Ptr,
    step: number,
    codesPtr: Ptr,
    dyPtr: Ptr,
    gPtr: Ptr,
    rows: number,
    channels: number,
    normPtr: Ptr,
    alpha: number,
    top: number,
    proxy: number,
    rule: number,
    dgammaPtr: Ptr,
    dbetaPtr: Ptr,
    workPtr: Ptr,
  ): number;
  /** Bytes of scratch that these need. */
  f32_batchnorm_activation_work(channels: number): number;
}
