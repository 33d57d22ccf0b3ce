/**
 * @file The kernels of this family: patches of windows, and convolutions: products with patches that are never all
 * written out.
 */
import { kernel, result } from "../contract.js";
import { WORK } from "../split.js";

const ROWS = { kind: "range", start: "rowStart", count: "rowCount" } as const;
const WORKSPACE = { ptr: "workPtr", bytes: "f32_conv_work" } as const;

/**
 * Filters, each of which sums over all positions as before. Every chunk gathers the patches anew: few, unless there are
 * few filters.
 */
const FILTERS = {
  kind: "range",
  count: "filters",
  moves: { dyPtr: 4, dwPtr: [4, "patch"] },
  time: [0.05, "patch", "rowCount"],
  multiple: [8, 16],
  work: WORKSPACE,
} as const;

/** Lines of the output. */
const LINES = {
  kind: "range",
  start: "lineStart",
  count: "lineCount",
  moves: { cPtr: [4, "filters", "outW"] },
} as const;

/** Lines of the output of a filter for each channel. */
const CHANNEL_LINES = {
  kind: "range",
  start: "lineStart",
  count: "lineCount",
  moves: { cPtr: [4, "channels", "outW"] },
} as const;
const CHANNEL_WORK = { ptr: "workPtr", bytes: "u8_depthwise_work" } as const;

/** Taps, each of which sums over all positions. */
const TAPS = {
  kind: "range",
  start: "tapStart",
  count: "tapCount",
  time: [0.3, "rowCount", "channels"],
} as const;

/** Lines of the ABI. */
export const CONV = {
  /**
   * Patches of rows [rowStart, rowStart+rowCount) of the batch·outH·outW output positions: out [rowCount,
   * kernelH·kernelW·channels] (tap-major, channel fastest), 0 where padded. `srcPtr` points at the group's first
   * channel of the first image.
   */
  f32_im2col: kernel(["srcPtr", "outPtr", "geomPtr", "rowStart", "rowCount"], {
    ...ROWS,
    moves: { outPtr: [4, "patch"] },
    time: [0.35, "patch"],
    multiple: 16,
  }),
  /** As f32_im2col from u8 codes to real, without the step. */
  u8_im2col_f32: kernel(["srcPtr", "outPtr", "geomPtr", "rowStart", "rowCount"], {
    ...ROWS,
    moves: { outPtr: [4, "patch"] },
    time: [0.35, "patch"],
    multiple: 16,
  }),
  /** As f32_im2col from u8 to u8, rows padded with zeros to `rowStride` bytes. */
  u8_im2col: kernel(["srcPtr", "outPtr", "geomPtr", "rowStart", "rowCount", "rowStride"], {
    ...ROWS,
    moves: { outPtr: ["rowStride"] },
    time: [0.1, "patch"],
    multiple: 16,
  }),
  /** Adjoint of f32_im2col: adds patches into the image. Rows in increasing order. */
  f32_col2im: kernel(["colsPtr", "imagePtr", "geomPtr", "rowStart", "rowCount"], {
    ...ROWS,
    together: ["positions"],
    moves: { colsPtr: [4, "patch"] },
    time: [0.4, "patch"],
  }),
  /**
   * y[r,o] = Σ patch of position rowStart+r · w[o,:], r < rowCount: the bits of f32_im2col and f32_gemm(transB). w is
   * [filters, kernelH·kernelW·channels]; rows of y (rowStart's first) are `yStride` apart. `xPtr` as in f32_im2col.
   * `workPtr`: scratch of `f32_conv_work(geomPtr, filters)` bytes.
   */
  f32_conv: kernel(["xPtr", "wPtr", "yPtr", "geomPtr", "filters", "yStride", "rowStart", "rowCount", "workPtr"], {
    ...ROWS,
    moves: { yPtr: [4, "yStride"] },
    time: [0.05, "patch", "filters"],
    multiple: 40,
    work: WORKSPACE,
  }),
  /** As f32_conv from u8 codes, without the step. */
  u8_conv_f32: kernel(["xPtr", "wPtr", "yPtr", "geomPtr", "filters", "yStride", "rowStart", "rowCount", "workPtr"], {
    ...ROWS,
    moves: { yPtr: [4, "yStride"] },
    time: [0.05, "patch", "filters"],
    multiple: 40,
    work: WORKSPACE,
  }),
  /**
   * dw[o,k] += Σ dy[r,o] · patch of position rowStart+r [k], summed in blocks of rows that depend on the patch length
   * alone. Rows of dy (rowStart's first) are `dyStride` apart. Scratch as f32_conv.
   */
  f32_conv_bwd_weight: kernel(
    ["xPtr", "dyPtr", "dwPtr", "geomPtr", "filters", "dyStride", "rowStart", "rowCount", "workPtr"],
    FILTERS,
  ),
  /** As f32_conv_bwd_weight from u8 codes, without the step. */
  u8_conv_bwd_weight_f32: kernel(
    ["xPtr", "dyPtr", "dwPtr", "geomPtr", "filters", "dyStride", "rowStart", "rowCount", "workPtr"],
    FILTERS,
  ),
  /**
   * dx += patches' gradients dy[r,:]·w of the first `imageCount` images, position by position in order; dx and dy begin
   * with them. w as in f32_conv. Rows of dy are `dyStride` apart, pixels of dx the geometry's channelStride. Scratch as
   * f32_conv.
   */
  f32_conv_bwd_input: kernel(["dyPtr", "wPtr", "dxPtr", "geomPtr", "filters", "dyStride", "imageCount", "workPtr"], {
    kind: "range",
    count: "imageCount",
    moves: { dyPtr: [4, "positions", "dyStride"], dxPtr: [4, "inH", "inW", "channelStride"] },
    time: [0.06, "positions", "patch", "filters"],
    work: WORKSPACE,
  }),
  /** Bytes of scratch that the five above need. */
  f32_conv_work: result(["geomPtr", "filters"], WORK),
  /**
   * Packs rows of i8 weights [filters, runs·run] for `u8_i8_conv`: 16 bytes that begin with their largest magnitude as
   * i32, then i8 [filters/8][runs][run/4][8][4], filters and runs padded with zeros up to whole blocks.
   */
  i8_quad_pack: kernel(["weightsPtr", "outPtr", "filters", "runs", "run"], null),
  /**
   * Σ of products over the patches of output lines [lineStart, lineStart + lineCount) of batch·outH: C [lineCount·outW,
   * filters], of u8 images and weights that `i8_quad_pack` made of rows [kernelH, kernelW·channels]. C is i32, or, if
   * real ≠ 0, its 4 bytes are f32, rounded once. Needs channels = channelStride and dilationW = 1. Exact: |sum| must
   * stay below 2^31. `workPtr`: `u8_i8_conv_work(geom)` bytes.
   */
  u8_i8_conv: kernel(
    ["xPtr", "weightsPtr", "cPtr", "geomPtr", "lineStart", "lineCount", "filters", "real", "workPtr"],
    { ...LINES, time: [0.03, "patch", "filters", "outW"], work: { ptr: "workPtr", bytes: "u8_i8_conv_work" } },
  ),
  /** Bytes of scratch that `u8_i8_conv` needs. */
  u8_i8_conv_work: result(["geomPtr"], WORK),
  /**
   * The same over the patches of output lines [lineStart, lineStart + lineCount) of batch·outH: C [lineCount·outW,
   * filters], weights packed from rows [kernelH·kernelW·channels]. Needs channels = channelStride, a multiple of 16,
   * dilationW = 1, and kernelW·channels ≤ 4368.
   */
  u4_lut_conv: kernel(
    [
      "xPtr",
      "weightsPtr",
      "cPtr",
      "geomPtr",
      "lineStart",
      "lineCount",
      "filters",
      "offset",
      "planes",
      "real",
      "workPtr",
    ],
    { ...LINES, time: [0.012, "patch", "filters", "outW"], work: { ptr: "workPtr", bytes: "u4_lut_conv_work" } },
  ),
  /** Bytes of scratch that `u4_lut_conv` needs. */
  u4_lut_conv_work: result(["geomPtr"], WORK),
  /**
   * A filter for each channel (channels = channelStride): C[r,c] = Σ_t x of tap t, channel c · w[c,t], r over output lines
   * [lineStart, lineStart + lineCount) of batch·outH, C [lineCount·outW, channels]. Weights are pairs of taps as
   * `pairTaps` makes them. C is i32, or f32 if real ≠ 0. Exact: |sum| must stay below 2^31 (2^24 if real).
   * `workPtr`: `u8_depthwise_work(geom)` bytes.
   */
  u8_depthwise: kernel(["xPtr", "weightsPtr", "cPtr", "geomPtr", "lineStart", "lineCount", "real", "workPtr"], {
    ...CHANNEL_LINES,
    time: [0.1, "patch", "outW"],
    work: CHANNEL_WORK,
  }),
  /** The same of f32, weights [taps, channels]: products in f32, their sum in f64, tap by tap, rounded once. */
  f32_depthwise: kernel(["xPtr", "weightsPtr", "cPtr", "geomPtr", "lineStart", "lineCount", "workPtr"], {
    ...CHANNEL_LINES,
    time: [0.3, "patch", "outW"],
    work: CHANNEL_WORK,
  }),
  /**
   * dx += dy·w of the first `imageCount` images, for each pixel in the order of outputs; weights [taps, channels]. Scratch
   * as f32_depthwise.
   */
  f32_depthwise_bwd_input: kernel(["dyPtr", "weightsPtr", "dxPtr", "geomPtr", "imageCount", "workPtr"], {
    kind: "range",
    count: "imageCount",
    moves: { dyPtr: [4, "positions", "channels"], dxPtr: [4, "inH", "inW", "channels"] },
    time: [0.2, "positions", "patch"],
    work: CHANNEL_WORK,
  }),
  /**
   * dw[t,c] += Σ dy[r,c] · x of tap t, channel c at position rowStart+r, r < rowCount, for taps [tapStart, tapStart +
   * tapCount): in f64, in blocks of as many rows as f32_sum has for columns [taps·channels]. Rows of dy begin with
   * rowStart's.
   */
  f32_depthwise_bwd_weight: kernel(
    ["xPtr", "dyPtr", "dwPtr", "geomPtr", "rowStart", "rowCount", "tapStart", "tapCount"],
    TAPS,
  ),
  /** As f32_depthwise_bwd_weight from u8 codes, without the step. */
  u8_depthwise_bwd_weight_f32: kernel(
    ["xPtr", "dyPtr", "dwPtr", "geomPtr", "rowStart", "rowCount", "tapStart", "tapCount"],
    TAPS,
  ),
  /** Bytes of scratch that depthwise convolutions need. */
  u8_depthwise_work: result(["geomPtr"], WORK),
};
