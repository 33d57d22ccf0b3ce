/**
 * @file 2-d convolution over NHWC images: operands are looked at, and the algorithm that `chooseReal` and `chooseCodes`
 * name is run.
 *
 * Weights are used as [O, kernelH, kernelW, I/groups] ({@link packWeights}), so that a patch and a filter run alike.
 */
import { check, record } from "../../core/checks.js";
import { type Convolution, chooseReal, type RealAlgorithm } from "../../kernels/choose.js";
import { kernelsFor } from "../../kernels/engine.js";
import { expectFactor, expectRank, expectShape, expectType, filled, floatTypeOf } from "../checks.js";
import { NDArray } from "../ndarray.js";
import { checkConvolution } from "../window.js";
import { convCodes } from "./codes.js";
import { depthwiseBackwardInput, depthwiseBackwardWeight, depthwiseForward } from "./depthwise.js";
import {
  patchesBackwardInput,
  patchesBackwardWeight,
  patchesForward,
  pixelsBackwardInput,
  pixelsBackwardWeight,
  pixelsForward,
} from "./direct.js";
import { packedWeights, trustedUnpack } from "./packed.js";
import { winogradAdjoint, winogradBackwardInput, winogradBackwardWeight, winogradForward } from "./winograd.js";

export { packWeights, unpackWeights } from "./packed.js";

/** An algorithm of one pass. */
type Run = (a: NDArray, b: NDArray, out: NDArray, conv: Convolution) => void;

/** y of x and packed weights; every algorithm writes all of y. */
const FORWARD: Readonly<Record<Exclude<RealAlgorithm, "winogradAdjoint">, Run>> = {
  depthwise: depthwiseForward,
  pixels: pixelsForward,
  winograd: winogradForward,
  patches: patchesForward,
};

/** dx of dy and packed weights; those of `adds` add to zeros. */
const BACKWARD_INPUT: Readonly<Record<RealAlgorithm, { readonly run: Run; readonly adds: boolean }>> = {
  depthwise: { run: depthwiseBackwardInput, adds: true },
  pixels: { run: pixelsBackwardInput, adds: false },
  winograd: { run: winogradBackwardInput, adds: false },
  winogradAdjoint: { run: winogradAdjoint, adds: true },
  patches: { run: patchesBackwardInput, adds: true },
};

/** Packed dw of x and dy. */
const BACKWARD_WEIGHT: Readonly<Record<Exclude<RealAlgorithm, "winogradAdjoint">, typeof BACKWARD_INPUT.depthwise>> = {
  depthwise: { run: depthwiseBackwardWeight, adds: true },
  pixels: { run: pixelsBackwardWeight, adds: false },
  winograd: { run: winogradBackwardWeight, adds: false },
  patches: { run: patchesBackwardWeight, adds: true },
};

/**
 * Refuses arrays that are not of this convolution: a kernel reads as many elements as the geometry says. `dy` stands
 * for the output.
 */
function checkOperands(conv: Convolution, arrays: { x?: NDArray; packed?: NDArray; dy?: NDArray }): void {
  const { x, packed, dy } = arrays;
  const filters = (packed?.shape[0] ?? dy?.shape[3]) as number;
  const { batch, inH, inW, channelStride } = conv?.geometry ?? {};
  checkConvolution("conv2d", conv, x?.shape ?? [batch, inH, inW, channelStride], filters);
  const { kernelH, kernelW, channels } = conv.geometry;
  if (packed !== undefined) expectShape("conv2d", "packed weight", packed, [filters, kernelH, kernelW, channels]);
  if (dy !== undefined) expectShape("conv2d", "gradient", dy, trustedConvShape(conv, filters));
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
 * On u8 input the codes are multiplied and the step is left out: with whole-number weights every partial sum is an
 * integer and the result is exact while taps·channels·max|x|·max|w| ≤ 2²⁴.
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
  const [filters] = packed.shape;
  return filled(NDArray.empty(trustedConvShape(conv, filters), dtype), (y) => {
    if (y.size === 0) return;
    const algorithm = chooseReal(conv, filters, "output", { codedInput: x.dtype === "u8", fast });
    FORWARD[algorithm as keyof typeof FORWARD](x, packed, y, conv);
  });
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
  using packed = packedWeights(weight);
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
  return filled(NDArray.empty([batch, inH, inW, channelStride], dtype), (dx) => {
    const { run, adds } = BACKWARD_INPUT[chooseReal(conv, packed.shape[0], "input")];
    if (adds || dy.size === 0) kernelsFor(dtype).f32_fill(dx.ptr, dx.size, 0);
    if (dy.size > 0) run(dy, packed, dx, conv);
  });
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
  const { kernelH, kernelW, channels } = conv.geometry;
  const kernels = kernelsFor(dtype);
  const filters = dy.shape[3];
  const algorithm = chooseReal(conv, filters, "weight", { codedInput: x.dtype === "u8" });
  const { run, adds } = BACKWARD_WEIGHT[algorithm as keyof typeof BACKWARD_WEIGHT];
  const packed = NDArray.empty([filters, kernelH, kernelW, channels], dtype);
  try {
    if (adds || dy.size === 0) kernels.f32_fill(packed.ptr, packed.size, 0);
    if (dy.size > 0 && packed.size > 0) {
      run(x, dy, packed, conv);
      if (x.step !== null) kernels.f32_scale_shift(packed.ptr, packed.ptr, packed.size, x.step, 0);
    }
    return trustedUnpack(packed);
  } finally {
    packed.dispose();
  }
}
