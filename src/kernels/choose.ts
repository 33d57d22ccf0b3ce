/**
 * @file Which algorithm computes a convolution: the one rule, for training and for the packed runtime. It looks at
 * extents and codes alone, not at the engine: results have the same bits on each.
 */
import { MAX_PATCH } from "../codes/sums.js";
import type { GEOMETRY_FIELDS } from "./geometry.js";
import { type BitPlanes, bitPlanes, LOOKUP_TOP } from "./lookup.js";
import { LOOKUP_RUN } from "./products/sizes.js";
import { POINTS } from "./winograd/sizes.js";

/** Extents of a window operation; see the kernel ABI. */
export type Geometry = Readonly<Record<(typeof GEOMETRY_FIELDS)[number], number>>;

/** A convolution: windows over one group's channels, and how many groups there are. `geometry.channels` = I/groups. */
export interface Convolution {
  /** Extents, strides and padding. */
  readonly geometry: Geometry;
  /** Groups of channels that do not see each other. */
  readonly groups: number;
}

/** What is computed: the output, the gradient for the input, or that for the weights. */
export type Pass = "output" | "input" | "weight";

/** Products of real weights (or gradients). */
export interface RealOperands {
  /** The input holds u8 codes, multiplied as the whole numbers that they are. */
  readonly codedInput?: boolean;
  /** Outputs may be rounded otherwise than by one sum in the order of taps and channels; gradients always may. */
  readonly fast?: boolean;
}

/**
 * An algorithm that forms every output as one sum in the order of taps and channels. `depthwise`: all channels at once,
 * tap by tap. `pixels`: one matrix product, patches being the pixels. `patches`: products with patches.
 */
export type DirectAlgorithm = "depthwise" | "pixels" | "patches";

/**
 * An algorithm for real weights. `winograd`: by tiles; `winogradAdjoint`: the gradient for the input by the tiles of
 * the output.
 */
export type RealAlgorithm = DirectAlgorithm | "winograd" | "winogradAdjoint";

/** Products of u8 activation codes and i8 weight codes. */
export interface CodeOperands {
  /**
   * The or of all (weight code + `LOOKUP_OFFSET`), low byte, as kernel `i8_bits` gives it. Asked for if the answer
   * matters.
   */
  weightBits(): number;
  /** A bound of the activation codes. Asked for if the answer matters. */
  top(): number;
}

/**
 * An algorithm for codes: tables of sums of 4-bit codes, or products of bytes; from the image itself or from patches.
 * `channels`: one filter a channel, all channels of a pixel at once.
 */
export type CodeAlgorithm =
  | { readonly by: "channels"; readonly from: "image" }
  | { readonly by: "lookup"; readonly from: "image" | "patches"; readonly planes: BitPlanes }
  | { readonly by: "bytes"; readonly from: "image" | "patches" };

/** Taps of the window. */
function tapsOf({ kernelH, kernelW }: Geometry): number {
  return kernelH * kernelW;
}

/** True if patches are the pixels themselves, all channels of them. */
export function takesPixels({ geometry: g, groups }: Convolution): boolean {
  const still = g.strideH === 1 && g.strideW === 1 && g.padTop === 0 && g.padLeft === 0;
  return groups === 1 && tapsOf(g) === 1 && still && g.outH === g.inH && g.outW === g.inW;
}

/** The direct algorithm for a convolution with real weights. */
export function chooseDirect(conv: Convolution, codedInput = false): DirectAlgorithm {
  if (conv.groups > 1 && conv.geometry.channels === 1) return "depthwise";
  return takesPixels(conv) && !codedInput ? "pixels" : "patches";
}

/** Winograd's tiles of images of some extents. */
function tilesOver({ batch, kernelH }: Geometry, height: number, width: number): number {
  const side = 7 - kernelH;
  return batch * Math.ceil(height / side) * Math.ceil(width / side);
}

/** Winograd's tiles of the output. */
export function winogradTiles(geometry: Geometry): number {
  return tilesOver(geometry, geometry.outH, geometry.outW);
}

/** True if a convolution fits Winograd's transforms, and they at least halve its products. */
export function suitsWinograd({ geometry: g, groups }: Convolution, filters: number): boolean {
  const square = g.kernelH === g.kernelW && (g.kernelH === 3 || g.kernelH === 5);
  const dense = groups === 1 && g.strideH * g.strideW * g.dilationH * g.dilationW === 1;
  const wide = g.channels % 4 === 0 && filters % 4 === 0 && g.channels >= 8 && filters >= 8;
  const products = g.batch * g.outH * g.outW * tapsOf(g);
  return square && dense && wide && 2 * POINTS * winogradTiles(g) <= products;
}

/**
 * How many times more tiles the convolution may have than the adjoint, which writes twice as much and cannot split an
 * image.
 */
const ADJOINT_TILES = 1.2;

/** The algorithm for a convolution with real weights. @param filters output channels */
export function chooseReal(
  conv: Convolution,
  filters: number,
  pass: Pass,
  { codedInput = false, fast = false }: RealOperands = {},
): RealAlgorithm {
  const direct = chooseDirect(conv, codedInput);
  const { geometry } = conv;
  const rounds = pass !== "output" || (fast && !codedInput);
  if (direct !== "patches" || !rounds || !suitsWinograd(conv, filters)) return direct;
  const turned = tilesOver(geometry, geometry.inH, geometry.inW);
  return pass === "input" && turned > ADJOINT_TILES * winogradTiles(geometry) ? "winogradAdjoint" : "winograd";
}

/** Below this many products a sum, f32 is as fast and needs no padding. */
const LEAST_PATCH = 16;

/** True if tables cost less than they save: a tile is 16 filters, used or not. */
function lookupPays(filters: number, patch: number): boolean {
  return filters >= 12 && patch >= 16;
}

/** True if the kernels that walk an image take a window, and their tiles of 4 columns are at least ¾ full. */
function walksImage({ dilationW, outW }: Geometry): boolean {
  return dilationW === 1 && 4 * outW >= 3 * (4 * Math.ceil(outW / 4));
}

/** True if each channel has one filter. @param channels of a group */
function walksChannels(channels: number, groups: number, filters: number): boolean {
  return channels === 1 && groups > 1 && filters === groups;
}

/**
 * True if sums in f32 of a convolution of codes are taken as well, or alone, from reals: asked before
 * {@link chooseCodes}.
 * @param filters output channels
 */
export function realsSuffice({ geometry, groups }: Convolution, filters: number): boolean {
  const patch = tapsOf(geometry) * geometry.channels;
  if (walksChannels(geometry.channels, groups, filters)) return patch > MAX_PATCH;
  return groups > 1 || patch < LEAST_PATCH || patch > MAX_PATCH;
}

/**
 * The algorithm for a convolution with weight codes. A fully connected layer is one of 1×1 pixels.
 * @param filters output channels
 */
export function chooseCodes({ geometry, groups }: Convolution, filters: number, codes: CodeOperands): CodeAlgorithm {
  const { kernelW, channels } = geometry;
  if (walksChannels(channels, groups, filters)) return { by: "channels", from: "image" };
  const patch = tapsOf(geometry) * channels;
  if (groups > 1) return { by: "bytes", from: "patches" };
  const planes = lookupPays(filters, patch) ? bitPlanes(codes.weightBits()) : null;
  if (planes === null || codes.top() > LOOKUP_TOP) {
    return { by: "bytes", from: walksImage(geometry) ? "image" : "patches" };
  }
  const fits = channels % 16 === 0 && kernelW * channels <= LOOKUP_RUN;
  return { by: "lookup", from: fits && walksImage(geometry) ? "image" : "patches", planes };
}
