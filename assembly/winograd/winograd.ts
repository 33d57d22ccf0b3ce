/**
 * @file Convolution and its gradient for the weights by Winograd's algorithm with the six points 0, ±1, ±2, ∞, on NHWC
 * images.
 *
 * y = Vₘᵀ[(D·Vᵣ·w) ⊙ (Bᵀ·d)] is the correlation of six inputs d with r taps w, m + r = 7, where Vₙ evaluates a
 * polynomial of n coefficients at the points and D = diag(¼, −⅙, −⅙, 1⁄24, 1⁄24, 1). Gradients have its factors the
 * other way round: dx = B[(D·V·w) ⊙ (V·dy)] (tiles that overlap are added), dw = Vᵣᵀ·D·Σ (Vₘ·dy) ⊙ (Bᵀ·x). Tiles are
 * taken in blocks whose planes stay in the second-level cache.
 */
import { POINTS, SUM_ELEMENTS, SUM_LEAST_FOURS, SUM_MOST_FOURS } from "../../src/kernels/winograd/sizes";
import { batchOf, channelsOf, kernelHOf, outHOf, outWOf } from "../shared/geometry";
import { multiplyPlanes, outerPlanes, planesWork } from "./planes";
import { scatterTiles } from "./scatter";
import { contractFilters, contractTiles, expandTiles, gatherTiles, stripBytes, TILE_WORK } from "./tiles";


/** Elements between the ends of one plane and the next: keeps equal places of planes out of the same cache set. */
const SKEW: i32 = 16;

// @ts-ignore: decorator
@inline
function tilesOf(g: usize): i32 {
  const m = 7 - kernelHOf(g);
  return batchOf(g) * ((outHOf(g) + m - 1) / m) * ((outWOf(g) + m - 1) / m);
}

export function f32_winograd_expand(
  srcPtr: usize,
  outPtr: usize,
  filters: i32,
  channels: i32,
  n: i32,
  planeStride: i32,
  workPtr: usize,
): void {
  expandTiles(srcPtr, outPtr, n, n, channels, 0, channels, n, 0, filters, <usize>planeStride << 2, true, workPtr);
}

export function f32_winograd_contract(
  srcPtr: usize,
  outPtr: usize,
  filters: i32,
  channels: i32,
  n: i32,
  planeStride: i32,
  workPtr: usize,
): void {
  contractFilters(srcPtr, outPtr, filters, channels, n, <usize>planeStride << 2, workPtr);
}

// ---- convolution
// ----------------------------------------------------------------------------------------------------------------

/** Elements of one plane of a block, inputs and products together. */
const BLOCK_PRODUCTS: i32 = 2048;

/** Tiles of a block, a multiple of 20 unless there are fewer. */
// @ts-ignore: decorator
@inline
function productTiles(channels: i32, filters: i32): i32 {
  return 20 * max(1, BLOCK_PRODUCTS / (channels + filters) / 20);
}

export function f32_winograd_conv_work(geomPtr: usize, filters: i32): i32 {
  const channels = channelsOf(geomPtr);
  const tiles = min(tilesOf(geomPtr), productTiles(channels, filters));
  const planes = 4 * POINTS * (tiles * (channels + filters) + 2 * SKEW);
  return planes + TILE_WORK + planesWork(channels) + stripBytes(geomPtr);
}

export function f32_winograd_conv(
  xPtr: usize,
  pointsPtr: usize,
  yPtr: usize,
  geomPtr: usize,
  filters: i32,
  tileStart: i32,
  tileCount: i32,
  workPtr: usize,
): void {
  const channels = channelsOf(geomPtr);
  const size = min(tilesOf(geomPtr), productTiles(channels, filters));
  const xStride = size * channels + SKEW;
  const yStride = size * filters + SKEW;
  const inputs = workPtr + <usize>TILE_WORK;
  const products = inputs + <usize>(4 * POINTS * xStride);
  const strip = products + <usize>(4 * POINTS * yStride);
  const panels = strip + <usize>stripBytes(geomPtr);
  for (let start = 0; start < tileCount; start += size) {
    const tile = tileStart + start;
    const count = min(size, tileCount - start);
    gatherTiles(false, xPtr, inputs, geomPtr, tile, count, <usize>xStride << 2, strip, workPtr);
    multiplyPlanes(inputs, pointsPtr, products, POINTS, xStride, yStride, count, filters, channels, panels);
    contractTiles(products, yPtr, geomPtr, filters, tile, count, <usize>yStride << 2, workPtr);
  }
}

// ---- gradient for the input, from dense tiles of dy
// ----------------------------------------------------------------------------------

export function f32_winograd_bwd_input_work(geomPtr: usize, filters: i32): i32 {
  const channels = channelsOf(geomPtr);
  const tiles = min(tilesOf(geomPtr), productTiles(channels, filters));
  return 4 * POINTS * (tiles * (channels + filters) + 2 * SKEW) + TILE_WORK + planesWork(filters);
}

export function f32_winograd_bwd_input(
  dyPtr: usize,
  pointsPtr: usize,
  dxPtr: usize,
  geomPtr: usize,
  filters: i32,
  imageStart: i32,
  imageCount: i32,
  workPtr: usize,
): void {
  const channels = channelsOf(geomPtr);
  const side = 7 - kernelHOf(geomPtr);
  const size = min(tilesOf(geomPtr), productTiles(channels, filters));
  const perImage = tilesOf(geomPtr) / batchOf(geomPtr);
  const dyStride = size * filters + SKEW;
  const dxStride = size * channels + SKEW;
  const gradients = workPtr + <usize>TILE_WORK;
  const products = gradients + <usize>(4 * POINTS * dyStride);
  const panels = products + <usize>(4 * POINTS * dxStride);
  const tileCount = imageCount * perImage;
  for (let start = 0; start < tileCount; start += size) {
    const tile = imageStart * perImage + start;
    const n = min(size, tileCount - start);
    const plane = <usize>dyStride << 2;
    expandTiles(dyPtr, gradients, outHOf(geomPtr), outWOf(geomPtr), filters, 0, filters, side, tile, n, plane, false, workPtr);
    multiplyPlanes(gradients, pointsPtr, products, POINTS, dyStride, dxStride, n, channels, filters, panels);
    scatterTiles(products, dxPtr, geomPtr, tile, n, <usize>dxStride << 2, workPtr);
  }
}

// ---- gradient for the weights
// ----------------------------------------------------------------------------------------------------

/** Tiles of a block, whose sums are formed before they are added to the others. */
// @ts-ignore: decorator
@inline
function sumTiles(channels: i32, filters: i32): i32 {
  return 4 * max(SUM_LEAST_FOURS, min(SUM_MOST_FOURS, SUM_ELEMENTS / max(filters, channels) / 4));
}

export function f32_winograd_bwd_weight_work(geomPtr: usize, filters: i32): i32 {
  const channels = channelsOf(geomPtr);
  const planes = 4 * POINTS * (sumTiles(channels, filters) * (channels + filters) + 2 * SKEW);
  return planes + TILE_WORK + planesWork(0) + stripBytes(geomPtr);
}

/**
 * Sums of a range of tiles, for a range of filters; `sums` is [36, filters, channels], of which the filters' rows are
 * written.
 */
// @ts-ignore: decorator
@inline
function sumRange(
  widen: bool,
  x: usize,
  dy: usize,
  sums: usize,
  g: usize,
  filters: i32,
  filterStart: i32,
  filterCount: i32,
  tileStart: i32,
  tileCount: i32,
  work: usize,
): void {
  const channels = channelsOf(g);
  const size = sumTiles(channels, filters);
  const xStride = size * channels + SKEW;
  const dyStride = size * filterCount + SKEW;
  const inputs = work + <usize>TILE_WORK;
  const gradients = inputs + <usize>(4 * POINTS * xStride);
  const strip = gradients + <usize>(4 * POINTS * dyStride);
  const edge = strip + <usize>stripBytes(g);
  const to = sums + (<usize>(filterStart * channels) << 2);
  const stride = filters * channels;
  for (let p = 0; p < POINTS; p++) memory.fill(to + (<usize>(p * stride) << 2), 0, <usize>(filterCount * channels) << 2);
  for (let start = 0; start < tileCount; start += size) {
    const tile = tileStart + start;
    const n = min(size, tileCount - start);
    const side = 7 - kernelHOf(g);
    const plane = <usize>dyStride << 2;
    expandTiles(dy, gradients, outHOf(g), outWOf(g), filters, filterStart, filterCount, side, tile, n, plane, false, work);
    gatherTiles(widen, x, inputs, g, tile, n, <usize>xStride << 2, strip, work);
    outerPlanes(gradients, inputs, to, POINTS, dyStride, xStride, stride, filterCount, channels, n, edge);
  }
}

/** First tile of a part. */
// @ts-ignore: decorator
@inline
function firstTile(tiles: i32, part: i32, parts: i32): i32 {
  return <i32>(<i64>tiles * part / parts);
}

export function f32_winograd_bwd_weight(
  xPtr: usize,
  dyPtr: usize,
  sumsPtr: usize,
  geomPtr: usize,
  filters: i32,
  parts: i32,
  partStart: i32,
  partCount: i32,
  filterStart: i32,
  filterCount: i32,
  workPtr: usize,
): void {
  const tiles = tilesOf(geomPtr);
  const bytes = <usize>(POINTS * filters * channelsOf(geomPtr)) << 2;
  for (let part = partStart; part < partStart + partCount; part++) {
    const start = firstTile(tiles, part, parts);
    const count = firstTile(tiles, part + 1, parts) - start;
    sumRange(false, xPtr, dyPtr, sumsPtr + <usize>part * bytes, geomPtr, filters, filterStart, filterCount, start, count, workPtr);
  }
}

export function u8_winograd_bwd_weight_f32(
  xPtr: usize,
  dyPtr: usize,
  sumsPtr: usize,
  geomPtr: usize,
  filters: i32,
  parts: i32,
  partStart: i32,
  partCount: i32,
  filterStart: i32,
  filterCount: i32,
  workPtr: usize,
): void {
  const tiles = tilesOf(geomPtr);
  const bytes = <usize>(POINTS * filters * channelsOf(geomPtr)) << 2;
  for (let part = partStart; part < partStart + partCount; part++) {
    const start = firstTile(tiles, part, parts);
    const count = firstTile(tiles, part + 1, parts) - start;
    sumRange(true, xPtr, dyPtr, sumsPtr + <usize>part * bytes, geomPtr, filters, filterStart, filterCount, start, count, workPtr);
  }
}
