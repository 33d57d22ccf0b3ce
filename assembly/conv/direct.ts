/**
 * @file Convolution as a matrix product whose patches are never written out: panels of positions are packed straight
 * from the image (forward), or a cache-sized block of patches is multiplied where it lies (gradient of the weights).
 *
 * Forward sums as f32_gemm does over patches: blocks of KC in order, each in order, so its bits are those of im2col and
 * f32_gemm.
 */
import { inputWork } from "./direct-input";
import { SUM_BYTES as BLOCK, SUM_LEAST_ROWS, SUM_MOST_ROWS } from "../../src/kernels/conv/sizes";
import { GEMM_BLOCK as KC } from "../../src/kernels/products/sizes";
import { putEdge } from "../products/gemm";
import { packAcross, packB } from "../products/gemm-pack";
import { panelRows, runEdge, runStrided, runTile } from "../products/gemm-tile";
import {
  channelStrideOf,
  channelsOf,
  dilationHOf,
  dilationWOf,
  inHOf,
  inWOf,
  kernelHOf,
  kernelWOf,
  outHOf,
  outWOf,
  padLeftOf,
  padTopOf,
  strideHOf,
  strideWOf,
} from "../shared/geometry";
import { f32_im2col, u8_im2col_f32 } from "./window";

// @ts-ignore: decorator
@inline
function patchLength(g: usize): i32 {
  return kernelHOf(g) * kernelWOf(g) * channelsOf(g);
}

/** Rows of a block of forward, a multiple of 20. */
// @ts-ignore: decorator
@inline
function blockRows(K: i32): i32 {
  return max(20, min(120, BLOCK / (K << 2) / 20 * 20));
}

/** Rows of a block of the weights' gradient: each is a sum of its own. */
// @ts-ignore: decorator
@inline
function sumRows(K: i32): i32 {
  return max(SUM_LEAST_ROWS, min(SUM_MOST_ROWS, BLOCK / (K << 2) & ~3));
}

// @ts-ignore: decorator
@inline
function align16(bytes: i32): i32 {
  return (bytes + 15) & ~15;
}

export function f32_conv_work(geomPtr: usize, filters: i32): i32 {
  const K = patchLength(geomPtr);
  const weights = (filters + 7) / 8 * 8 * K * 4;
  // Weights, a block of panels, patches of one panel, an edge tile.
  const forward = weights + align16(blockRows(K) * K * 4) + align16(5 * K * 4 + 64) + 160;
  // A block of patches with what the last columns' tiles read beyond it, an edge tile.
  const backward = align16(sumRows(K) * K * 4 + 64) + 160;
  return max(max(forward, backward), inputWork(geomPtr, filters));
}

// @ts-ignore: decorator
@inline
function patches(widen: bool, src: usize, out: usize, g: usize, start: i32, count: i32): void {
  if (widen) u8_im2col_f32(src, out, g, start, count);
  else f32_im2col(src, out, g, start, count);
}

/**
 * One panel of `rows` positions from `position` on: from the image itself if they lie in one line and no tap is beside
 * it.
 */
// @ts-ignore: decorator
@inline
function packPanel(widen: bool, src: usize, g: usize, position: i32, rows: i32, K: i32, dst: usize, scratch: usize): void {
  const channels = channelsOf(g);
  if (!widen && (channels & 3) == 0 && dilationWOf(g) == 1 && channelStrideOf(g) == channels) {
    const outW = outWOf(g);
    const inW = inWOf(g);
    const ow = position % outW;
    const iw = ow * strideWOf(g) - padLeftOf(g);
    const last = iw + (rows - 1) * strideWOf(g) + kernelWOf(g);
    if (ow + rows <= outW && iw >= 0 && last <= inW) {
      const line = position / outW;
      const outH = outHOf(g);
      const inH = inHOf(g);
      const pixel = <usize>channels << 2;
      const run = kernelWOf(g) * channels;
      const runBytes = <usize>(run * rows) << 2;
      const rowStep = <usize>strideWOf(g) * pixel;
      let ih = (line % outH) * strideHOf(g) - padTopOf(g);
      const image = src + (<usize>(line / outH) * <usize>inH * <usize>inW + <usize>iw) * pixel;
      for (let kh = 0; kh < kernelHOf(g); kh++) {
        if (ih >= 0 && ih < inH) packAcross(image + <usize>(ih * inW) * pixel, rowStep, rows, run, dst);
        else memory.fill(dst, 0, runBytes);
        dst += runBytes;
        ih += dilationHOf(g);
      }
      return;
    }
  }
  patches(widen, src, scratch, g, position, rows);
  packAcross(scratch, <usize>K << 2, rows, K, dst);
}

// @ts-ignore: decorator
@inline
function forward(
  widen: bool,
  src: usize,
  w: usize,
  y: usize,
  g: usize,
  filters: i32,
  yStride: i32,
  rowStart: i32,
  rowCount: i32,
  work: usize,
): void {
  const K = patchLength(g);
  const step = <usize>yStride << 2;
  const wide = (filters + 7) / 8 * 8;
  const block = blockRows(K);
  const panels = work + (<usize>(wide * K) << 2);
  const scratch = panels + <usize>align16(block * K * 4);
  const edge = scratch + <usize>align16(5 * K * 4 + 64);
  for (let p = 0; p < K; p += KC) {
    packB(w + (<usize>p << 2), <usize>K << 2, true, filters, min(KC, K - p), work + (<usize>(wide * p) << 2));
  }
  for (let start = 0; start < rowCount; start += block) {
    const m = min(block, rowCount - start);
    let to = panels;
    for (let i = 0; i < m; ) {
      const rows = panelRows(m - i);
      packPanel(widen, src, g, rowStart + start + i, rows, K, to, scratch);
      to += <usize>(rows * K) << 2;
      i += rows;
    }
    for (let p = 0; p < K; p += KC) {
      const k = min(KC, K - p);
      let b = work + (<usize>(wide * p) << 2);
      for (let j = 0; j < filters; j += 8) {
        let left = panels;
        for (let i = 0; i < m; ) {
          const rows = panelRows(m - i);
          const a = left + (<usize>(rows * p) << 2);
          const c = y + <usize>(start + i) * step + (<usize>j << 2);
          if (filters - j >= 8) {
            runTile(rows, a, b, k, c, step, p > 0);
          } else {
            runEdge(rows, a, <usize>(rows << 2), b, 32, k, edge, filters - j);
            putEdge(edge, c, step, rows, filters - j, p > 0);
          }
          left += <usize>(rows * K) << 2;
          i += rows;
        }
        b += <usize>k << 5;
      }
    }
  }
}

export function f32_conv(
  xPtr: usize,
  wPtr: usize,
  yPtr: usize,
  geomPtr: usize,
  filters: i32,
  yStride: i32,
  rowStart: i32,
  rowCount: i32,
  workPtr: usize,
): void {
  forward(false, xPtr, wPtr, yPtr, geomPtr, filters, yStride, rowStart, rowCount, workPtr);
}

export function u8_conv_f32(
  xPtr: usize,
  wPtr: usize,
  yPtr: usize,
  geomPtr: usize,
  filters: i32,
  yStride: i32,
  rowStart: i32,
  rowCount: i32,
  workPtr: usize,
): void {
  forward(true, xPtr, wPtr, yPtr, geomPtr, filters, yStride, rowStart, rowCount, workPtr);
}

// @ts-ignore: decorator
@inline
function backwardWeight(
  widen: bool,
  src: usize,
  dy: usize,
  dw: usize,
  g: usize,
  filters: i32,
  dyStride: i32,
  rowStart: i32,
  rowCount: i32,
  work: usize,
): void {
  const K = patchLength(g);
  const step = <usize>K << 2;
  const dyStep = <usize>dyStride << 2;
  const block = sumRows(K);
  const edge = work + <usize>align16(block * K * 4 + 64);
  for (let start = 0; start < rowCount; start += block) {
    const m = min(block, rowCount - start);
    patches(widen, src, work, g, rowStart + start, m);
    const from = dy + <usize>start * dyStep;
    for (let j = 0; j < K; j += 8) {
      const b = work + (<usize>j << 2);
      for (let i = 0; i < filters; ) {
        const rows = panelRows(filters - i);
        const a = from + (<usize>i << 2);
        const c = dw + <usize>i * step + (<usize>j << 2);
        if (K - j >= 8) {
          runStrided(rows, a, dyStep, b, step, m, c, step, true);
        } else {
          runEdge(rows, a, dyStep, b, step, m, edge, K - j);
          putEdge(edge, c, step, rows, K - j, true);
        }
        i += rows;
      }
    }
  }
}

export function f32_conv_bwd_weight(
  xPtr: usize,
  dyPtr: usize,
  dwPtr: usize,
  geomPtr: usize,
  filters: i32,
  dyStride: i32,
  rowStart: i32,
  rowCount: i32,
  workPtr: usize,
): void {
  backwardWeight(false, xPtr, dyPtr, dwPtr, geomPtr, filters, dyStride, rowStart, rowCount, workPtr);
}

export function u8_conv_bwd_weight_f32(
  xPtr: usize,
  dyPtr: usize,
  dwPtr: usize,
  geomPtr: usize,
  filters: i32,
  dyStride: i32,
  rowStart: i32,
  rowCount: i32,
  workPtr: usize,
): void {
  backwardWeight(true, xPtr, dyPtr, dwPtr, geomPtr, filters, dyStride, rowStart, rowCount, workPtr);
}
