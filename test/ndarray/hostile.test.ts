/** @file Hostile arguments to everything that takes arrays: values or errors of the library, and a heap as it was. */
import { describe, expect, test } from "vitest";
import * as functions from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import * as arrays from "../../src/ndarray/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { type Convolution, windowGeometry } from "../../src/ndarray/window.js";
import * as unaryOps from "../../src/ops/unary.js";
import { attack, hostileArrays, hostileTensors } from "../hostile.js";

const f32 = (...shape: number[]): NDArray => NDArray.full(shape, 1);
const of = (dtype: "i32" | "u8" | "i8" | "bool", ...shape: number[]): NDArray => NDArray.full(shape, 1, dtype);
const geometry = windowGeometry("test", [1, 3, 3, 2], [2, 2], {});
const conv: Convolution = { geometry, groups: 1 };
const ranges = [
  { start: 0, count: 1, step: 1 },
  { start: 2, count: 2, step: -1 },
];

/** Good arguments of every function of `arrays`; a function that is missing fails the last test. */
const OF_ARRAYS: Record<string, readonly [args: () => readonly unknown[], spare?: readonly number[]]> = {
  packWeights: [() => [f32(2, 2, 2, 2)]],
  unpackWeights: [() => [f32(2, 2, 2, 2)]],
  convShape: [() => [conv, 2]],
  convForward: [() => [f32(1, 3, 3, 2), f32(2, 2, 2, 2), conv, false]],
  convForwardCodes: [() => [of("u8", 1, 3, 3, 2), of("i8", 2, 2, 2, 2), conv]],
  convBackwardInput: [() => [f32(1, 2, 2, 2), f32(2, 2, 2, 2), conv]],
  convBackwardWeight: [() => [f32(1, 3, 3, 2), f32(1, 2, 2, 2), conv]],
  floatTypeOf: [() => ["test", f32(2), f32(3)], [0]],
  checkIndices: [() => ["test", of("i32", 2)], [0]],
  convert: [() => [f32(2, 3), "i32"]],
  unary: [() => ["f32_exp", f32(2, 3)]],
  binary: [() => ["f32_add", f32(2, 3), f32(3)]],
  compare: [() => ["f32_lt", f32(2, 3), f32(3)]],
  add: [() => [f32(2, 3), f32(3)]],
  sub: [() => [f32(2, 3), f32(3)]],
  mul: [() => [f32(2, 3), f32(3)]],
  div: [() => [f32(2, 3), f32(3)]],
  scalarLike: [() => [f32(2, 3), 2]],
  scaleShift: [() => [f32(2, 3), 2, 1]],
  divideBy: [() => [f32(2, 3), 2]],
  clip: [() => [f32(2, 3), 0, 1]],
  maskScale: [() => [f32(2, 3), of("bool", 3), 2]],
  invertMask: [() => [of("bool", 3)]],
  where: [() => [of("bool", 3), f32(2, 3), f32(3)]],
  gatherPositions: [() => [[2, 3], 1, of("i32", 2, 2)]],
  selectPositions: [() => [[2, 3], 1, of("i32", 2)]],
  oneHot: [() => [of("i32", 2), 3, "f32"]],
  take: [() => [f32(2, 3), of("i32", 2)]],
  codesAsReal: [() => [of("u8", 2, 3), "f32"]],
  linearForwardCodes: [() => [of("u8", 2, 3), of("i8", 4, 3)]],
  matmul: [() => [f32(2, 3), f32(3, 2), { transA: false }]],
  matmulShape: [() => [[2, 3], [3, 2], {}]],
  rowsOf: [() => [f32(2, 3)]],
  rowsTimesTransposed: [() => [f32(2, 3), f32(4, 3)]],
  transposedTimesRows: [() => [f32(2, 4), f32(2, 3)]],
  broadcastTo: [() => [f32(3), [2, 3]]],
  checkBroadcast: [() => ["test", [3], [2, 3]], [0]],
  checkPermutation: [() => ["test", [1, 0], 2], [0]],
  concat: [() => [[f32(2, 3), f32(1, 3)], 0]],
  concatShape: [() => ["test", [f32(2, 3), f32(1, 3)], 0], [0]],
  inversePermutation: [() => [[1, 0]]],
  pad: [
    () => [
      f32(2, 3),
      [
        [1, 0],
        [0, 1],
      ],
      0,
    ],
  ],
  permute: [() => [f32(2, 3), [1, 0]]],
  resolveRange: [() => ["test", [0, 2, 1], 3], [0]],
  slice: [() => [f32(2, 3), ranges]],
  stridedCopy: [() => [f32(2, 3), 1, [2, 2], [3, 1]]],
  stridedScatter: [() => [f32(2, 2), f32(2, 3), 1, [3, 1]]],
  unslice: [() => [f32(1, 2), [2, 3], ranges]],
  avgPool: [() => [f32(1, 3, 3, 2), geometry, true]],
  avgPoolBackward: [() => [f32(1, 2, 2, 2), geometry, true, [1, 3, 3, 2]]],
  maxPool: [() => [f32(1, 3, 3, 2), geometry]],
  pooledShape: [() => [geometry]],
  scatterAdd: [() => [f32(2), of("i32", 2), [3]]],
  formatArray: [() => [f32(2, 3)]],
  argReduce: [() => ["f32_argmax", f32(2, 3), [0]]],
  checkNotEmpty: [() => ["test", [2, 3], [0]], [0]],
  flatPositions: [() => [of("i32", 2), [2, 3], [1]]],
  mean: [() => [f32(2, 3), [0], false]],
  reduceAxes: [() => ["f32_sum", f32(2, 3), [0, 1], false]],
  reducedShape: [() => [[2, 3], [0], true]],
  sumTo: [() => [f32(2, 3), [3]]],
  pair: [() => ["test", "what", 2, 1], [0, 1]],
  positions: [() => [geometry]],
  taps: [() => [geometry]],
  windowGeometry: [() => ["test", [1, 3, 3, 2], [2, 2], { stride: 1 }, 2], [0]],
};

const t = (...shape: number[]): Tensor => new Tensor(f32(...shape));
const ints = (...shape: number[]): Tensor => new Tensor(of("i32", ...shape));
const one = (): unknown[] => [t(2, 3)];
const two = (): unknown[] => [t(2, 3), t(3)];
const along = (): unknown[] => [t(2, 3), 1, false];

/** The same of every function over tensors; creation has tests of its own. */
const OF_TENSORS: Record<string, readonly [args: () => readonly unknown[], spare?: readonly number[]]> = {
  ...Object.fromEntries(["add", "sub", "mul", "div", "pow", "maximum", "minimum"].map((name) => [name, [two]])),
  ...Object.fromEntries(
    ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"].map((name) => [name, [two]]),
  ),
  ...Object.fromEntries(Object.keys(unaryOps).map((name) => [name, [one]])),
  ...Object.fromEntries(["sum", "mean", "max", "min", "argmax", "argmin"].map((name) => [name, [along]])),
  clip: [() => [t(2, 3), 0, 1]],
  where: [() => [new Tensor(of("bool", 2, 3)), t(2, 3), 0]],
  conv2d: [() => [t(1, 3, 3, 2), t(2, 2, 2, 2), t(2), { stride: 1, groups: 1 }]],
  maxPool2d: [() => [t(1, 3, 3, 2), 2, { stride: 1 }]],
  avgPool2d: [() => [t(1, 3, 3, 2), 2, { padding: 1 }]],
  globalAvgPool2d: [() => [t(1, 3, 3, 2)]],
  indexSelect: [() => [t(2, 3), [0, 1], 1]],
  gather: [() => [t(2, 3), 1, ints(2, 2)]],
  oneHot: [() => [[0, 1], 3, "f32"]],
  matmul: [() => [t(2, 3), t(3)]],
  linear: [() => [t(2, 3), t(4, 3), t(4)]],
  crossEntropy: [() => [t(2, 3), [0, 1], { labelSmoothing: 0.1 }]],
  softCrossEntropy: [() => [t(2, 3), t(2, 3), { reduction: "sum" }]],
  distillationLoss: [() => [t(2, 3), t(2, 3), { temperature: 2 }]],
  mse: [() => [t(2, 3), t(2, 3), { reduction: "sum" }]],
  l1Loss: [() => [t(2, 3), t(2, 3), { reduction: "sum" }]],
  huberLoss: [() => [t(2, 3), t(2, 3), { delta: 2 }]],
  binaryCrossEntropy: [() => [t(2, 3), t(2, 3), { positiveWeight: 2 }]],
  reshape: [() => [t(2, 3), [3, -1]]],
  flatten: [() => [t(2, 3, 1), 0, 1]],
  transpose: [() => [t(2, 3), 0, 1]],
  permute: [() => [t(2, 3), [1, 0]]],
  squeeze: [() => [t(2, 1), 1]],
  unsqueeze: [() => [t(2, 3), 0]],
  broadcastTo: [() => [t(3), [2, 3]]],
  concat: [() => [[t(2, 3), t(1, 3)], 0]],
  stack: [() => [[t(2, 3), t(2, 3)], 0]],
  slice: [() => [t(2, 3), 0, [null, null, -1]]],
  pad: [() => [t(2, 3), [1, [0, 2]], 0]],
  cast: [() => [t(2, 3), "i32"]],
  batchNorm: [() => [t(2, 3), t(3), t(3), { eps: 1 }]],
  batchNormRelu: [() => [t(2, 3), t(3), t(3), { eps: 1 }]],
  dropout: [() => [t(2, 3), 0.5, new Rng("hostile")]],
  variance: [() => [t(2, 3), { axis: 0 }]],
  leakyRelu: [() => [t(2, 3), 0.1]],
  prelu: [() => [t(2, 3), t(3)]],
  elu: [() => [t(2, 3), 1]],
  selu: [one],
  gelu: [() => [t(2, 3), { approximate: "tanh" }]],
  silu: [one],
  hardSwish: [one],
  hardSigmoid: [one],
  relu6: [one],
  convTranspose2d: [() => [t(1, 3, 3, 2), t(2, 2, 2, 2), t(2), { stride: 2, groups: 1 }]],
  upsample: [() => [t(1, 3, 3, 2), { scale: 2, mode: "nearest" }]],
  layerNorm: [() => [t(2, 3), t(3), t(3), { eps: 1 }]],
  conv1d: [() => [t(1, 5, 2), t(2, 2, 2), t(2), { stride: 1, groups: 1 }]],
  maxPool1d: [() => [t(1, 4, 2), 2, { stride: 1 }]],
  avgPool1d: [() => [t(1, 4, 2), 2, { padding: 1 }]],
  globalAvgPool1d: [() => [t(1, 4, 2)]],
  softmax: [() => [t(2, 3), 1]],
  logSoftmax: [() => [t(2, 3), 0]],
};
/** Functions whose argument 1, weights, keeps its packed forms. */
const PACKING = ["convForwardCodes", "linearForwardCodes", "conv2d", "conv1d"];
const CREATION = "tensor zeros ones full arange linspace eye rand randn randint uniform normal".split(" ");

describe.each([
  ["arrays", arrays as object, OF_ARRAYS, hostileArrays],
  ["functions", functions as object, OF_TENSORS, hostileTensors],
] as const)("hostile arguments to %s", (_, namespace, good, values) => {
  const known = namespace as Record<string, (...args: never[]) => unknown>;
  for (const [name, [args, spare]] of Object.entries(good)) {
    test(name, () => {
      const outcome = attack(name, known[name], {
        args,
        spare,
        values,
        stride: 13,
        weights: PACKING.includes(name) ? 1 : undefined,
      });
      expect(outcome.faults.slice(0, 12)).toEqual([]);
      expect(outcome.refused).toBeGreaterThan(0);
    });
  }
  test("nothing is left out", () => {
    const names = Object.keys(known).filter((name) => typeof known[name] === "function");
    const creation = namespace === functions ? CREATION : ["NDArray"];
    expect(names.filter((name) => !(name in good) && !creation.includes(name))).toEqual([]);
  });
});
