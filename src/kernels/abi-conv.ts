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
  /** Bytes of scratch that the four above need. */
  f32_conv_work(geomPtr: Ptr, filters: number): number;

  // ---- Winograd transforms, real; points 0, ±1, ±2, ∞ on both axes ---------------------------------------------------------------
  // Transformed tiles lie in 36 planes (point (y, x) in plane 6y + x), `planeStride` elements apart, each [tiles, channels]. Channels are multiples of 4.
  // `workPtr`: 2048 bytes of scratch. Geometries: stride 1, no dilation, square kernel r of 3 or 5, channels dense; tile t of a batch's tiles (rows of
  // tiles, ⌈outH/m⌉ × ⌈outW/m⌉ an image, m = 7 − r) is the 6×6 pixels from (m·row − padTop, m·column − padLeft) on. Lines: d → Bᵀ·d =
  // (4d0−5d2+d4, (d4−4d2)±(d3−4d1), (d4−d2)±2(d3−d1), 4d1−5d3+d5); g → V·g = (g(0), g(1), g(−1), g(2), g(−2), leading) of the polynomial Σ gᵢ·tⁱ.
  /** out = Bᵀ·tile·B, pixels outside the image 0. */
  f32_winograd_gather(
    srcPtr: Ptr,
    outPtr: Ptr,
    geomPtr: Ptr,
    tileStart: number,
    tileCount: number,
    planeStride: number,
    workPtr: Ptr,
  ): void;
  /** As f32_winograd_gather from u8 codes, without the step. */
  u8_winograd_gather_f32(
    srcPtr: Ptr,
    outPtr: Ptr,
    geomPtr: Ptr,
    tileStart: number,
    tileCount: number,
    planeStride: number,
    workPtr: Ptr,
  ): void;
  /** Adjoint of f32_winograd_gather: adds B·points·Bᵀ into the image, tiles in increasing order. */
  f32_winograd_scatter(
    srcPtr: Ptr,
    imagePtr: Ptr,
    geomPtr: Ptr,
    tileStart: number,
    tileCount: number,
    planeStride: number,
    workPtr: Ptr,
  ): void;
  /** out = V·tile·Vᵀ of the n×n tiles (2 ≤ n ≤ 5) of images [height, width, channels], 0 beyond them; if scaled ≠ 0 times D(y)·D(x) with
   * D = (1/4, −1/6, −1/6, 1/24, 1/24, 1). */
  f32_winograd_expand(
    srcPtr: Ptr,
    outPtr: Ptr,
    height: number,
    width: number,
    channels: number,
    n: number,
    tileStart: number,
    tileCount: number,
    planeStride: number,
    scaled: number,
    workPtr: Ptr,
  ): void;
  /** Adjoint of the scaled f32_winograd_expand of `filters` tiles of n×n (3 or 5): out [filters, n, n, channels]. */
  f32_winograd_contract(
    srcPtr: Ptr,
    outPtr: Ptr,
    filters: number,
    channels: number,
    n: number,
    planeStride: number,
    workPtr: Ptr,
  ): void;

  // ---- stacks of small products, real: plane p of an operand begins p·stride elements after the first ----------------------------------
  /** Right operands [K,N] in panels of 8 columns for f32_planes_multiply: each plane becomes [⌈N/8⌉, K, 8], filled up with zeros. */
  f32_planes_pack(srcPtr: Ptr, outPtr: Ptr, planes: number, srcStride: number, K: number, N: number): void;
  /** c[M,N] = a[M,K] · packed, each sum in the order of k. `workPtr`: `f32_planes_work(K)` bytes. K ≥ 1. */
  f32_planes_multiply(
    aPtr: Ptr,
    packedPtr: Ptr,
    cPtr: Ptr,
    planes: number,
    aStride: number,
    cStride: number,
    M: number,
    N: number,
    K: number,
    workPtr: Ptr,
  ): void;
  /** Bytes of scratch that f32_planes_multiply needs. */
  f32_planes_work(K: number): number;
  /** c[M,N] += a[K,M]ᵀ · b[K,N], planes of c dense; the sum over k ≥ 1 is formed in order, then added. N is a
   * multiple of 4. `workPtr`: 160 bytes. */
  f32_planes_outer(
    aPtr: Ptr,
    bPtr: Ptr,
    cPtr: Ptr,
    planes: number,
    aStride: number,
    bStride: number,
    M: number,
    N: number,
    K: number,
    workPtr: Ptr,
  ): void;
}
