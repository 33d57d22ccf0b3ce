/** @file What wrong input gets: the type and the whole message of every refusal, case by case. */
import { describe, expect, test } from "vitest";
import * as cg from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, DisposedError, DTypeError, ScopeError, ShapeError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { init } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { featureAffinityLoss } from "../../src/nn/feature-affinity.js";

const { zeros, tensor } = cg;
const ints = (values: number[]): Tensor => tensor(values, { dtype: "i32" });

type Case = readonly [run: () => unknown, type: new (...fields: never[]) => Error, message: string];

const shapes: Case[] = [
  [
    () => cg.conv2d(zeros([8, 28, 28, 1]), zeros([16, 3, 5, 5])),
    ShapeError,
    "conv2d: channel mismatch; expected weight [O,1,K,K] for input [8,28,28,1], got [16,3,5,5]; layout is NHWC/OIHW",
  ],
  [
    () => cg.conv2d(zeros([1, 8, 8, 4]), zeros([4, 4, 3, 3]), null, { groups: 2 }),
    ShapeError,
    "conv2d: channel mismatch; expected weight [O,2,K,K] for input [1,8,8,4] in 2 groups, got [4,4,3,3]; layout is NHWC/OIHW",
  ],
  [
    () => cg.conv2d(zeros([1, 8, 8, 3]), zeros([4, 1, 3, 3]), null, { groups: 2 }),
    ShapeError,
    "conv2d: channels do not divide into groups; expected input and output channels that are multiples of 2, got input [1,8,8,3], weight [4,1,3,3]",
  ],
  [
    () => cg.conv2d(zeros([1, 8, 8, 3]), zeros([4, 3, 3, 3]), null, { algorithm: "quick" as "fast" }),
    ArgumentError,
    "conv2d: unknown algorithm; expected direct or fast, got quick",
  ],
  [
    () => cg.batchNormRelu(zeros([2, 3]), zeros([3]), zeros([3]), { shortcut: zeros([2, 4]) }),
    ShapeError,
    "batchNorm: shortcut; expected [2,3], got [2,4]",
  ],
  [
    () => cg.batchNormRelu(zeros([2, 3]), zeros([4]), zeros([4])),
    ShapeError,
    "batchNorm: channel mismatch; expected vectors [3] for input [2,3], got [4]; channels are the last axis",
  ],
  [
    () => cg.conv2d(zeros([8, 8, 3]), zeros([4, 3, 3, 3])),
    ShapeError,
    "conv2d: rank mismatch; expected weight [O,I,K,K] for input [8,8,3], got [4,3,3,3]; layout is NHWC/OIHW",
  ],
  [
    () => cg.conv2d(zeros([1, 2, 2, 3]), zeros([4, 3, 3, 3])),
    ShapeError,
    "conv2d: window larger than the padded input; expected at least 3×3, got 2×2 from [1,2,2,3]",
  ],
  [
    () => cg.conv2d(zeros([1, 4, 4, 3]), zeros([4, 3, 3, 3]), zeros([3])),
    ShapeError,
    "conv2d: bias shape; expected [4], got [3]",
  ],
  [
    () => cg.linear(zeros([2, 5]), zeros([3, 4])),
    ShapeError,
    "linear: feature mismatch; expected weight [O,5] for input [2,5], got [3,4]; the layout of the weight is [out, in]",
  ],
  [
    () => cg.matmul(zeros([2, 3]), zeros([4, 5])),
    ShapeError,
    "matmul: inner extents differ; expected […,M,K] and […,K,N], got [2,3] and [4,5]",
  ],
  [
    () => cg.matmul(zeros([]), zeros([4, 5])),
    ShapeError,
    "matmul: operands are not matrices; expected rank 2 or more, got [] and [4,5]",
  ],
  [
    () => cg.matmul(zeros([2, 2, 3]), zeros([3, 3, 2])),
    ShapeError,
    "matmul: shapes do not broadcast; expected extents equal or 1, aligned at the last axis, got [2] and [3]",
  ],
  [
    () => cg.add(zeros([2, 3]), zeros([2])),
    ShapeError,
    "add: shapes do not broadcast; expected extents equal or 1, aligned at the last axis, got [2,3] and [2]",
  ],
  [
    () => zeros([2, 3]).reshape([4, -1]),
    ShapeError,
    "reshape: size changes; expected 6 elements as in [2,3], got [4,-1]",
  ],
  [() => zeros([2, 3]).sum(2), ShapeError, "sum: axis out of range; expected an integer in [-2, 1], got 2"],
  [() => zeros([2, 3]).sum([0, -2]), ShapeError, "sum: repeated axis; expected distinct axes, got [0,0]"],
  [() => zeros([2, 0]).max(1), ShapeError, "max: no elements; expected at least one along the axes, got [2,0]"],
  [() => zeros([0]).mean(), ShapeError, "mean: no elements; expected at least one along the axes, got [0]"],
  [() => zeros([2, 0]).argmin(1), ShapeError, "argmin: no elements; expected at least one along the axes, got [2,0]"],
  [
    () => zeros([2, 3]).permute([0, 0]),
    ShapeError,
    "permute: not a permutation; expected each of 2 axes once, got [0,0]",
  ],
  [
    () => cg.broadcastTo(zeros([2, 3]), [3, 3]),
    ShapeError,
    "broadcastTo: shape does not broadcast; expected extents equal to those of [3,3] or 1, got [2,3]",
  ],
  [
    () => cg.concat([zeros([2, 3]), zeros([2, 4])]),
    ShapeError,
    "concat: shapes differ; expected [2,3] but for axis 0, got [2,4]",
  ],
  [() => cg.squeeze(zeros([2, 1]), 0), ShapeError, "squeeze: extent is not 1; expected axes of extent 1, got [2,1]"],
  [() => zeros([2]).slice(null, null), ShapeError, "slice: more ranges than axes; expected at most 1 for [2], got 2"],
  [() => zeros([2]).slice(2), ShapeError, "slice: axis out of range; expected an integer in [-2, 1], got 2"],
  [
    () => cg.batchNorm(zeros([4, 3]), zeros([2]), zeros([3])),
    ShapeError,
    "batchNorm: channel mismatch; expected vectors [3] for input [4,3], got [2]; channels are the last axis",
  ],
  [
    () => cg.batchNorm(zeros([1, 3]), zeros([3]), zeros([3])),
    ShapeError,
    "batchNorm: one value per channel in training; expected at least two, got [1,3]; use a larger batch, or eval()",
  ],
  [
    () => cg.crossEntropy(zeros([4, 3]), ints([0, 1])),
    ShapeError,
    "crossEntropy: labels do not fit the logits; expected [4] for logits [4,3], got [2]; labels are class numbers, not one-hot rows",
  ],
  [
    () => cg.mse(zeros([4, 1]), zeros([4])),
    ShapeError,
    "mse: shapes differ; expected [4,1], got [4]; broadcasting a target is almost always a mistake: use broadcastTo if you mean it",
  ],
  [
    () => cg.huberLoss(zeros([4, 1]), zeros([4])),
    ShapeError,
    "huberLoss: shapes differ; expected [4,1], got [4]; broadcasting a target is almost always a mistake: use broadcastTo if you mean it",
  ],
  [
    () => cg.l1Loss(zeros([0]), zeros([0])),
    ShapeError,
    'l1Loss: mean over no examples; expected at least one, got [0]; reduction "sum" gives 0',
  ],
  [
    () => cg.gather(zeros([2, 3]), 1, tensor([[0], [0], [0]], { dtype: "i32" })),
    ShapeError,
    "gather: indices do not fit; expected rank 2 and extents within [2,3] but for axis 1, got [3,1]",
  ],
  [() => zeros([2, 3]).item(), ShapeError, "item: not a single element; expected size 1, got [2,3]"],
  [() => zeros([2, -1]), ShapeError, "zeros: bad extent; expected non-negative integers, got [2,-1]"],
  [() => tensor([1, 2, 3], { shape: [2] }), ShapeError, "array: number of values; expected 2 for [2], got 3"],
];

const types: Case[] = [
  [
    () => cg.add(zeros([2]), zeros([2], { dtype: "f64" })),
    DTypeError,
    'add: types differ; expected all f32 or all f64, got f32 and f64; convert one of them with cast(x, "f32")',
  ],
  [
    () => cg.mul(ints([1]), 2),
    DTypeError,
    'mul: not a real array; expected f32 or f64, got i32; convert it with cast(x, "f32")',
  ],
  [
    () => cg.greater(zeros([2]), 0).sum(),
    DTypeError,
    'sum: not a real array; expected f32 or f64, got bool; convert it with cast(x, "f32")',
  ],
  [
    () => cg.where(zeros([2]), 1, zeros([2])),
    DTypeError,
    "where: condition; expected bool, got f32; compare first, as in where(greater(x, 0), x, 0)",
  ],
  [
    () => cg.crossEntropy(zeros([1, 3]), zeros([1])),
    DTypeError,
    'crossEntropy: indices are not integers; expected i32, got f32; convert them with cast(x, "i32")',
  ],
  [
    () => cg.crossEntropy(zeros([1, 3]), new Tensor(NDArray.from([1], [1], "u8", 0.5))),
    DTypeError,
    'crossEntropy: indices are not integers; expected i32, got f32; convert them with cast(x, "i32")',
  ],
  [
    () => cg.indexSelect(zeros([3]), new Tensor(NDArray.from([1], [1], "u8", 0.5))),
    DTypeError,
    'indexSelect: indices are not integers; expected i32, got coded u8 (real values); convert them with cast(x, "i32")',
  ],
  [
    () => cg.conv2d(ints([1]).reshape([1, 1, 1, 1]), zeros([1, 1, 1, 1])),
    DTypeError,
    'conv2d: not a real array; expected f32 or f64, got i32; convert it with cast(x, "f32")',
  ],
  [() => cg.concat([zeros([1]), ints([1])]), DTypeError, "concat: types differ; expected f32, got i32"],
];

const options: Case[] = [
  [
    () => cg.crossEntropy(zeros([3, 10]), ints([0, 12, 3])),
    ArgumentError,
    "crossEntropy: label out of range at index 1; expected an integer in [0, 9], got 12; set ignoreIndex for labels that mean none",
  ],
  [
    () => cg.crossEntropy(zeros([1, 3]), ints([0]), { reduction: "average" as never }),
    ArgumentError,
    "crossEntropy: unknown reduction; expected mean, sum or none, got average",
  ],
  [
    () => cg.crossEntropy(zeros([1, 3]), ints([0]), { labelSmoothing: 2 }),
    ArgumentError,
    "crossEntropy: bad labelSmoothing; expected a number in [0, 1], got 2",
  ],
  [
    () => cg.crossEntropy(zeros([1, 3]), ints([0]), { classWeights: [1, 2] }),
    ArgumentError,
    "crossEntropy: bad classWeights; expected a list of 3, each a finite number ≥ 0, got a list of 2; a number ≥ 0 for each of 3 classes",
  ],
  [
    () => cg.crossEntropy(zeros([1, 2]), ints([0]), { classWeights: [1, -2] }),
    ArgumentError,
    "crossEntropy: bad classWeights; expected a list, each a finite number ≥ 0, got a list of 2",
  ],
  [
    () => cg.distillationLoss(zeros([1, 3]), zeros([1, 3]), { temperature: 0 }),
    ArgumentError,
    "distillationLoss: bad temperature; expected a finite number > 0, got 0",
  ],
  [
    () => cg.distillationLoss(zeros([1, 3]), zeros([3])),
    ShapeError,
    "distillationLoss: shapes differ; expected [1,3], got [3]; broadcasting a target is almost always a mistake: use broadcastTo if you mean it",
  ],
  [
    () => cg.distillationLoss(zeros([4, 0]), zeros([4, 0])),
    ShapeError,
    "distillationLoss: no axis of classes; expected [..., C] with C ≥ 1, got [4,0]",
  ],
  [
    () => featureAffinityLoss(zeros([2, 3, 4]), zeros([2, 4, 4])),
    ShapeError,
    "featureAffinityLoss: features do not stand beside each other; expected [N, …, C] and [N, …, D] with the same examples and positions, and at least one channel, got [2,3,4] and [2,4,4]",
  ],
  [
    () => featureAffinityLoss(zeros([2, 3]), zeros([2, 3])),
    ShapeError,
    "featureAffinityLoss: features do not stand beside each other; expected [N, …, C] and [N, …, D] with the same examples and positions, and at least one channel, got [2,3] and [2,3]",
  ],
  [
    () => featureAffinityLoss(zeros([2, 3, 4]), zeros([2, 3, 0])),
    ShapeError,
    "featureAffinityLoss: features do not stand beside each other; expected [N, …, C] and [N, …, D] with the same examples and positions, and at least one channel, got [2,3,4] and [2,3,0]",
  ],
  [
    () => cg.softCrossEntropy(zeros([]), zeros([])),
    ShapeError,
    "softCrossEntropy: no axis of classes; expected [..., C] with C ≥ 1, got []",
  ],
  [
    () => cg.huberLoss(zeros([1]), zeros([1]), { delta: 0 }),
    ArgumentError,
    "huberLoss: bad delta; expected a finite number > 0, got 0",
  ],
  [
    () => cg.binaryCrossEntropy(zeros([1]), zeros([1]), { positiveWeight: -1 }),
    ArgumentError,
    "binaryCrossEntropy: bad positiveWeight; expected a finite number > 0, got -1",
  ],
  [
    () => cg.l1Loss(zeros([1]), zeros([1]), { reduction: "average" as never }),
    ArgumentError,
    "l1Loss: unknown reduction; expected mean, sum or none, got average",
  ],
  [
    () => cg.conv2d(zeros([1, 4, 4, 1]), zeros([1, 1, 3, 3]), null, { stride: 0 }),
    ArgumentError,
    "conv2d: bad stride; expected an integer ≥ 1 or two, got 0",
  ],
  [
    () => cg.conv2d(zeros([1, 4, 4, 1]), zeros([1, 1, 3, 3]), null, { padding: "full" as never }),
    ArgumentError,
    'conv2d: bad padding; expected an integer ≥ 0, [vertical, horizontal], [top, bottom, left, right], "same" or "valid", got full',
  ],
  [
    () => cg.conv2d(zeros([1, 4, 4, 1]), zeros([1, 1, 3, 3]), null, { groups: 1.5 }),
    ArgumentError,
    "conv2d: bad groups; expected an integer ≥ 1, got 1.5",
  ],
  [
    () => cg.maxPool2d(zeros([1, 4, 4, 1]), 2, { padding: 2 }),
    ArgumentError,
    "maxPool2d: padding exceeds half of the window; expected at most half of 2×2, got 2",
  ],
  [
    () => cg.maxPool2d(zeros([1, 5, 5, 1]), 2, { dilation: 6, padding: 3, stride: 1 }),
    ArgumentError,
    "maxPool2d: window of padding alone; expected a pixel in each window of 7×7, got 3",
  ],
  [
    () => cg.avgPool2d(zeros([1, 2, 2, 1]), 6, { padding: 1, ceilMode: true }),
    ArgumentError,
    "avgPool2d: ceil mode reaches beyond padding that counts; expected countIncludePad: false, got padding 1",
  ],
  [
    () => cg.dropout(zeros([2]), 1.5, new Rng(1)),
    ArgumentError,
    "dropout: bad probability; expected a number in [0, 1], got 1.5",
  ],
  [
    () => cg.indexSelect(zeros([3, 2]), [0, 3]),
    ArgumentError,
    "indexSelect: index out of range at position 1; expected an integer in [-3, 2], got 3",
  ],
  [
    () => cg.gather(zeros([2]), 0, ints([-3])),
    ArgumentError,
    "gather: index out of range at position 0; expected an integer in [-2, 1], got -3",
  ],
  [
    () => cg.oneHot([0, 4], 4),
    ArgumentError,
    "oneHot: index out of range at position 1; expected an integer in [0, 3], got 4",
  ],
  [() => cg.oneHot([0], 0), ArgumentError, "oneHot: bad classes; expected an integer ≥ 1, got 0"],
  [
    () => zeros([4]).slice([0, 4, 0]),
    ArgumentError,
    "slice: bad range; expected integers [start, stop, step] with step ≠ 0, got [0,4,0]",
  ],
  [
    () => cg.pad(zeros([2, 2]), [1]),
    ArgumentError,
    "pad: bad pads; expected [before, after] for each of 2 axes, integers ≥ 0, got [[1,1]]",
  ],
  [() => cg.concat([]), ArgumentError, "concat: nothing to join; expected at least one tensor, got none"],
  [() => tensor([[1, 2], [3]]), ArgumentError, "tensor: ragged at depth 1; expected equal lengths, got different ones"],
  [
    () => zeros([4, 4]).reshape([-1, -1]),
    ArgumentError,
    "reshape: more than one -1; expected at most one, got [-1,-1]",
  ],
  [() => cg.arange(0, 1, 0), ArgumentError, "arange: bad range; expected finite start and stop, step ≠ 0, got 0, 1, 0"],
  [() => cg.linspace(0, 1, -1), ArgumentError, "linspace: bad count; expected an integer ≥ 0, got -1"],
  [() => cg.rand([2], { dtype: "i32" }), ArgumentError, "rand: type; expected f32 or f64, got i32"],
  [() => cg.variance(zeros([1])), ArgumentError, "variance: too few elements; expected more than 1, got 1"],
];

const lifetimes: Case[] = [
  [
    () => {
      const x = zeros([2, 3]);
      x.dispose();
      return x.add(1);
    },
    DisposedError,
    "add: input 0, f32 [2,3], was disposed of; expected a live tensor, got one whose scope has closed or that was disposed of; return it from its scope, or keep() it",
  ],
  [
    () => {
      let escaped: Tensor | undefined;
      scope(() => {
        escaped = zeros([4]);
      });
      return escaped?.toArray();
    },
    DisposedError,
    "array: f32 [4] was disposed of; expected a live array, got one whose scope has closed or that was disposed of; return it from the scope, or keep() it",
  ],
  [
    () => scope(async () => zeros([1])),
    ScopeError,
    "scope: async function inside a scope; expected a synchronous function, got a promise; await outside, and open a scope around each synchronous step",
  ],
  [
    () => {
      zeros([1]);
      init({ backend: "reference" });
    },
    ScopeError,
    "init: arrays of the running backend are alive; expected none, got 1; call init() first, or dispose of them",
  ],
];

for (const [family, cases] of Object.entries({ shapes, types, options, lifetimes })) {
  describe(family, () => {
    for (const [run, type, message] of cases) {
      test(message, () => {
        scope(() => {
          let error: unknown;
          try {
            run();
          } catch (thrown) {
            error = thrown;
          }
          expect(error).toBeInstanceOf(type);
          expect((error as Error).message).toBe(message);
        });
      });
    }
  });
}
