/**
 * @file The array room: dense arrays without history, and the functions over them that ops are made of. What works on
 * bare addresses, or trusts what it is given, is not for everybody and not here.
 */
export * from "./convert.js";
export {
  convBackwardInput,
  convBackwardWeight,
  convForward,
  convForwardCodes,
  convShape,
  packWeights,
  unpackWeights,
} from "./convolve/conv.js";
export {
  add,
  type BinaryKernel,
  binary,
  type CompareKernel,
  clip,
  compare,
  div,
  divideBy,
  invertMask,
  maskScale,
  mul,
  scalarLike,
  scaleShift,
  sub,
  type UnaryKernel,
  unary,
  where,
} from "./elementwise.js";
export { gatherPositions, oneHot, type Positions, selectPositions, take } from "./indexing.js";
export { concat, concatShape, pad } from "./join.js";
export { linearForwardCodes, rowsTimesTransposed, transposedTimesRows } from "./linear.js";
export { codesAsReal, type GemmOptions, matmul, matmulShape, rowsOf } from "./matmul.js";
export { broadcastTo, checkBroadcast, checkPermutation, inversePermutation, permute } from "./movement.js";
export { NDArray } from "./ndarray.js";
export { avgPool, avgPoolBackward, maxPool, pooledShape, scatterAdd } from "./pool.js";
export { formatArray } from "./print.js";
export {
  argReduce,
  checkNotEmpty,
  flatPositions,
  mean,
  type ReduceKernel,
  reduceAxes,
  reducedShape,
  sumTo,
} from "./reduce.js";
export { type ResolvedRange, resolveRange, type SliceRange, slice, unslice } from "./slice.js";
export { stridedCopy, stridedScatter } from "./strided.js";
export {
  type Convolution,
  type Geometry,
  type Padding,
  type Pair,
  pair,
  positions,
  taps,
  type WindowOptions,
  windowGeometry,
} from "./window.js";
