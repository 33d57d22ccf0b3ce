/**
 * @file The part of the kernel ABI (abi.ts, whose conventions hold) for convolutions: products with patches, and Winograd's algorithm.
 * Imports nothing.
 */

/** A byte address in the heap. */
type Ptr = number;

/** Kernels of convolutions. */
export interface ConvKernels {
  // ---- convolution, real: products with patches that are never all written out --------------------------------------------------
  /** y[r,o] = Σ patch of position rowStart+r · w[o,:], r < rowCount: the bits of f32_im2col and f32_gemm(transB). w is [filters, kernelH·kernelW·channels];
   * rows of y (rowStart's first) are `yStride` apart. `xPtr` as in f32_im2col. `workPtr`: scratch of `f32_conv_work(geomPtr, filters)` bytes. */
  f32_conv(
    xPtr: Ptr,
    wPtr: Ptr,
    yPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    yStride: number,
    rowStart: number,
    rowCount: number,
    workPtr: Ptr,
  ): void;
  /** As f32_conv from u8 codes, without the step. */
  u8_conv_f32(
    xPtr: Ptr,
    wPtr: Ptr,
    yPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    yStride: number,
    rowStart: number,
    rowCount: number,
    workPtr: Ptr,
  ): void;
  /** dw[o,k] += Σ dy[r,o] · patch of position rowStart+r [k], summed in blocks of rows that depend on the patch length alone. Rows of dy
   * (rowStart's first) are `dyStride` apart. Scratch as f32_conv. */
  f32_conv_bwd_weight(
    xPtr: Ptr,
    dyPtr: Ptr,
    dwPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    dyStride: number,
    rowStart: number,
    rowCount: number,
    workPtr: Ptr,
  ): void;
  /** As f32_conv_bwd_weight from u8 codes, without the step. */
  u8_conv_bwd_weight_f32(
    xPtr: Ptr,
    dyPtr: Ptr,
    dwPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    dyStride: number,
    rowStart: number,
    rowCount: number,
    workPtr: Ptr,
  ): void;
  /** dx += patches' gradients dy[r,:]·w of the first `imageCount` images, position by position in order; dx and dy begin with them. w as in f32_conv.
   * Rows of dy are `dyStride` apart, pixels of dx the geometry's channelStride. Scratch as f32_conv. */
  f32_conv_bwd_input(
    dyPtr: Ptr,
    wPtr: Ptr,
    dxPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    dyStride: number,
    imageCount: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that the five above need. */
  f32_conv_work(geomPtr: Ptr, filters: number): number;

  // ---- Winograd's algorithm, real; points 0, ±1, ±2, ∞ on both axes ---------------------------------------------------------------
  // Transformed tiles lie in 36 planes (point (y, x) in plane 6y + x), each [tiles, channels]. Channels and filters are multiples of 4. Geometries:
  // stride 1, no dilation, square kernel r of 3 or 5, channels dense, padTop and padLeft of any sign; tile t of a batch's tiles (rows of tiles,
  // ⌈outH/m⌉ × ⌈outW/m⌉ an image, m = 7 − r) is the m×m outputs from (m·row, m·column) on, and the 6×6 inputs from (m·row − padTop, m·column − padLeft)
  // on, 0 outside the image. Lines: d → Bᵀ·d = (4d0−5d2+d4, (d4−4d2)±(d3−4d1), (d4−d2)±2(d3−d1), 4d1−5d3+d5); g → V·g = (g(0), g(1), g(−1), g(2), g(−2),
  // leading) of the polynomial Σ gᵢ·tⁱ. D = (1/4, −1/6, −1/6, 1/24, 1/24, 1).
  /** Tiles [filters, n, n, channels] (n 3 or 5) to points: out = D·V·tile·Vᵀ·D, planes `planeStride` elements apart. `workPtr`: 2048 bytes. */
  f32_winograd_expand(
    srcPtr: Ptr,
    outPtr: Ptr,
    filters: number,
    channels: number,
    n: number,
    planeStride: number,
    workPtr: Ptr,
  ): void;
  /** Adjoint of f32_winograd_expand: out [filters, n, n, channels] from points. `workPtr`: 2048 bytes. */
  f32_winograd_contract(
    srcPtr: Ptr,
    outPtr: Ptr,
    filters: number,
    channels: number,
    n: number,
    planeStride: number,
    workPtr: Ptr,
  ): void;
  /** Right operands [K,N] in panels of 8 columns for f32_winograd_conv, planes of the source `srcStride` elements apart: each becomes [⌈N/8⌉, K, 8],
   * filled up with zeros. */
  f32_planes_pack(srcPtr: Ptr, outPtr: Ptr, planes: number, srcStride: number, K: number, N: number): void;
  /** y = Vᵀ[(points) ⊙ (Bᵀ·x·B)]·V of tiles tileStart … tileStart + tileCount − 1, a convolution with the filters whose points [36, channels, filters]
   * are packed at `pointsPtr`; the sum over channels in order. y is the whole [batch, outH, outW, filters]. Scratch: `f32_winograd_conv_work`. */
  f32_winograd_conv(
    xPtr: Ptr,
    pointsPtr: Ptr,
    yPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    tileStart: number,
    tileCount: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that f32_winograd_conv needs. */
  f32_winograd_conv_work(geomPtr: Ptr, filters: number): number;
  /** Adds B·[(points) ⊙ (V·dy·Vᵀ)]·Bᵀ of images imageStart … into dx, tiles in increasing order: the adjoint of f32_winograd_conv with the
   * points [36, filters, channels] packed at `pointsPtr`; sums over filters in order. Scratch: `f32_winograd_bwd_input_work`. */
  f32_winograd_bwd_input(
    dyPtr: Ptr,
    pointsPtr: Ptr,
    dxPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    imageStart: number,
    imageCount: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that f32_winograd_bwd_input needs. */
  f32_winograd_bwd_input_work(geomPtr: Ptr, filters: number): number;
  /** sums[part] = Σ (V·dy·Vᵀ) ⊙ (Bᵀ·x·B) over the part's tiles, ⌊tiles·part/parts⌋ up to the next part's first, in blocks that depend on
   * channels and filters alone: sums [parts, 36, filters, channels]. dy is [batch, outH, outW, filters]. Scratch: `f32_winograd_bwd_weight_work`. */
  f32_winograd_bwd_weight(
    xPtr: Ptr,
    dyPtr: Ptr,
    sumsPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    parts: number,
    workPtr: Ptr,
  ): void;
  /** As f32_winograd_bwd_weight from u8 codes, without the step. */
  u8_winograd_bwd_weight_f32(
    xPtr: Ptr,
    dyPtr: Ptr,
    sumsPtr: Ptr,
    geomPtr: Ptr,
    filters: number,
    parts: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that the two above need. */
  f32_winograd_bwd_weight_work(geomPtr: Ptr, filters: number): number;
}
