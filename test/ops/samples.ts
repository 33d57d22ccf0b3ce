/** @file Samples for every op of the registry: a missing one does not compile. */
import { Rng } from "../../src/core/rng.js";
import { ACTIVATION_FNS } from "../../src/kernels/elementwise/activations.js";
import type { OpName } from "../../src/ops/index.js";
import type { Sample, SampleInput } from "../gradcheck.js";
import { convolutions, linearConvolutions } from "./conv-samples.js";
import { fixed, positive, spread, within } from "./sample-inputs.js";
import {
  avgPool1dSamples,
  conv1dSamples,
  convTransposeSamples,
  layerNormSamples,
  maxPool1dSamples,
  upsampleSamples,
} from "./shape-samples.js";

const broadcasting: Sample[] = [
  {
    note: "equal shapes",
    inputs: [
      [2, 3],
      [2, 3],
    ],
  },
  { note: "suffix", inputs: [[2, 3, 4], [4]] },
  { note: "scalar", inputs: [[2, 3], []] },
  { note: "scalar on the left", inputs: [[], [2, 3]] },
  {
    note: "inner axis",
    inputs: [
      [2, 1, 4],
      [3, 1],
    ],
  },
  {
    note: "leading ones",
    inputs: [
      [1, 3],
      [2, 3],
    ],
  },
  { note: "one side only", inputs: [[2, 3], { shape: [3], gradient: false }] },
];
/** The same, with a divisor away from 0. */
const quotients: Sample[] = broadcasting.map(({ note, inputs: [a, b] }) => ({
  note,
  inputs: [a, within(b, [0.5, 2.5])],
}));
const pairs: Sample[] = [
  { inputs: [spread([2, 3]), fixed([2, 3], [0.3, -0.9, 1.2, 0.05, -0.4, 0.8])] },
  { note: "broadcast", inputs: [spread([4, 3]), fixed([3], [0.31, -0.42, 0.07])] },
];
const linearUnary: Sample[] = [{ inputs: [[3, 4]], linear: true }];
const smooth: Sample[] = [{ inputs: [[3, 5]] }, { note: "scalar", inputs: [[]] }];
const kinked: Sample[] = [{ inputs: [spread([3, 5])] }];
const comparison: Sample[] = [{ inputs: [[2, 3], [3]] }];

const axes = [undefined, 0, 1, -1, [0, 2], [1, 2], [0, 1, 2]] as const;
const reductions = (input: SampleInput, linear: boolean): Sample[] =>
  axes.flatMap((axis) =>
    [false, true].map((keepDims) => ({
      note: `axis ${axis}, keep ${keepDims}`,
      inputs: [input],
      attrs: { axis, keepDims },
      linear,
    })),
  );

/** Pairs that stay away from |d| = 0, 0.4 and 1, where slopes jump. */
const pointwiseLosses = (attrs: object): Sample[] =>
  (["mean", "sum", "none"] as const).map((reduction) => ({
    note: `${reduction} ${JSON.stringify(attrs)}`,
    inputs: [fixed([6], [0.2, -0.7, 1.8, -2.5, 0.9, 0.05]), fixed([6], [0.1, -0.1, 0.2, 0.3, 0.65, 3])],
    attrs: { ...attrs, reduction },
  }));

export const samples: Record<OpName, readonly Sample[]> = {
  add: broadcasting.map((sample) => ({ ...sample, linear: true })),
  sub: broadcasting.map((sample) => ({ ...sample, linear: true })),
  mul: broadcasting,
  div: quotients,
  pow: [
    ...quotients.map(({ note, inputs: [a, b] }) => ({
      note,
      inputs: [within(a, [0.5, 2]), b],
    })),
    {
      note: "negative base, whole exponents",
      inputs: [fixed([4], [-1.5, -0.5, 2, -2]), { shape: [4], values: [2, 3, -1, 0], gradient: false }],
    },
  ],
  maximum: pairs,
  minimum: pairs,
  equal: comparison,
  notEqual: comparison,
  less: comparison,
  lessEqual: comparison,
  greater: comparison,
  greaterEqual: comparison,
  where: [
    { inputs: [fixed([2, 3], [1, 0, 1, 0, 0, 1], "bool"), [2, 3], [2, 3]], linear: true },
    { note: "broadcast", inputs: [fixed([2, 1], [1, 0], "bool"), [3], []], linear: true },
  ],
  clip: [{ inputs: [spread([4, 5])], attrs: { lo: -1.1, hi: 1.7 } }],
  neg: linearUnary,
  abs: kinked,
  exp: smooth,
  log: [{ inputs: [positive([3, 4])] }],
  sqrt: [{ inputs: [positive([3, 4])] }],
  tanh: smooth,
  sigmoid: smooth,
  relu: kinked,
  sign: kinked,
  floor: kinked,
  ceil: kinked,
  round: kinked,
  activation: ACTIVATION_FNS.flatMap((fn) => [
    { note: fn, inputs: [spread([4, 5])], attrs: { fn, alpha: 0.3, beta: 0.6 } },
    { note: `${fn}, near 0`, inputs: [within([3, 4], [1e-4, 8e-4])], attrs: { fn, alpha: -0.7, beta: 0.4 } },
  ]),
  prelu: [
    { inputs: [spread([3, 5]), [1]] },
    { note: "per channel", inputs: [spread([2, 2, 3, 2]), [2]] },
    { note: "scalar slope", inputs: [spread([4]), []] },
    {
      note: "slopes alone",
      inputs: [{ ...(spread([4, 3]) as object), gradient: false } as SampleInput, [3]],
      linear: true,
    },
  ],
  sum: reductions([2, 3, 4], true),
  mean: reductions([2, 3, 4], true),
  max: reductions(spread([2, 3, 4]), false),
  min: reductions(spread([2, 3, 4]), false),
  argmax: [{ inputs: [spread([2, 3])], attrs: { axis: 1 } }],
  argmin: [{ inputs: [spread([2, 3])], attrs: {} }],
  reshape: [
    { inputs: [[2, 6]], attrs: { shape: [3, -1] }, linear: true },
    { note: "to scalar", inputs: [[1, 1]], attrs: { shape: [] }, linear: true },
  ],
  permute: [
    { inputs: [[2, 3, 4]], attrs: { axes: [2, 0, 1] }, linear: true },
    { note: "negative axes", inputs: [[2, 3, 4, 2]], attrs: { axes: [0, -1, 2, 1] }, linear: true },
    { note: "nothing moves", inputs: [[2, 1, 3]], attrs: { axes: [1, 0, 2] }, linear: true },
  ],
  broadcastTo: [
    { inputs: [[3, 1]], attrs: { shape: [2, 3, 4] }, linear: true },
    { note: "scalar", inputs: [[]], attrs: { shape: [2, 2] }, linear: true },
  ],
  concat: [
    {
      inputs: [
        [2, 3],
        [2, 1],
        [2, 2],
      ],
      attrs: { axis: 1 },
      linear: true,
    },
    {
      note: "first axis, one fixed",
      inputs: [[2, 3], { shape: [1, 3], gradient: false }],
      attrs: { axis: -2 },
      linear: true,
    },
  ],
  slice: [
    { inputs: [[5, 4]], attrs: { ranges: [[1, 4], null] }, linear: true },
    {
      note: "steps",
      inputs: [[7, 5]],
      attrs: {
        ranges: [
          [null, null, 3],
          [null, null, -2],
        ],
      },
      linear: true,
    },
    {
      note: "negative ends",
      inputs: [[7, 5]],
      attrs: {
        ranges: [
          [-2, 0, -2],
          [-4, -1],
        ],
      },
      linear: true,
    },
  ],
  pad: [
    {
      inputs: [[2, 3]],
      attrs: {
        pads: [
          [1, 0],
          [2, 1],
        ],
        value: 0,
      },
      linear: true,
    },
    {
      note: "other value",
      inputs: [[2, 3]],
      attrs: {
        pads: [
          [0, 0],
          [1, 1],
        ],
        value: -3,
      },
      linear: true,
    },
  ],
  cast: [{ inputs: [[3]], attrs: { dtype: "f64" }, linear: true }],
  toInteger: [{ inputs: [[3]], attrs: { dtype: "i32" } }],
  indexSelect: [
    { inputs: [[4, 3], fixed([5], [0, 2, 2, -1, 0], "i32")], attrs: { axis: 0 }, linear: true },
    {
      note: "matrix of indices",
      inputs: [[2, 3, 2], fixed([2, 2], [2, 0, 1, 1], "i32")],
      attrs: { axis: 1 },
      linear: true,
    },
  ],
  gather: [
    { inputs: [[3, 4], fixed([3, 2], [0, 3, 1, 1, -1, 2], "i32")], attrs: { axis: 1 }, linear: true },
    {
      note: "fewer rows",
      inputs: [[3, 4], fixed([2, 4], [0, 2, 1, 1, 2, 0, 0, 2], "i32")],
      attrs: { axis: 0 },
      linear: true,
    },
  ],
  oneHot: [{ inputs: [fixed([3], [0, 2, 1], "i32")], attrs: { classes: 3, dtype: "f64" } }],
  matmul: [
    {
      inputs: [
        [3, 4],
        [4, 2],
      ],
    },
    {
      note: "stack",
      inputs: [
        [2, 3, 4],
        [2, 4, 2],
      ],
    },
    {
      note: "one matrix on the right",
      inputs: [
        [2, 3, 4],
        [4, 2],
      ],
    },
    {
      note: "one matrix on the left",
      inputs: [
        [3, 4],
        [2, 4, 2],
      ],
    },
    {
      note: "broadcast stacks",
      inputs: [
        [2, 1, 3, 2],
        [3, 2, 4],
      ],
    },
    { note: "linear in the left", inputs: [[2, 3, 4], { shape: [4, 2], gradient: false }], linear: true },
  ],
  linear: [
    {
      inputs: [
        [5, 3],
        [2, 3],
      ],
    },
    { note: "bias", inputs: [[4, 3], [2, 3], [2]] },
    { note: "more axes", inputs: [[2, 2, 3], [4, 3], [4]] },
    { note: "vector", inputs: [[3], [4, 3], [4]] },
    { note: "weight only", inputs: [{ shape: [4, 3], gradient: false }, [2, 3]], linear: true },
  ],
  conv2d: [...convolutions, ...linearConvolutions],
  conv1d: conv1dSamples,
  convTranspose2d: convTransposeSamples,
  maxPool1d: maxPool1dSamples,
  avgPool1d: avgPool1dSamples,
  upsample: upsampleSamples,
  layerNorm: layerNormSamples,
  maxPool2d: [
    { inputs: [spread([2, 4, 4, 2])], attrs: { kernel: 2 } },
    { note: "overlap, padding", inputs: [spread([1, 5, 4, 3])], attrs: { kernel: 3, stride: 2, padding: 1 } },
    { note: "rectangle", inputs: [spread([1, 5, 4, 1])], attrs: { kernel: [2, 3], stride: [1, 2], padding: "same" } },
    { note: "dilation", inputs: [spread([1, 5, 6, 2])], attrs: { kernel: 3, stride: 1, padding: 2, dilation: 2 } },
    { note: "ceil mode", inputs: [spread([1, 5, 4, 2])], attrs: { kernel: 3, stride: 3, ceilMode: true } },
  ],
  avgPool2d: [
    { inputs: [[2, 4, 4, 2]], attrs: { kernel: 2 }, linear: true },
    { note: "padding counts", inputs: [[1, 5, 4, 3]], attrs: { kernel: 3, stride: 2, padding: 1 }, linear: true },
    {
      note: "padding does not count",
      inputs: [[1, 5, 4, 3]],
      attrs: { kernel: 3, stride: 2, padding: 1, countIncludePad: false },
      linear: true,
    },
    { note: "dilation", inputs: [[1, 5, 6, 2]], attrs: { kernel: 2, dilation: [2, 3], padding: 1 }, linear: true },
    { note: "ceil mode", inputs: [[1, 5, 4, 2]], attrs: { kernel: 3, stride: 3, ceilMode: true }, linear: true },
  ],
  batchNormTrain: [
    { inputs: [[6, 3], positive([3]), [3]], attrs: { eps: 1e-3 } },
    { note: "images", inputs: [[2, 2, 3, 2], [2], [2]], attrs: { eps: 1e-5 } },
    { note: "γ and β only", inputs: [{ shape: [4, 2], gradient: false }, [2], [2]], attrs: { eps: 1e-5 } },
  ],
  batchNormRelu: [
    { inputs: [[6, 3], positive([3]), [3]], attrs: { eps: 1e-3 } },
    { note: "images and a shortcut", inputs: [[2, 2, 3, 2], [2], [2], [2, 2, 3, 2]], attrs: { eps: 1e-5 } },
    {
      note: "γ, β and the shortcut only",
      inputs: [{ shape: [4, 2], gradient: false }, [2], [2], [4, 2]],
      attrs: { eps: 1e-5 },
    },
  ],
  batchNormEval: [
    { inputs: [[6, 3], [3], [3], [3], positive([3])], attrs: { eps: 1e-3 } },
    {
      note: "fixed statistics",
      inputs: [
        [2, 2, 2, 2],
        [2],
        [2],
        { shape: [2], gradient: false },
        { shape: [2], range: [0.5, 2], gradient: false },
      ],
      attrs: { eps: 1e-5 },
    },
  ],
  dropout: [
    { inputs: [[4, 5]], attrs: () => ({ p: 0.4, rng: new Rng(5) }), linear: true },
    { note: "everything", inputs: [[2, 2]], attrs: () => ({ p: 1, rng: new Rng(5) }), linear: true },
  ],
  softmax: [
    { inputs: [[3, 4]], attrs: { axis: -1 } },
    { note: "first axis", inputs: [[3, 2, 2]], attrs: { axis: 0 } },
  ],
  logSoftmax: [
    { inputs: [[3, 4]], attrs: { axis: 1 } },
    { note: "middle axis", inputs: [[2, 3, 2]], attrs: { axis: 1 } },
  ],
  crossEntropy: [
    { inputs: [[4, 3], fixed([4], [0, 2, 1, 2], "i32")], attrs: {} },
    { note: "smoothing", inputs: [[4, 3], fixed([4], [0, 2, 1, 2], "u8")], attrs: { labelSmoothing: 0.2 } },
    {
      note: "ignored labels",
      inputs: [[4, 3], fixed([4], [0, -1, 1, -1], "i32")],
      attrs: { ignoreIndex: -1, labelSmoothing: 0.1 },
    },
    ...(["mean", "sum", "none"] as const).map((reduction) => ({
      note: `weights of classes, ${reduction}`,
      inputs: [[5, 3], fixed([5], [0, 2, 1, -1, 0], "i32")],
      attrs: { reduction, classWeights: [0.5, 2, 0], labelSmoothing: 0.15, ignoreIndex: -1 },
    })),
    { note: "sum", inputs: [[4, 3], fixed([4], [0, 2, 1, 2], "i32")], attrs: { reduction: "sum" } },
    { note: "none", inputs: [[2, 2, 3], fixed([2, 2], [0, 2, 1, 2], "i32")], attrs: { reduction: "none" } },
  ],
  softCrossEntropy: [
    {
      inputs: [
        [4, 3],
        [4, 3],
      ],
      attrs: {},
    },
    { note: "sum, fixed targets", inputs: [[4, 3], { shape: [4, 3], gradient: false }], attrs: { reduction: "sum" } },
    {
      note: "none",
      inputs: [
        [2, 2, 3],
        [2, 2, 3],
      ],
      attrs: { reduction: "none" },
    },
  ],
  featureAffinityLoss: [
    { inputs: [spread([2, 2, 3, 4]), spread([2, 2, 3, 2])], attrs: {} },
    { note: "sum, the same channels", inputs: [spread([3, 4, 3]), spread([3, 4, 3])], attrs: { reduction: "sum" } },
    { note: "none", inputs: [spread([2, 5, 2]), spread([2, 5, 3])], attrs: { reduction: "none" } },
  ],
  distillationLoss: [
    {
      inputs: [
        [4, 3],
        [4, 3],
      ],
      attrs: {},
    },
    {
      note: "T = 1, sum",
      inputs: [
        [4, 3],
        [4, 3],
      ],
      attrs: { temperature: 1, reduction: "sum" },
    },
    {
      note: "none",
      inputs: [
        [2, 2, 3],
        [2, 2, 3],
      ],
      attrs: { temperature: 0.7, reduction: "none" },
    },
    { note: "fixed teacher", inputs: [[5, 4], { shape: [5, 4], gradient: false }], attrs: { temperature: 2.5 } },
    { note: "one example", inputs: [[3], [3]], attrs: { temperature: 2 } },
  ],
  mse: [
    {
      inputs: [
        [2, 3],
        [2, 3],
      ],
      attrs: {},
    },
    { note: "sum, fixed target", inputs: [[2, 3], { shape: [2, 3], gradient: false }], attrs: { reduction: "sum" } },
    { note: "none", inputs: [[4], [4]], attrs: { reduction: "none" } },
  ],
  l1Loss: pointwiseLosses({}),
  huberLoss: [...pointwiseLosses({}), ...pointwiseLosses({ delta: 0.4 })],
  binaryCrossEntropy: [...pointwiseLosses({}), ...pointwiseLosses({ positiveWeight: 2.5 })],
};
