/** @file The registry: every built-in op by name. Tests and exporters walk it; nothing else should import it. */
import * as compare from "./compare.js";
import { conv2d } from "./conv.js";
import { dropout } from "./dropout.js";
import * as elementwise from "./elementwise.js";
import * as indexing from "./indexing.js";
import { linear, matmul } from "./linalg.js";
import { crossEntropy, mse } from "./loss.js";
import * as movement from "./movement.js";
import { batchNormEval, batchNormTrain } from "./norm.js";
import { batchNormRelu } from "./norm-activation.js";
import { avgPool2d, maxPool2d } from "./pool.js";
import * as reduce from "./reduce.js";
import { logSoftmax, softmax } from "./softmax.js";
import * as unary from "./unary.js";

const { add, sub, mul, div, pow, maximum, minimum } = elementwise;
const { equal, notEqual, less, lessEqual, greater, greaterEqual, where, clip } = compare;
const { sum, mean, max, min, argmax, argmin } = reduce;
const { reshape, permute, broadcastTo, concat, slice, pad, cast, toInteger } = movement;
const { indexSelect, gather, oneHot } = indexing;

/** Every built-in op. */
export const registry = {
  add,
  sub,
  mul,
  div,
  pow,
  maximum,
  minimum,
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
  where,
  clip,
  ...unary,
  sum,
  mean,
  max,
  min,
  argmax,
  argmin,
  reshape,
  permute,
  broadcastTo,
  concat,
  slice,
  pad,
  cast,
  toInteger,
  indexSelect,
  gather,
  oneHot,
  matmul,
  linear,
  conv2d,
  maxPool2d,
  avgPool2d,
  batchNormTrain,
  batchNormEval,
  batchNormRelu,
  dropout,
  softmax,
  logSoftmax,
  crossEntropy,
  mse,
} as const;

/** A built-in op's name. */
export type OpName = keyof typeof registry;

export type { AnyOp, InputInfo, Needs, OpDef, OpResult } from "./op.js";
