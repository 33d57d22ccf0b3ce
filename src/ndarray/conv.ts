/**
 * @file 2-d convolution over NHWC images: which kernel computes which one.
 *
 * Weights are used as [O, kernelH, kernelW, I/groups] ({@link packWeights}), so that a patch and a filter run alike.
 */
import { check, record } from "../core/checks.js";
import { bytesPer } from "../core/dtype.js";
import type { Kernels } from "../kernels/abi.js";
import { kernelsFor } from "../kernels/engine.js";
import { expectArrays, expectFactor, expectRank, expectShape, expectType, filled, floatTypeOf } from "./checks.js";
import { convCodes } from "./code-products.js";
import { depthwiseBackwardInput, depthwiseBackwardWeight, depthwiseForward } from "./depthwise.js";
import { codesAsReal, gemm } from "./matmul.js";
import { trustedPermute } from "./movement.js";
import { NDArray } from "./ndarray.js";
import { withScratch } from "./scratch.js";
import { type Convolution, checkConvolution, positions, taps, withGeometry } from "./window.js";
import { suitsWinograd, winogradBackwardInput, winogradBackwardWeight, winogradForward } from "./winograd.js";

/** Weights [O,I,Kh,Kw] as [O,Kh,Kw,I], real or codes; i8 codes become f32 whole numbers. @throws ShapeError */
export function packWeights(weight: NDArray): NDArray {
  expectArrays("conv2d", weight);
  expectRank("conv2d", "weight", weight, 4, "[O,I,K,K]");
  if (weight.dtype !== "i8") return trustedPermute(weight, PACKED);
  const real = codesAsReal(weight);
  try {
    return trustedPermute(real, PACKED);
  } finally {
    real.dispose();
  }
}
const PACKED = [0, 2, 3, 1];
const UNPACKED = [0, 3, 1, 2];

/** The reverse of {@link packWeights} for real arrays. @throws ShapeError */
export function unpackWeights(packed: NDArray): NDArray {
  expectArrays("conv2d", packed);
  expectRank("conv2d", "weight", packed, 4, "[O,K,K,I]");
  return trustedPermute(packed, UNPACKED);
}

/** Refuses arrays that are not of this convolution: a kernel reads as many elements as the geometry says. `dy` stands for the output. */
function checkOperands(conv: Convolution, arrays: { x?: NDArray; packed?: NDArray; dy?: NDArray }): void {
  const { x, packed, dy } = arrays;
  const filters = (packed?.shape[0] ?? dy?.shape[3]) as number;
  const { batch, inH, inW, channelStride } = conv?.geometry ?? {};
  checkConvolution("conv2d", conv, x?.shape ?? [batch, inH, inW, channelStride], filters);
  const { kernelH, kernelW, channels } = conv.geometry;
  if (packed !== undefined) expectShape("conv2d", "packed weight", packed, [filters, kernelH, kernelW, channels]);
  if (dy !== undefined) expectShape("conv2d", "gradient", dy, trustedConvShape(conv, filters));
}

/** True if patches are the pixels themselves. */
function isPointwise({ geometry: g, groups }: Convolution): boolean {
  return (
    groups === 1 &&
    taps(g) === 1 &&
    g.strideH === 1 &&
    g.strideW === 1 &&
    g.outH === g.inH &&
    g.outW === g.inW &&
    g.padTop === 0 &&
    g.padLeft === 0
  );
}

/** Shape of the output for `filters` output channels. */
export function convShape(conv: Convolution, filters: number): number[] {
  check("conv2d", "convolution", conv, record);
  check("conv2d", "geometry", conv.geometry, record);
  return trustedConvShape(conv, filters);
}

function trustedConvShape({ geometry }: Convolution, filters: number): number[] {
  return [geometry.batch, geometry.outH, geometry.outW, filters];
}

/**
 * Forward convolution, y[n,p,q,o] = Σ x[n, p·s + i·d − pad, …, c]·w[o,i,j,c], in w's type.
 *
 * On u8 input the codes are multiplied and the step is left out: with whole-number weights every partial sum is an integer and the result
 * is exact while taps·channels·max|x|·max|w| ≤ 2²⁴.
 *
 * @param x [N,H,W,C], real or u8
 * @param packed [O,Kh,Kw,C/groups] from {@link packWeights}
 * @param fast real x may go through Winograd's algorithm where that suits: other roundings, and integers are not exact
 * @returns [N,outH,outW,O]
 * @throws ShapeError, DTypeError, ArgumentError unless the arrays are of this convolution
 */
export function convForward(x: NDArray, packed: NDArray, conv: Convolution, fast = false): NDArray {
  const dtype = floatTypeOf("conv2d", packed);
  expectFactor("conv2d", x, dtype);
  checkOperands(conv, { x, packed });
  const y = NDArray.empty(trustedConvShape(conv, packed.shape[0]), dtype);
  try {
    if (y.size > 0) forwardInto(x, packed, y, conv, fast);
  } catch (error) {
    y.dispose();
    throw error;
  }
  return y;
}

function forwardInto(x: NDArray, packed: NDArray, y: NDArray, conv: Convolution, fast: boolean): void {
  const { geometry, groups } = conv;
  const filters = packed.shape[0];
  const kernels = kernelsFor(packed.dtype);
  if (geometry.channels === 1 && groups > 1) {
    depthwiseForward(x, packed, y, conv);
    return;
  }
  const rows = positions(geometry);
  const K = taps(geometry) * geometry.channels;
  if (isPointwise(conv) && x.dtype !== "u8") {
    gemm(kernels, x.ptr, packed.ptr, y.ptr, [rows, filters, K], { transB: true });
    return;
  }
  if (fast && x.dtype !== "u8" && suitsWinograd(conv, filters)) {
    winogradForward(x, packed, y, conv);
    return;
  }
  const bytes = bytesPer(packed.dtype);
  const perGroup = filters / groups;
  const kernel = x.dtype === "u8" ? "u8_conv_f32" : "f32_conv";
  withGeometry(geometry, (geom) =>
    withScratch(kernels.f32_conv_work(geom, perGroup), (work) => {
      for (let group = 0; group < groups; group++) {
        const source = x.ptr + group * geometry.channels * bytesPer(x.dtype);
        const w = packed.ptr + group * perGroup * K * bytes;
        kernels[kernel](source, w, y.ptr + group * perGroup * bytes, geom, perGroup, filters, 0, rows, work);
      }
    }),
  );
}

/**
 * Exact integer accumulators of a convolution on codes, unscaled; see {@link convForward} for the bound.
 *
 * @param x u8 codes [N,H,W,C], with or without a step
 * @param weight i8 codes [O,C/groups,Kh,Kw]
 * @returns f32 [N,outH,outW,O], whole numbers
 * @throws ShapeError, DTypeError, ArgumentError unless the arrays are of this convolution
 */
export function convForwardCodes(x: NDArray, weight: NDArray, conv: Convolution): NDArray {
  expectType("conv2d", "input", x, "u8");
  expectType("conv2d", "weight", weight, "i8");
  checkConvolution("conv2d", conv, x.shape, weight.shape[0]);
  const { kernelH, kernelW, channels } = conv.geometry;
  expectShape("conv2d", "weight", weight, [weight.shape[0], channels, kernelH, kernelW]);
  let done = false;
  const integers = filled(NDArray.empty(convShape(conv, weight.shape[0])), (y) => {
    done = y.size === 0 || convCodes(x, weight, y, conv);
  });
  if (done) return integers;
  integers.dispose();
  using packed = packWeights(weight);
  return convForward(x, packed, conv);
}

/**
 * Gradient for the input: the adjoint of {@link convForward} in x.
 *
 * @param dy [N,outH,outW,O]
 * @param packed [O,Kh,Kw,C/groups]
 * @returns [N,H,W,C]
 * @throws ShapeError, DTypeError, ArgumentError unless the arrays are of this convolution
 */
export function convBackwardInput(dy: NDArray, packed: NDArray, conv: Convolution): NDArray {
  const dtype = floatTypeOf("conv2d", dy, packed);
  checkOperands(conv, { packed, dy });
  const { batch, inH, inW, channelStride } = conv.geometry;
  return filled(NDArray.empty([batch, inH, inW, channelStride], dtype), (dx) => backwardInto(dy, packed, dx, conv));
}

function backwardInto(dy: NDArray, packed: NDArray, dx: NDArray, conv: Convolution): void {
  const { geometry, groups } = conv;
  const filters = packed.shape[0];
  if (dy.size > 0 && suitsWinograd(conv, filters)) {
    winogradBackwardInput(dy, packed, dx, conv);
    return;
  }
  const kernels = kernelsFor(dy.dtype);
  kernels.f32_fill(dx.ptr, dx.size, 0);
  if (dy.size === 0) return;
  if (geometry.channels === 1 && groups > 1) {
    depthwiseBackwardInput(dy, packed, dx, conv);
    return;
  }
  const rows = positions(geometry);
  const K = taps(geometry) * geometry.channels;
  const perGroup = filters / groups;
  if (isPointwise(conv)) {
    gemm(kernels, dy.ptr, packed.ptr, dx.ptr, [rows, K, filters]);
    return;
  }
  const bytes = bytesPer(dy.dtype);
  withGeometry(geometry, (geom) =>
    withScratch(kernels.f32_conv_work(geom, perGroup), (work) => {
      for (let group = 0; group < groups; group++) {
        const [from, to] = [dy.ptr + group * perGroup * bytes, dx.ptr + group * geometry.channels * bytes];
        const w = packed.ptr + group * perGroup * K * bytes;
        kernels.f32_conv_bwd_input(from, w, to, geom, perGroup, filters, geometry.batch, work);
      }
    }),
  );
}

/**
 * Gradient for the weights: the adjoint of {@link convForward} in w. From coded input, step·Σ dy·codes.
 *
 * @param x [N,H,W,C], real of dy's type or u8
 * @param dy [N,outH,outW,O]
 * @returns [O,C/groups,Kh,Kw]
 * @throws ShapeError, DTypeError, ArgumentError unless the arrays are of this convolution
 */
export function convBackwardWeight(x: NDArray, dy: NDArray, conv: Convolution): NDArray {
  const dtype = floatTypeOf("conv2d", dy);
  expectFactor("conv2d", x, dtype);
  expectRank("conv2d", "gradient", dy, 4, "[N,H,W,O]");
  checkOperands(conv, { x, dy });
  const { geometry, groups } = conv;
  const kernels = kernelsFor(dtype);
  const filters = dy.shape[3];
  const packed = NDArray.empty([filters, geometry.kernelH, geometry.kernelW, geometry.channels], dtype);
  try {
    const tiled = dy.size > 0 && suitsWinograd(conv, filters);
    if (!tiled) kernels.f32_fill(packed.ptr, packed.size, 0);
    if (dy.size > 0 && packed.size > 0) {
      if (geometry.channels === 1 && groups > 1) depthwiseBackwardWeight(x, dy, packed, conv);
      else denseBackwardWeight(kernels, x, dy, packed, conv);
      if (x.step !== null) kernels.f32_scale_shift(packed.ptr, packed.ptr, packed.size, x.step, 0);
    }
    return trustedPermute(packed, UNPACKED);
  } finally {
    packed.dispose();
  }
}

function denseBackwardWeight(kernels: Kernels, x: NDArray, dy: NDArray, packed: NDArray, conv: Convolution): void {
  const { geometry, groups } = conv;
  const rows = positions(geometry);
  const K = taps(geometry) * geometry.channels;
  const filters = dy.shape[3];
  const perGroup = filters / groups;
  const bytes = bytesPer(dy.dtype);
  if (isPointwise(conv) && x.dtype !== "u8") {
    gemm(kernels, dy.ptr, x.ptr, packed.ptr, [filters, K, rows], { transA: true });
    return;
  }
  if (suitsWinograd(conv, filters)) {
    winogradBackwardWeight(x, dy, packed, conv);
    return;
  }
  const kernel = x.dtype === "u8" ? "u8_conv_bwd_weight_f32" : "f32_conv_bwd_weight";
  withGeometry(geometry, (geom) =>
    withScratch(kernels.f32_conv_work(geom, perGroup), (work) => {
      for (let group = 0; group < groups; group++) {
        const source = x.ptr + group * geometry.channels * bytesPer(x.dtype);
        const to = packed.ptr + group * perGroup * K * bytes;
        kernels[kernel](source, dy.ptr + group * perGroup * bytes, to, geom, perGroup, filters, 0, rows, work);
      }
    }),
  );
}
