/**
 * @file Gradients of square stride-1 convolutions by Winograd's algorithm: 36 products per tile of 4×4 outputs (3×3 taps, instead of 144) or
 * 2×2 outputs (5×5 taps, instead of 100).
 *
 * Forward does not use it: there an exact sum of integers must come out exact. Tiles are handled in chunks that depend on the extents alone.
 */
import { bytesPer } from "../core/dtype.js";
import { kernelsFor } from "../kernels/engine.js";
import type { NDArray } from "./ndarray.js";
import { withScratch } from "./scratch.js";
import { type Convolution, type Geometry, positions, taps, withGeometry } from "./window.js";

/** Points of a tile's transform. */
const POINTS = 36;
/** Bytes of scratch of the transforms. */
const TRANSFORM_WORK = 2048;
/** Elements between the ends of one plane and the next: keeps equal places of planes out of the same cache set. */
const SKEW = 16;

function tilesOf(g: Geometry): number {
  const m = 7 - g.kernelH;
  return g.batch * Math.ceil(g.outH / m) * Math.ceil(g.outW / m);
}

/** Whether the gradients of this convolution come by tiles: it fits the transforms and at least halves the products. */
export function suitsWinograd({ geometry: g, groups }: Convolution, filters: number): boolean {
  return (
    groups === 1 &&
    g.kernelH === g.kernelW &&
    (g.kernelH === 3 || g.kernelH === 5) &&
    g.strideH * g.strideW * g.dilationH * g.dilationW === 1 &&
    g.channels % 4 === 0 &&
    filters % 4 === 0 &&
    g.channels >= 8 &&
    filters >= 8 &&
    2 * POINTS * tilesOf(g) <= positions(g) * taps(g)
  );
}

/** Runs `fn` over the tiles in chunks of at most `size`. */
function eachChunk(tiles: number, size: number, fn: (start: number, count: number) => void): void {
  for (let start = 0; start < tiles; start += size) fn(start, Math.min(size, tiles - start));
}

/**
 * Adds the gradient for the input into zeroed `dx`: dx = Σ over tiles of B·[(D·V·w) ⊙ (V·dy)].
 *
 * @param dy [N,outH,outW,O]
 * @param packed [O,Kh,Kw,C]
 */
export function winogradBackwardInput(dy: NDArray, packed: NDArray, dx: NDArray, { geometry: g }: Convolution): void {
  const kernels = kernelsFor(dy.dtype);
  const bytes = bytesPer(dy.dtype);
  const [filters, r] = packed.shape;
  const { channels } = g;
  const tiles = tilesOf(g);
  const size = Math.min(tiles, 20 * Math.max(1, Math.floor(CHUNK_INPUT / (filters + channels) / 20)));
  const [inStride, outStride] = [size * filters + SKEW, size * channels + SKEW];
  const weights = filters * channels;
  const panels = Math.ceil(channels / 8) * 8 * filters;
  const points = POINTS * bytes;
  withGeometry(g, (geom) =>
    withScratch(points * panels, (packedPoints) =>
      withScratch(TRANSFORM_WORK + kernels.f32_planes_work(filters), (work) => {
        withScratch(points * (weights + SKEW), (plain) => {
          const stride = weights + SKEW;
          kernels.f32_winograd_expand(packed.ptr, plain, r, r, channels, r, 0, filters, stride, 1, work);
          kernels.f32_planes_pack(plain, packedPoints, POINTS, stride, filters, channels);
        });
        withScratch(points * inStride, (gradients) =>
          withScratch(points * outStride, (products) =>
            eachChunk(tiles, size, (start, count) => {
              const m = 7 - r;
              kernels.f32_winograd_expand(
                ...([dy.ptr, gradients, g.outH, g.outW, filters, m, start, count, inStride, 0, work] as const),
              );
              kernels.f32_planes_multiply(
                ...([gradients, packedPoints, products, POINTS, inStride, outStride] as const),
                ...([count, channels, filters, work] as const),
              );
              kernels.f32_winograd_scatter(products, dx.ptr, geom, start, count, outStride, work);
            }),
          ),
        );
      }),
    ),
  );
}

/** Elements of one plane of a chunk, dy and dx together. */
const CHUNK_INPUT = 2048;
/** Elements of one plane of a chunk, of the larger of x and dy. Larger ones lose more to the caches than they save. */
const CHUNK_WEIGHT = 1024;

/**
 * The gradient for the weights: dw = Vᵀ·D·Σ over tiles of (V·dy) ⊙ (Bᵀ·x). From codes, without their step.
 *
 * @param x [N,H,W,C], real or u8
 * @param dy [N,outH,outW,O]
 * @param dw written, [O,Kh,Kw,C]
 */
export function winogradBackwardWeight(x: NDArray, dy: NDArray, dw: NDArray, { geometry: g }: Convolution): void {
  const kernels = kernelsFor(dy.dtype);
  const bytes = bytesPer(dy.dtype);
  const [filters, r] = dw.shape;
  const { channels } = g;
  const tiles = tilesOf(g);
  const size = Math.min(
    tiles,
    4 * Math.max(4, Math.min(64, Math.floor(CHUNK_WEIGHT / Math.max(filters, channels) / 4))),
  );
  const [xStride, dyStride] = [size * channels + SKEW, size * filters + SKEW];
  const weights = filters * channels;
  const points = POINTS * bytes;
  const gather = x.dtype === "u8" ? "u8_winograd_gather_f32" : "f32_winograd_gather";
  withGeometry(g, (geom) =>
    withScratch(points * weights, (sums) =>
      withScratch(TRANSFORM_WORK, (work) => {
        kernels.f32_fill(sums, POINTS * weights, 0);
        withScratch(points * xStride, (inputs) =>
          withScratch(points * dyStride, (gradients) =>
            eachChunk(tiles, size, (start, count) => {
              kernels.f32_winograd_expand(
                ...([dy.ptr, gradients, g.outH, g.outW, filters, 7 - r, start, count, dyStride, 0, work] as const),
              );
              kernels[gather](x.ptr, inputs, geom, start, count, xStride, work);
              kernels.f32_planes_outer(
                ...([gradients, inputs, sums, POINTS, dyStride, xStride, filters, channels, count, work] as const),
              );
            }),
          ),
        );
        kernels.f32_winograd_contract(sums, dw.ptr, filters, channels, r, weights, work);
      }),
    ),
  );
}
