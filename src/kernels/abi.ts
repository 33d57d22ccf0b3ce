/**
 * @file The kernel ABI: one typed line per kernel (those of convolutions in abi-conv.ts, of channels in abi-channel.ts). WebAssembly exports and their
 * TypeScript twins have these names and signatures. Imports nothing else.
 *
 * Conventions. Names ending in `Ptr` are byte addresses in the heap, 16-byte aligned at the start of an array; `Len`,
 * `rows`, `n` and other extents count elements. Arrays are dense and row-major; images are NHWC. A kernel may read up to
 * 16 bytes past an input and never writes outside its output. Unless a line says otherwise, an output may be the very same
 * array as an input (elementwise in place) but may not overlap it partly. Prefix = element type that is computed in:
 * `f32_` kernels in the f64 table (TypeScript twins only) read and write f64 wherever a comment says "real".
 * Every reduction has one fixed order that depends on the extents alone; sums other than those of matrix products and convolutions are accumulated in f64.
 * Scalars are rounded to real first, but for the optimizers', whose combinations (1 − rho, lr/correction1, …) are formed in f64.
 */

import type { ChannelKernels } from "./abi-channel.js";
import type { ConvKernels } from "./abi-conv.js";

/** A byte address in the heap. */
export type Ptr = number;

/** Spatial geometry of a 2-d window operation on NHWC images; passed as 15 i32 at `geomPtr` in this order. */
export const GEOMETRY_FIELDS = [
  "batch",
  "inH",
  "inW",
  "channels",
  "kernelH",
  "kernelW",
  "strideH",
  "strideW",
  "padTop",
  "padLeft",
  "dilationH",
  "dilationW",
  "outH",
  "outW",
  "channelStride", // channels of the whole image: a group works on `channels` of them
] as const;

export interface Kernels extends ConvKernels, ChannelKernels {
  // ---- fill, copy, convert -------------------------------------------------------------------------------------
  /** out[i] = value (real). */
  f32_fill(outPtr: Ptr, len: number, value: number): void;
  /** Copies 4-byte elements of a strided source into a dense output: out index → source offset by `strides` (elements, may be
   * 0 or negative). `dimsPtr`: rank i32 extents, then rank i32 strides. No overlap. */
  b32_strided_copy(srcPtr: Ptr, outPtr: Ptr, rank: number, dimsPtr: Ptr): void;
  /** As `b32_strided_copy`, 1-byte elements. */
  b8_strided_copy(srcPtr: Ptr, outPtr: Ptr, rank: number, dimsPtr: Ptr): void;
  /** As `b32_strided_copy`, 8-byte elements. */
  b64_strided_copy(srcPtr: Ptr, outPtr: Ptr, rank: number, dimsPtr: Ptr): void;
  /** Dense source into a strided output (the reverse of the above); elements not addressed are left alone. */
  b32_strided_scatter(srcPtr: Ptr, outPtr: Ptr, rank: number, dimsPtr: Ptr): void;
  b8_strided_scatter(srcPtr: Ptr, outPtr: Ptr, rank: number, dimsPtr: Ptr): void;
  b64_strided_scatter(srcPtr: Ptr, outPtr: Ptr, rank: number, dimsPtr: Ptr): void;
  /** out[i] (real) = step · codes[i]; the product is rounded once to real. */
  u8_dequantize(codesPtr: Ptr, outPtr: Ptr, len: number, step: number): void;
  i8_dequantize(codesPtr: Ptr, outPtr: Ptr, len: number, step: number): void;
  /** out[i] (real) = x[i], from i32. */
  i32_to_f32(xPtr: Ptr, outPtr: Ptr, len: number): void;
  /** out[i] (i32) = x[i] truncated towards zero; NaN gives 0, out of range saturates. */
  f32_to_i32(xPtr: Ptr, outPtr: Ptr, len: number): void;

  // ---- elementwise, real ---------------------------------------------------------------------------------------
  f32_neg(xPtr: Ptr, outPtr: Ptr, len: number): void;
  f32_abs(xPtr: Ptr, outPtr: Ptr, len: number): void;
  /** sign(0) = 0, sign(NaN) = NaN. */
  f32_sign(xPtr: Ptr, outPtr: Ptr, len: number): void;
  f32_floor(xPtr: Ptr, outPtr: Ptr, len: number): void;
  f32_ceil(xPtr: Ptr, outPtr: Ptr, len: number): void;
  /** Round half to even. */
  f32_round(xPtr: Ptr, outPtr: Ptr, len: number): void;
  f32_sqrt(xPtr: Ptr, outPtr: Ptr, len: number): void;
  f32_exp(xPtr: Ptr, outPtr: Ptr, len: number): void;
  /** Natural logarithm; log(0) = −∞, log(x<0) = NaN. */
  f32_log(xPtr: Ptr, outPtr: Ptr, len: number): void;
  f32_tanh(xPtr: Ptr, outPtr: Ptr, len: number): void;
  f32_sigmoid(xPtr: Ptr, outPtr: Ptr, len: number): void;
  /** x > 0 ? x : 0, but NaN passes through. */
  f32_relu(xPtr: Ptr, outPtr: Ptr, len: number): void;
  /** dx = x > 0 ? dy : 0 (0 at x = 0). */
  f32_relu_bwd(xPtr: Ptr, dyPtr: Ptr, dxPtr: Ptr, len: number): void;
  /** min(max(x, lo), hi); NaN passes through. */
  f32_clip(xPtr: Ptr, outPtr: Ptr, len: number, lo: number, hi: number): void;
  /** dx = lo ≤ x ≤ hi ? dy : 0. */
  f32_clip_bwd(xPtr: Ptr, dyPtr: Ptr, dxPtr: Ptr, len: number, lo: number, hi: number): void;
  /** out[i] = x[i]·scale + shift, two roundings. */
  f32_scale_shift(xPtr: Ptr, outPtr: Ptr, len: number, scale: number, shift: number): void;

  // ---- binary, real; suffix broadcasting: out[i] = a[i mod aLen] ∘ b[i mod bLen]; len is a multiple of both ----------------
  f32_add(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_sub(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_mul(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_div(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  /** a^b for real exponents: x^0 = 1; negative base only with integer exponent, else NaN. */
  f32_pow(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  /** NaN if either is NaN. */
  f32_maximum(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_minimum(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  /** Comparisons write bytes 0 or 1; every comparison with NaN is 0 but `ne`, which is 1. */
  f32_eq(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_ne(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_lt(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_le(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_gt(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  f32_ge(aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void;
  /** out[i] = cond[i] ? a[i] : b[i]; cond is bytes, all four dense and of `len`. */
  f32_where(condPtr: Ptr, aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number): void;
  /** y[i] += a·x[i]. */
  f32_axpy(xPtr: Ptr, yPtr: Ptr, len: number, a: number): void;
  /** out[i] = mask[i] ? x[i]·scale : +0, whatever x[i] is; mask is bytes, any but 0 chooses. */
  f32_mask_scale(xPtr: Ptr, maskPtr: Ptr, outPtr: Ptr, len: number, scale: number): void;

  // ---- reductions over the middle axis of [outer, n, inner], real; output [outer, inner] ------------------------------------
  f32_sum(xPtr: Ptr, outPtr: Ptr, outer: number, n: number, inner: number): void;
  f32_max(xPtr: Ptr, outPtr: Ptr, outer: number, n: number, inner: number): void;
  f32_min(xPtr: Ptr, outPtr: Ptr, outer: number, n: number, inner: number): void;
  /** Index (i32) of the first largest; a NaN counts as largest. */
  f32_argmax(xPtr: Ptr, outPtr: Ptr, outer: number, n: number, inner: number): void;
  f32_argmin(xPtr: Ptr, outPtr: Ptr, outer: number, n: number, inner: number): void;
  /** Σ x², accumulated in f64, returned. */
  f32_sum_squares(xPtr: Ptr, len: number): number;
  /** Σ |x|, accumulated in f64, returned. */
  f32_abs_sum(xPtr: Ptr, len: number): number;
  /** max |x|, 0 if empty, returned; NaN if any x is NaN. */
  f32_abs_max(xPtr: Ptr, len: number): number;
  /** Number of elements that are NaN or infinite. */
  f32_count_nonfinite(xPtr: Ptr, len: number): number;

  // ---- softmax over rows of [rows, n], real ------------------------------------------------------------------------
  f32_softmax(xPtr: Ptr, outPtr: Ptr, rows: number, n: number): void;
  f32_log_softmax(xPtr: Ptr, outPtr: Ptr, rows: number, n: number): void;
  /** dx = y ⊙ (dy − Σ dy·y). */
  f32_softmax_bwd(yPtr: Ptr, dyPtr: Ptr, dxPtr: Ptr, rows: number, n: number): void;
  /** dx = dy − exp(y)·Σ dy, y = log-softmax. */
  f32_log_softmax_bwd(yPtr: Ptr, dyPtr: Ptr, dxPtr: Ptr, rows: number, n: number): void;

  // ---- matrix product, real ------------------------------------------------------------------------------------------
  /** C[M,N] = op(A)·op(B) (+ C if accumulate). A is [M,K], or [K,M] if transA; B is [K,N], or [N,K] if transB. `workPtr`: scratch of
   * `f32_gemm_work(M,N,K)` bytes. The summation order of an element depends on K alone: a row has the same bits in any batch, transposed or
   * not. Exact while partial sums are integers up to 2^24. C overlaps neither A nor B. */
  f32_gemm(
    aPtr: Ptr,
    bPtr: Ptr,
    cPtr: Ptr,
    M: number,
    N: number,
    K: number,
    transA: number,
    transB: number,
    accumulate: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that `f32_gemm` needs. */
  f32_gemm_work(M: number, N: number, K: number): number;

  // ---- windows (see GEOMETRY_FIELDS) ----------------------------------------------------------------------------------
  /** Patches of rows [rowStart, rowStart+rowCount) of the batch·outH·outW output positions: out [rowCount, kernelH·kernelW·channels] (tap-major, channel fastest),
   * 0 where padded. `srcPtr` points at the group's first channel of the first image. */
  f32_im2col(srcPtr: Ptr, outPtr: Ptr, geomPtr: Ptr, rowStart: number, rowCount: number): void;
  /** As f32_im2col from u8 codes to real, without the step. */
  u8_im2col_f32(srcPtr: Ptr, outPtr: Ptr, geomPtr: Ptr, rowStart: number, rowCount: number): void;
  /** As f32_im2col from u8 to u8, rows padded with zeros to `rowStride` bytes. */
  u8_im2col(srcPtr: Ptr, outPtr: Ptr, geomPtr: Ptr, rowStart: number, rowCount: number, rowStride: number): void;
  /** Adjoint of f32_im2col: adds patches into the image. Rows in increasing order. */
  f32_col2im(colsPtr: Ptr, imagePtr: Ptr, geomPtr: Ptr, rowStart: number, rowCount: number): void;
  /** Largest of each window and its flat index (i32) in the image [inH·inW·channels·batch]; padding is −∞; first of equals wins; the first NaN wins.
   * A window without any element gives −∞ (u8: 0) and index −1. */
  f32_maxpool(xPtr: Ptr, outPtr: Ptr, indexPtr: Ptr, geomPtr: Ptr): void;
  u8_maxpool(xPtr: Ptr, outPtr: Ptr, indexPtr: Ptr, geomPtr: Ptr): void;
  /** As u8_maxpool, without the indices; a window that sees padding alone gives 0. */
  u8_maxpool_codes(xPtr: Ptr, outPtr: Ptr, geomPtr: Ptr): void;
  /** dx[index[i]] += dy[i], negative indices are skipped; dx is zeroed by the caller. */
  f32_index_add(dyPtr: Ptr, indexPtr: Ptr, dxPtr: Ptr, len: number): void;
  /** Sum of each window over its elements inside the image, divided by their number, or by kernelH·kernelW if includePad; 0 if it has none. */
  f32_avgpool(xPtr: Ptr, outPtr: Ptr, geomPtr: Ptr, includePad: number): void;
  /** Adjoint of f32_avgpool; adds into dx, zeroed by the caller. */
  f32_avgpool_bwd(dyPtr: Ptr, dxPtr: Ptr, geomPtr: Ptr, includePad: number): void;

  // ---- staircase (BCGD §3); top = L = 2^bits − 1; alpha is already rounded to real ------------------------------------------------
  /** codes[i] = x ≤ 0 ? 0 : min(ceil(x/alpha), top), by true division; NaN gives 0. nearest ≠ 0: k with |x/alpha − k| ≤ ½, half to even. */
  f32_staircase(xPtr: Ptr, codesPtr: Ptr, len: number, alpha: number, top: number, nearest: number): void;
  /** dx = dy·μ′(x): proxy 0 clipped-relu (0 < x ≤ top·alpha), 1 relu (x > 0), 2 identity. top·alpha is one real product. */
  f32_staircase_bwd(xPtr: Ptr, dyPtr: Ptr, dxPtr: Ptr, len: number, alpha: number, top: number, proxy: number): void;
  /** Σ dy·∂σ/∂α in f64 over the elements where ∂σ/∂α ≠ 0, returned. rule 0 three-valued, 1 a.e., 2 PACT. The a.e. rule uses `codes`. */
  f32_staircase_dalpha(
    xPtr: Ptr,
    codesPtr: Ptr,
    dyPtr: Ptr,
    len: number,
    alpha: number,
    top: number,
    rule: number,
  ): number;
  /** Adds the number of occurrences of each code 0…255 into 256 i32. */
  u8_histogram(codesPtr: Ptr, len: number, countsPtr: Ptr): void;

  // ---- weight codes ---------------------------------------------------------------------------------------------------------
  /** codes[i] (i8) = x ≥ 0 ? +1 : −1 (sign(0) = +1, sign(−0) = +1, NaN → −1). */
  f32_sign_codes(xPtr: Ptr, codesPtr: Ptr, len: number): void;
  /** codes[i] (i8) = |x| > threshold ? sign(x) : 0. */
  f32_ternary_codes(xPtr: Ptr, codesPtr: Ptr, len: number, threshold: number): void;
  /** codes[i] (i8) = clip(round_half_away(x/delta), −top, top), by true division; NaN (also 0/0) gives 0. Returns how many codes changed. */
  f32_uniform_codes(xPtr: Ptr, codesPtr: Ptr, len: number, delta: number, top: number): number;
  /** Σ codes·x in f64, returned. */
  i8_dot_f32(codesPtr: Ptr, xPtr: Ptr, len: number): number;
  /** Σ codes² as an integer (f64), returned. */
  i8_sum_squares(codesPtr: Ptr, len: number): number;
  /** Number of positions where two code arrays differ. */
  i8_count_different(aPtr: Ptr, bPtr: Ptr, len: number): number;

  // ---- optimizers, real, in place ----------------------------------------------------------------------------------------------
  /** w[i] = (1 − rho)·w[i] + rho·(delta·codes[i]); delta·codes is rounded first, then both products, then the sum. */
  f32_blend(wPtr: Ptr, codesPtr: Ptr, len: number, delta: number, rho: number): void;
  /** g = grad + weightDecay·w; v = first ? g : momentum·v + g; d = nesterov ? g + momentum·v : v; w −= lr·d. With momentum = 0, v is not touched. */
  f32_sgd_step(
    wPtr: Ptr,
    gradPtr: Ptr,
    velocityPtr: Ptr,
    len: number,
    lr: number,
    momentum: number,
    weightDecay: number,
    nesterov: number,
    first: number,
  ): void;
  /** PyTorch's Adam: m, v are moments; correction1 = 1−β1^t, correction2 = 1−β2^t; decoupled ≠ 0 is AdamW. */
  f32_adam_step(
    wPtr: Ptr,
    gradPtr: Ptr,
    mPtr: Ptr,
    vPtr: Ptr,
    len: number,
    lr: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    decoupled: number,
    correction1: number,
    correction2: number,
  ): void;

  // ---- integers (packed runtime) -------------------------------------------------------------------------------------------------
  /** C[M,N] (i32) = A[M,K] (u8) · B[N,K]ᵀ (i8); rows of A and B start every `lda` and `ldb` bytes (multiples of 16), zero-padded up to there.
   * Exact: |sum| must stay below 2^31, so K ≤ 2^31/(255·128) = 65,793. */
  u8_i8_gemm(aPtr: Ptr, bPtr: Ptr, cPtr: Ptr, M: number, N: number, K: number, lda: number, ldb: number): void;
  /** Packs rows of i8 weights [filters, runs·run] for `u8_i8_conv`: i16 [filters/8][runs][run/2][8][2], filters and runs padded with zeros up to whole blocks. */
  i8_pair_pack(weightsPtr: Ptr, outPtr: Ptr, filters: number, runs: number, run: number): void;
  /** Σ of products over the patches of output lines [lineStart, lineStart + lineCount) of batch·outH: C [lineCount·outW, filters], of u8 images and weights that
   * `i8_pair_pack` made of rows [kernelH, kernelW·channels]. C is i32, or, if real ≠ 0, its 4 bytes are f32, rounded once. Needs channels = channelStride and dilationW = 1.
   * Exact: |sum| must stay below 2^31. `workPtr`: `u8_i8_conv_work(geom)` bytes. */
  u8_i8_conv(
    xPtr: Ptr,
    weightsPtr: Ptr,
    cPtr: Ptr,
    geomPtr: Ptr,
    lineStart: number,
    lineCount: number,
    filters: number,
    real: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that `u8_i8_conv` needs. */
  u8_i8_conv_work(geomPtr: Ptr): number;
  /** Largest byte, returned; 0 if empty. */
  u8_max(xPtr: Ptr, len: number): number;
  /** The low bytes of codes[i] + offset, or-ed, returned: bit p is set if bit plane p of the shifted codes holds anything. */
  i8_bits(codesPtr: Ptr, len: number, offset: number): number;
  /** Packs rows of i8 weights, `ldb` bytes apart, for the look-up product: byte [n/16][plane][k/4][n mod 16] holds bit `plane` of codes[n,k..k+3] + offset in its
   * bits 0…3, for the planes that are set in `planes`; N and K are padded up to multiples of 16 (what pads K has no meaning). 0 ≤ code + offset ≤ 255. */
  i8_lut_pack(weightsPtr: Ptr, outPtr: Ptr, N: number, K: number, ldb: number, offset: number, planes: number): void;
  /** C[M,N] = A[M,K] (u8, at most 15) · Wᵀ, exactly, W[n,k] = Σ 2^p·bit p − offset from `i8_lut_pack` with the same offset and planes ≠ 0. C is i32, or, if real ≠ 0, its
   * 4 bytes are f32, rounded once. Rows of A start every `lda` bytes (any number). |C|, with the offset's share, below 2^31; K ≥ 1. `workPtr`: `u4_lut_gemm_work()` bytes. */
  u4_lut_gemm(
    aPtr: Ptr,
    weightsPtr: Ptr,
    cPtr: Ptr,
    M: number,
    N: number,
    K: number,
    lda: number,
    offset: number,
    planes: number,
    real: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that `u4_lut_gemm` needs. */
  u4_lut_gemm_work(): number;
  /** The same over the patches of output lines [lineStart, lineStart + lineCount) of batch·outH: C [lineCount·outW, filters], weights packed from rows
   * [kernelH·kernelW·channels]. Needs channels = channelStride, a multiple of 16, dilationW = 1, and kernelW·channels ≤ 4368. */
  u4_lut_conv(
    xPtr: Ptr,
    weightsPtr: Ptr,
    cPtr: Ptr,
    geomPtr: Ptr,
    lineStart: number,
    lineCount: number,
    filters: number,
    offset: number,
    planes: number,
    real: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that `u4_lut_conv` needs. */
  u4_lut_conv_work(geomPtr: Ptr): number;
  /** codes[r,c] (u8) = how many of the `top` thresholds of channel c are reached: acc ≥ t if flip[c] = 0, acc ≤ t if flip[c] = 1. thresholds [channels, top] i32. */
  i32_threshold(
    accPtr: Ptr,
    codesPtr: Ptr,
    rows: number,
    channels: number,
    thresholdsPtr: Ptr,
    flipPtr: Ptr,
    top: number,
  ): void;
  /** codes[r,c] (u8) = f32(acc[r,c])·scale[c] + shift[c], two roundings, held in 0…top, then rounded half to even. top ≤ 255; nothing may be NaN. */
  i32_line_codes(
    accPtr: Ptr,
    codesPtr: Ptr,
    rows: number,
    channels: number,
    scalePtr: Ptr,
    shiftPtr: Ptr,
    top: number,
  ): void;
  /** out[r,c] (f32) = f32(acc[r,c])·scale[c] (+ bias[c] if biasPtr ≠ 0), two roundings. */
  i32_scale_bias(accPtr: Ptr, outPtr: Ptr, rows: number, channels: number, scalePtr: Ptr, biasPtr: Ptr): void;
  /** codes[r,c] (u8) = the staircase of f32_staircase at y + residual[r,c], y = (f32(acc[r,c])·s + b)·t + u, each operation rounded; `constantsPtr` holds s, b, t, u,
   * [4, channels] f32. The residual is f32, or, if residualStep ≠ 0, u8 codes that stand for residualStep·code. */
  i32_residual_codes(
    accPtr: Ptr,
    residualPtr: Ptr,
    codesPtr: Ptr,
    rows: number,
    channels: number,
    constantsPtr: Ptr,
    residualStep: number,
    alpha: number,
    top: number,
    nearest: number,
  ): void;
}

/** A kernel's name. */
export type KernelName = keyof Kernels;
