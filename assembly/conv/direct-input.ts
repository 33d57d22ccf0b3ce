/**
 * @file Gradient of a convolution for its input: dy times the weights gives gradients of patches, a cache-sized block
 * at a time, which are added into the image. An image's blocks come in order, so no chunk changes the order of the
 * additions.
 */
import { f32_gemm_work, multiply } from "../products/gemm";
import { channelStrideOf, channelsOf, inHOf, inWOf, kernelHOf, kernelWOf, outHOf, outWOf } from "../shared/geometry";
import { f32_col2im } from "./window";

/** Bytes of patches that stay in the second-level cache beside the weights. */
const BLOCK: i32 = 192 << 10;

/** Positions of a block, a multiple of 60 unless the image has fewer. */
// @ts-ignore: decorator
@inline
function blockRows(g: usize, K: i32): i32 {
  return min(outHOf(g) * outWOf(g), 60 * max(1, BLOCK / (4 * K) / 60));
}

/** Bytes of scratch of f32_conv_bwd_input. */
export function inputWork(g: usize, filters: i32): i32 {
  const K = kernelHOf(g) * kernelWOf(g) * channelsOf(g);
  const rows = blockRows(g, K);
  return ((rows * K * 4 + 79) & ~63) + f32_gemm_work(rows, K, filters);
}

export function f32_conv_bwd_input(
  dyPtr: usize,
  wPtr: usize,
  dxPtr: usize,
  geomPtr: usize,
  filters: i32,
  dyStride: i32,
  imageCount: i32,
  workPtr: usize,
): void {
  const K = kernelHOf(geomPtr) * kernelWOf(geomPtr) * channelsOf(geomPtr);
  const positions = outHOf(geomPtr) * outWOf(geomPtr);
  const block = blockRows(geomPtr, K);
  const inner = workPtr + <usize>((block * K * 4 + 79) & ~63);
  const width = <usize>K << 2;
  const dyStep = <usize>dyStride << 2;
  const image = <usize>(inHOf(geomPtr) * inWOf(geomPtr) * channelStrideOf(geomPtr)) << 2;
  for (let i = 0; i < imageCount; i++) {
    for (let start = 0; start < positions; start += block) {
      const rows = min(block, positions - start);
      multiply(dyPtr + <usize>start * dyStep, wPtr, workPtr, rows, K, filters, 0, 0, 0, inner, dyStep, width, width);
      f32_col2im(workPtr, dxPtr, geomPtr, start, rows);
    }
    dyPtr += <usize>positions * dyStep;
    dxPtr += image;
  }
}
