/**
 * @file Accumulators of a quantized layer, Σ code_x·code_w: the kernel that suits its weights, codes and window, chosen
 * once at load.
 */
import { type PlanWindow, windowExtents } from "../format/window.js";
import type { Ptr } from "../kernels/abi.js";
import { quadBytes } from "../kernels/byte-conv.js";
import { chooseCodes, takesPixels } from "../kernels/choose.js";
import { pairTaps } from "../kernels/depthwise.js";
import { allocator, heap, kernelsFor } from "../kernels/engine.js";
import { type BitPlanes, LOOKUP_OFFSET, packedBytes } from "../kernels/lookup.js";
import type { Constant, Constants } from "./constants.js";
import { convolutionOf, type WorkKernel, workOf } from "./step.js";

/** Rows of a tile come in multiples of this, so that the product's tiles are full. */
const TILE_ROWS = 16;
/** Output lines of a tile come in multiples of this; the kernels prepare as many at once. */
const TILE_LINES = 8;

/** A quantized layer as a convolution. */
export interface Layer {
  readonly window: PlanWindow;
  /** [h, w, channels] */
  readonly image: readonly number[];
  readonly groups: number;
  readonly out: number;
  /** i8 codes [out, patch] */
  readonly codes: Int8Array;
  /** Largest input code. */
  readonly top: number;
}

/** How a layer's accumulators are made. */
export interface Product {
  /** Rows that begin at `first` to make at a time so that what is written takes about `bytes`; `rows` in all. */
  tile(first: number, rows: number, bytes: number): number;
  /** Bytes of workspaces for tiles of at most `rows`. */
  scratch(rows: number): readonly number[];
  /**
   * Accumulators [count, out] (i32) of rows [first, first + count). `scratch` begins with the accumulators' own space;
   * then come the workspaces.
   */
  run(x: Ptr, acc: Ptr, first: number, count: number, geometry: Ptr, scratch: readonly Ptr[]): void;
}

/** Inputs of one output. */
function patchOf({ window, image, groups }: Layer): number {
  return (window.kernel[0] * window.kernel[1] * image[2]) / groups;
}

/** Rows of `bytes` each that fill a tile. */
function rowsOfTile(first: number, rows: number, bytes: number, width: number): number {
  const fit = Math.floor(bytes / width / TILE_ROWS) * TILE_ROWS;
  return Math.min(rows - first, Math.max(TILE_ROWS, fit));
}

/** True if a row of patches is a row of pixels. */
function isDirect({ window, image, groups }: Layer): boolean {
  return takesPixels(convolutionOf(window, image, groups));
}

/** The product for a layer. */
export function productOf(layer: Layer, constants: Constants): Product {
  const { window, image, groups, out, codes, top } = layer;
  const way = chooseCodes(convolutionOf(window, image, groups), out, {
    weightBits: () => bitsOf(codes),
    top: () => top,
  });
  if (way.by === "channels") return byChannels(layer, constants);
  if (way.by !== "lookup") {
    return way.from === "image" ? byBytesOfPixels(layer, constants) : byBytes(layer, constants);
  }
  const packed = packedWeights(layer, way.planes, constants);
  return way.from === "image"
    ? byLookupOfPixels(layer, way.planes, packed)
    : byLookupOfPatches(layer, way.planes, packed);
}

/** What kernel `i8_bits` gives. */
function bitsOf(codes: Int8Array): number {
  return codes.reduce((bits, code) => bits | (code + LOOKUP_OFFSET), 0) & 255;
}

function packedWeights(layer: Layer, planes: BitPlanes, constants: Constants): Constant {
  const { out, codes } = layer;
  const patch = patchOf(layer);
  return constants.add(packedBytes(out, patch, planes), (ptr) =>
    withCodes(codes, (rows) => kernelsFor("f32").i8_lut_pack(rows, ptr, out, patch, patch, planes.offset, planes.mask)),
  );
}

/** Runs `fn` with codes in the heap. */
function withCodes(codes: Int8Array, fn: (rows: Ptr) => void): void {
  const rows = allocator().allocate(codes.length);
  heap().i8(rows, codes.length).set(codes);
  fn(rows);
  allocator().free(rows, codes.length);
}

/** How a kernel that walks output lines is told which of them: lines [first, first + count) and its workspace. */
type Lines = (x: Ptr, acc: Ptr, geometry: Ptr, first: number, count: number, work: Ptr) => void;

/** A product whose tiles are whole lines, as many images as fit or bands of one. */
function byLines({ window, image, out }: Layer, kernel: WorkKernel, multiply: Lines): Product {
  const [outH, outW] = windowExtents(window, image[0], image[1]);
  const work = workOf(kernel, window, image);
  return {
    tile(first, rows, bytes) {
      const lines = Math.max(1, Math.floor(bytes / (4 * out * outW)));
      if (lines >= outH) return Math.min(rows - first, Math.floor(lines / outH) * outH * outW);
      const left = outH - ((first / outW) % outH);
      return Math.min(left, Math.max(TILE_LINES, Math.floor(lines / TILE_LINES) * TILE_LINES)) * outW;
    },
    scratch: () => [work],
    run: (x, acc, first, count, geom, [, space]) => multiply(x, acc, geom, first / outW, count / outW, space),
  };
}

/** 4-bit codes, tables made once for each pixel. */
function byLookupOfPixels(layer: Layer, { offset, mask }: BitPlanes, packed: Constant): Product {
  const kernels = kernelsFor("f32");
  const { out } = layer;
  return byLines(layer, "u4_lut_conv_work", (x, acc, geometry, first, count, work) =>
    kernels.u4_lut_conv(x, packed(), acc, geometry, first, count, out, offset, mask, 0, work),
  );
}

/** Codes and weights of any size, without patches. */
function byBytesOfPixels(layer: Layer, constants: Constants): Product {
  const kernels = kernelsFor("f32");
  const { window, image, out, codes } = layer;
  const [runs, run] = [window.kernel[0], window.kernel[1] * image[2]];
  const packed = constants.add(quadBytes(out, runs, run), (ptr) =>
    withCodes(codes, (rows) => kernels.i8_quad_pack(rows, ptr, out, runs, run)),
  );
  return byLines(layer, "u8_i8_conv_work", (x, acc, geometry, first, count, work) =>
    kernels.u8_i8_conv(x, packed(), acc, geometry, first, count, out, 0, work),
  );
}

/** One filter a channel. */
function byChannels(layer: Layer, constants: Constants): Product {
  const kernels = kernelsFor("f32");
  const pairs = constants.u8(pairTaps(layer.codes, layer.out));
  return byLines(layer, "u8_depthwise_work", (x, acc, geometry, first, count, work) =>
    kernels.u8_depthwise(x, pairs(), acc, geometry, first, count, 0, work),
  );
}

/** 4-bit codes, tables made of patches. */
function byLookupOfPatches(layer: Layer, { offset, mask }: BitPlanes, packed: Constant): Product {
  const kernels = kernelsFor("f32");
  const patch = patchOf(layer);
  const direct = isDirect(layer);
  const { out } = layer;
  const work = kernels.u4_lut_gemm_work();
  return {
    tile: (first, rows, bytes) => rowsOfTile(first, rows, bytes, Math.max(patch, 4 * out)),
    scratch: (rows) => [work, direct ? 0 : rows * patch],
    run(x, acc, first, count, geometry, [, space, patches]) {
      if (!direct) kernels.u8_im2col(x, patches, geometry, first, count, patch);
      const a = direct ? x + first * patch : patches;
      kernels.u4_lut_gemm(a, packed(), acc, count, out, patch, patch, offset, mask, 0, space);
    },
  };
}

/** Codes and weights of any size. Rows of weights are padded with zeros to a multiple of 16 bytes. */
function byBytes(layer: Layer, constants: Constants): Product {
  const kernels = kernelsFor("f32");
  const { image, groups, out, codes } = layer;
  const patch = patchOf(layer);
  const stride = Math.ceil(patch / 16) * 16;
  const filters = out / groups;
  const weights = constants.i8Rows(codes, patch, stride);
  // Pixels of 16·n channels are patches as they lie.
  const direct = isDirect(layer) && stride === patch;
  return {
    tile: (first, rows, bytes) => rowsOfTile(first, rows, bytes, Math.max(stride, 4 * out)),
    scratch: (rows) => [direct ? 0 : rows * stride, groups === 1 ? 0 : 4 * rows * filters, 4 * 4],
    run(x, acc, first, count, geometry, [, patches, part, extents]) {
      for (let group = 0; group < groups; group++) {
        if (!direct) {
          const from = x + (group * image[2]) / groups;
          kernels.u8_im2col(from, patches, geometry, first, count, stride);
        }
        const a = direct ? x + first * patch : patches;
        const b = weights() + group * filters * stride;
        kernels.u8_i8_gemm(a, b, groups === 1 ? acc : part, count, filters, patch, stride, stride);
        if (groups > 1) {
          heap().i32(extents, 4).set([count, filters, out, 1]);
          kernels.b32_strided_scatter(part, acc + 4 * group * filters, 2, extents);
        }
      }
    },
  };
}
