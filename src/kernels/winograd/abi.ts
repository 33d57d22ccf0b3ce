/** @file The kernels of this family: Winograd's algorithm, real; points 0, ±1, ±2, ∞ on both axes. */
import { kernel, result } from "../contract.js";
import { WORK } from "../split.js";
import { PANEL, TRANSFORM_WORK } from "./sizes.js";

/** Nanoseconds of a tile, for a channel and a filter: 36 products, and the transforms' share. */
const TILE = 3.5;

/** Transforms of weights, filter by filter. */
const TRANSFORM = {
  kind: "range",
  count: "filters",
  time: [20, "channels"],
  work: { ptr: "workPtr", bytes: TRANSFORM_WORK },
} as const;

const PARTS = {
  kind: "parts",
  parts: ["partStart", "partCount"],
  filters: ["filterStart", "filterCount"],
  time: [TILE, "batch", "tiles", "channels", "filters"],
  wide: 128 * 128,
  work: { ptr: "workPtr", bytes: "f32_winograd_bwd_weight_work" },
} as const;

/** Lines of the ABI. */
export const WINOGRAD = {
  // Transformed tiles lie in 36 planes (point (y, x) in plane 6y + x), each [tiles, channels]. Channels and filters are
  // multiples of 4. Geometries: stride 1, no dilation, square kernel r of 3 or 5, channels dense, padTop and padLeft of
  // any sign; tile t of a batch's tiles (rows of tiles, ⌈outH/m⌉ × ⌈outW/m⌉ an image, m = 7 − r) is the m×m outputs
  // from (m·row, m·column) on, and the 6×6 inputs from (m·row − padTop, m·column − padLeft) on, 0 outside the image.
  // Lines: d → Bᵀ·d = (4d0−5d2+d4, (d4−4d2)±(d3−4d1), (d4−d2)±2(d3−d1), 4d1−5d3+d5); g → V·g = (g(0), g(1), g(−1),
  // g(2), g(−2), leading) of the polynomial Σ gᵢ·tⁱ. D = (1/4, −1/6, −1/6, 1/24, 1/24, 1).
  /**
   * Tiles [filters, n, n, channels] (n 3 or 5) to points: out = D·V·tile·Vᵀ·D, planes `planeStride` elements apart.
   * `workPtr`: 2048 bytes.
   */
  f32_winograd_expand: kernel(["srcPtr", "outPtr", "filters", "channels", "n", "planeStride", "workPtr"], {
    ...TRANSFORM,
    moves: { srcPtr: [4, "n", "n", "channels"], outPtr: [4, "channels"] },
  }),
  /** Adjoint of f32_winograd_expand: out [filters, n, n, channels] from points. `workPtr`: 2048 bytes. */
  f32_winograd_contract: kernel(["srcPtr", "outPtr", "filters", "channels", "n", "planeStride", "workPtr"], {
    ...TRANSFORM,
    moves: { srcPtr: [4, "channels"], outPtr: [4, "n", "n", "channels"] },
  }),
  /**
   * Right operands [K,N] in panels of 8 columns for f32_winograd_conv, planes of the source `srcStride` elements apart:
   * each becomes [⌈N/8⌉, K, 8], filled up with zeros.
   */
  f32_planes_pack: kernel(["srcPtr", "outPtr", "planes", "srcStride", "K", "N"], {
    kind: "range",
    count: "planes",
    moves: { srcPtr: [4, "srcStride"], outPtr: [4, { up: "N", to: PANEL }, "K"] },
    time: [0.5, "K", "N"],
  }),
  /**
   * y = Vᵀ[(points) ⊙ (Bᵀ·x·B)]·V of tiles tileStart … tileStart + tileCount − 1, a convolution with the filters whose
   * points [36, channels, filters] are packed at `pointsPtr`; the sum over channels in order. y is the whole [batch,
   * outH, outW, filters]. Scratch: `f32_winograd_conv_work`.
   */
  f32_winograd_conv: kernel(["xPtr", "pointsPtr", "yPtr", "geomPtr", "filters", "tileStart", "tileCount", "workPtr"], {
    kind: "range",
    start: "tileStart",
    count: "tileCount",
    time: [TILE, "channels", "filters"],
    multiple: 20,
    work: { ptr: "workPtr", bytes: "f32_winograd_conv_work" },
  }),
  /** Bytes of scratch that f32_winograd_conv needs. */
  f32_winograd_conv_work: result(["geomPtr", "filters"], WORK),
  /**
   * Adds B·[(points) ⊙ (V·dy·Vᵀ)]·Bᵀ of images imageStart … into dx, tiles in increasing order: the adjoint of
   * f32_winograd_conv with the points [36, filters, channels] packed at `pointsPtr`; sums over filters in order.
   * Scratch: `f32_winograd_bwd_input_work`.
   */
  f32_winograd_bwd_input: kernel(
    ["dyPtr", "pointsPtr", "dxPtr", "geomPtr", "filters", "imageStart", "imageCount", "workPtr"],
    {
      kind: "range",
      start: "imageStart",
      count: "imageCount",
      time: [TILE, "tiles", "channels", "filters"],
      work: { ptr: "workPtr", bytes: "f32_winograd_bwd_input_work" },
    },
  ),
  /** Bytes of scratch that f32_winograd_bwd_input needs. */
  f32_winograd_bwd_input_work: result(["geomPtr", "filters"], WORK),
  /**
   * sums[part] = Σ (V·dy·Vᵀ) ⊙ (Bᵀ·x·B) over the part's tiles, ⌊tiles·part/parts⌋ up to the next part's first, in
   * blocks that depend on channels and filters alone: of sums [parts, 36, filters, channels] the parts and filters in
   * range. dy is [batch, outH, outW, filters]. Scratch: `f32_winograd_bwd_weight_work`.
   */
  f32_winograd_bwd_weight: kernel(
    [
      "xPtr",
      "dyPtr",
      "sumsPtr",
      "geomPtr",
      "filters",
      "parts",
      "partStart",
      "partCount",
      "filterStart",
      "filterCount",
      "workPtr",
    ],
    PARTS,
  ),
  /** As f32_winograd_bwd_weight from u8 codes, without the step. */
  u8_winograd_bwd_weight_f32: kernel(
    [
      "xPtr",
      "dyPtr",
      "sumsPtr",
      "geomPtr",
      "filters",
      "parts",
      "partStart",
      "partCount",
      "filterStart",
      "filterCount",
      "workPtr",
    ],
    PARTS,
  ),
  /** Bytes of scratch that the two above need. */
  f32_winograd_bwd_weight_work: result(["geomPtr", "filters"], WORK),
};
