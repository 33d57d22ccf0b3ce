/** @file Files as people have them: unfolded constants, values beside the file, other spellings of one network. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { pack, verify } from "../../src/export/index.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { decodeModel, encodeModel } from "../../src/onnx/codec.js";
import {
  externalFiles,
  type ImportOptions,
  importOnnx,
  type OnnxNetwork,
  withExternalData,
} from "../../src/onnx/index.js";
import { ELEMENT } from "../../src/onnx/schema.js";
import { calibrate, prepare } from "../../src/quant/index.js";
import { channelsLast, evaluate, relativeError } from "./agreement.js";
import { messageOf, modelBytes, type TestModel } from "./graphs.js";
import { type Runtime, webRuntime } from "./runtimes.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

const rng = new Rng("people");
const random = (count: number): Float32Array => Float32Array.from({ length: count }, () => rng.normal());
const weight = (...shape: number[]) => ({ shape, data: random(shape.reduce((a, b) => a * b, 1)) });
const ints = (...data: number[]) => ({ shape: [data.length], data, ints: true });
const whole = (value: number) => ({ shape: [], data: [value], ints: true });
const number = (value: number) => ({ shape: [], data: [value] });

/** Values of the file's input as this library's, by the file's shape and the network's. */
function fed(net: OnnxNetwork, data: Float32Array, shape: readonly number[]): Float32Array {
  const [h, w, c] = net.inputShape;
  const first = net.inputShape.length === 3 && c > 1 && `${shape}` !== `${net.inputShape}`;
  return first ? channelsLast(data, [h, w, c]) : data;
}

const image = ["N", 3, 6, 6] as const;
const conv = (out: string, input = "x") => ({ op: "Conv", in: [input, "w"], out });
const w = weight(4, 3, 3, 3);

const MODELS: Record<string, TestModel> = {
  ...Object.fromEntries(
    Object.entries<readonly [number, TestModel["nodes"], TestModel["constants"]?]>({
      LeakyRelu: [16, [{ op: "LeakyRelu", in: ["c"] }]],
      "LeakyRelu of a slope": [16, [{ op: "LeakyRelu", in: ["c"], attributes: { alpha: { f: 0.3 } } }]],
      "PRelu of one slope": [16, [{ op: "PRelu", in: ["c", "one"] }], { one: { shape: [1], data: [0.3] } }],
      "PRelu per channel": [16, [{ op: "PRelu", in: ["c", "slopes"] }], { slopes: weight(4, 1, 1) }],
      Elu: [6 + 7, [{ op: "Elu", in: ["c"], attributes: { alpha: { f: 0.7 } } }]],
      Selu: [13, [{ op: "Selu", in: ["c"] }]],
      "Selu of other numbers": [13, [{ op: "Selu", in: ["c"], attributes: { alpha: { f: 0.5 }, gamma: { f: 1.5 } } }]],
      HardSigmoid: [13, [{ op: "HardSigmoid", in: ["c"] }]],
      "HardSigmoid (torch)": [13, [{ op: "HardSigmoid", in: ["c"], attributes: { alpha: { f: 1 / 6 } } }]],
      HardSwish: [14, [{ op: "HardSwish", in: ["c"] }]],
      Gelu: [20, [{ op: "Gelu", in: ["c"] }]],
      "Gelu by tanh": [20, [{ op: "Gelu", in: ["c"], attributes: { approximate: "tanh" } }]],
      "SiLU, x·Sigmoid(x)": [
        13,
        [
          { op: "Sigmoid", in: ["c"], out: "s" },
          { op: "Mul", in: ["c", "s"] },
        ],
      ],
      "Hardswish, HardSigmoid(x)·x (opset 13)": [
        13,
        [
          { op: "HardSigmoid", in: ["c"], out: "s", attributes: { alpha: { f: 1 / 6 } } },
          { op: "Mul", in: ["s", "c"] },
        ],
      ],
      "Hardswish, x·Clip(x + 3, 0, 6)/6": [
        13,
        [
          { op: "Add", in: ["c", "three"], out: "a" },
          { op: "Clip", in: ["a", "zero", "six"], out: "k" },
          { op: "Mul", in: ["c", "k"], out: "m" },
          { op: "Div", in: ["m", "six"] },
        ],
        { zero: number(0), three: number(3), six: number(6) },
      ],
      "GELU by Erf (torch)": [
        13,
        [
          { op: "Div", in: ["c", "root"], out: "d" },
          { op: "Erf", in: ["d"], out: "e" },
          { op: "Constant", in: [], out: "one", attributes: { value_float: { f: 1 } } },
          { op: "Add", in: ["e", "one"], out: "a" },
          { op: "Mul", in: ["c", "a"], out: "m" },
          { op: "Constant", in: [], out: "half", attributes: { value_float: { f: 0.5 } } },
          { op: "Mul", in: ["m", "half"] },
        ],
        { root: number(Math.SQRT2) },
      ],
      "GELU by Erf, halved first": [
        13,
        [
          { op: "Mul", in: ["half", "c"], out: "h" },
          { op: "Mul", in: ["c", "root"], out: "d" },
          { op: "Erf", in: ["d"], out: "e" },
          { op: "Add", in: ["one", "e"], out: "a" },
          { op: "Mul", in: ["h", "a"] },
        ],
        { root: number(Math.SQRT1_2), half: number(0.5), one: number(1) },
      ],
      "GELU by Tanh": [
        13,
        [
          { op: "Pow", in: ["c", "three"], out: "p" },
          { op: "Mul", in: ["p", "k"], out: "q" },
          { op: "Add", in: ["c", "q"], out: "r" },
          { op: "Mul", in: ["r", "root"], out: "u" },
          { op: "Tanh", in: ["u"], out: "t" },
          { op: "Add", in: ["t", "one"], out: "a" },
          { op: "Mul", in: ["c", "a"], out: "m" },
          { op: "Mul", in: ["half", "m"] },
        ],
        { three: number(3), k: number(0.044715), root: number(0.7978845834732056), half: number(0.5), one: number(1) },
      ],
    }).map(([name, [opset, nodes, constants]]) => [
      name,
      { opset, input: image, nodes: [conv("c"), ...nodes], constants: { w, ...constants } },
    ]),
  ),
  "a weight reshaped (mnist-8)": {
    input: ["N", 2, 3, 4],
    nodes: [
      { op: "Reshape", in: ["w", "s"], out: "w2" },
      { op: "Flatten", in: ["x"], out: "f" },
      { op: "MatMul", in: ["f", "w2"], out: "m" },
      { op: "Add", in: ["m", "b"] },
    ],
    constants: { w: weight(2, 3, 4, 5), s: ints(-1, 5), b: weight(1, 5) },
  },
  "a weight transposed, scaled, shifted, divided and joined": {
    input: ["N", 6],
    nodes: [
      { op: "Transpose", in: ["a"], out: "at" },
      { op: "Mul", in: ["at", "k"], out: "am" },
      { op: "Sub", in: ["am", "row"], out: "as" },
      { op: "Div", in: ["as", "column"], out: "ad" },
      { op: "Add", in: ["ad", "row"], out: "aa" },
      { op: "Concat", in: ["aa", "other"], out: "joined", attributes: { axis: -1 } },
      { op: "Identity", in: ["joined"], out: "same" },
      { op: "MatMul", in: ["x", "same"] },
    ],
    constants: {
      a: weight(3, 6),
      k: number(0.5),
      row: weight(3),
      column: { shape: [6, 1], data: [1, 2, -3, 4, 5, -6] },
      other: weight(6, 2),
    },
  },
  "a weight sliced, gathered, squeezed and unsqueezed": {
    input: ["N", 4],
    nodes: [
      { op: "Slice", in: ["a", "starts", "ends", "axes", "steps"], out: "cut" },
      { op: "Gather", in: ["cut", "order"], out: "some", attributes: { axis: 1 } },
      { op: "Unsqueeze", in: ["some", "zero"], out: "up" },
      { op: "Squeeze", in: ["up", "zero"], out: "down" },
      { op: "MatMul", in: ["x", "down"] },
    ],
    constants: {
      a: weight(9, 6),
      starts: ints(-2, 5),
      ends: ints(-100, 0),
      axes: ints(0, 1),
      steps: ints(-2, -1),
      order: ints(3, 0, -1),
      zero: ints(0),
    },
  },
  "a bias of zeros made by ConstantOfShape of a Shape": {
    input: ["N", 4],
    nodes: [
      { op: "Shape", in: ["b"], out: "s" },
      { op: "ConstantOfShape", in: ["s"], out: "z" },
      { op: "Max", in: ["b", "z"], out: "c" },
      { op: "Gemm", in: ["x", "w", "c"] },
    ],
    constants: { w: weight(4, 3), b: weight(3) },
  },
  "view(size(0), size(1)·size(2)·size(3)), unfolded": {
    input: ["N", 2, 3, 4],
    nodes: [
      { op: "Relu", in: ["x"], out: "r" },
      { op: "Shape", in: ["r"], out: "s" },
      { op: "Gather", in: ["s", "i0"], out: "n" },
      { op: "Gather", in: ["s", "i1"], out: "c" },
      { op: "Gather", in: ["s", "i2"], out: "h" },
      { op: "Slice", in: ["s", "three", "four", "zero"], out: "ws" },
      { op: "Squeeze", in: ["ws", "zero"], out: "w3" },
      { op: "Mul", in: ["c", "h"], out: "ch" },
      { op: "Mul", in: ["ch", "w3"], out: "chw" },
      { op: "Cast", in: ["chw"], out: "cast", attributes: { to: ELEMENT.INT64 } },
      { op: "Unsqueeze", in: ["n", "zero"], out: "nu" },
      { op: "Unsqueeze", in: ["cast", "zero"], out: "fu" },
      { op: "Concat", in: ["nu", "fu"], out: "to", attributes: { axis: 0 } },
      { op: "Reshape", in: ["r", "to"], out: "f" },
      { op: "Gemm", in: ["f", "w"] },
    ],
    constants: {
      i0: whole(0),
      i1: whole(1),
      i2: whole(2),
      three: ints(3),
      four: ints(4),
      zero: ints(0),
      w: weight(24, 3),
    },
  },
  "pads computed as torch's F.pad does": {
    input: ["N", 2, 3, 4],
    nodes: [
      { op: "ConstantOfShape", in: ["four"], out: "none" },
      { op: "Cast", in: ["none"], out: "rest", attributes: { to: ELEMENT.INT64 } },
      { op: "Concat", in: ["given", "rest"], out: "all", attributes: { axis: 0 } },
      { op: "Reshape", in: ["all", "pairs"], out: "two" },
      { op: "Slice", in: ["two", "last", "first", "zero", "back"], out: "turned" },
      { op: "Transpose", in: ["turned"], out: "flipped", attributes: { perm: [1, 0] } },
      { op: "Reshape", in: ["flipped", "flat"], out: "pads" },
      { op: "Cast", in: ["pads"], out: "ready", attributes: { to: ELEMENT.INT64 } },
      { op: "Pad", in: ["x", "ready"] },
    ],
    constants: {
      four: ints(4),
      given: ints(1, 2, 0, 3),
      pairs: ints(-1, 2),
      last: ints(-1),
      first: ints(-(2 ** 63)),
      zero: ints(0),
      back: ints(-1),
      flat: ints(-1),
    },
  },
  "Pad of named axes": {
    opset: 18,
    input: ["N", 2, 3, 4],
    nodes: [{ op: "Pad", in: ["x", "pads", "", "axes"] }],
    constants: { pads: ints(1, 0, 2, 3), axes: ints(-1, 1) },
  },
  "Pad of channels last": {
    input: ["N", 3, 4, 2],
    nodes: [
      { op: "Transpose", in: ["x"], out: "t", attributes: { perm: [0, 3, 1, 2] } },
      { op: "Transpose", in: ["t"], out: "u", attributes: { perm: [0, 2, 3, 1] } },
      { op: "Pad", in: ["u", "pads"], out: "p" },
      { op: "Flatten", in: ["p"] },
    ],
    constants: { pads: ints(0, 1, 0, 0, 0, 0, 2, 1) },
  },
  "Squeeze of pooled images": {
    input: image,
    nodes: [conv("c"), { op: "GlobalAveragePool", in: ["c"], out: "p" }, { op: "Squeeze", in: ["p", "axes"] }],
    constants: { w, axes: ints(2, 3) },
  },
  "Squeeze by attribute (opset 11)": {
    opset: 11,
    input: image,
    nodes: [
      conv("c"),
      { op: "GlobalAveragePool", in: ["c"], out: "p" },
      { op: "Squeeze", in: ["p"], attributes: { axes: [-1, -2] } },
    ],
    constants: { w },
  },
  "Squeeze of one axis after the other": {
    input: image,
    nodes: [
      conv("c"),
      { op: "GlobalMaxPool", in: ["c"], out: "p" },
      { op: "Squeeze", in: ["p", "three"], out: "q" },
      { op: "Squeeze", in: ["q", "two"] },
    ],
    constants: { w, three: ints(3), two: ints(2) },
  },
  "grey images without channels, Unsqueeze": {
    input: ["N", 8, 7],
    nodes: [
      { op: "Unsqueeze", in: ["x", "axis"], out: "u" },
      { op: "Conv", in: ["u", "w"] },
    ],
    constants: { w: weight(4, 1, 3, 3), axis: ints(1) },
  },
  "grey images without channels, Reshape": {
    input: ["N", 8, 7],
    nodes: [
      { op: "Reshape", in: ["x", "to"], out: "u" },
      { op: "Conv", in: ["u", "w"] },
    ],
    constants: { w: weight(4, 1, 3, 3), to: ints(-1, 1, 8, 7) },
  },
  "grey images without channels, flattened": {
    input: ["N", 8, 7],
    nodes: [
      { op: "Flatten", in: ["x"], out: "f" },
      { op: "Gemm", in: ["f", "w"] },
    ],
    constants: { w: weight(56, 3) },
  },
  "rows that are images of one channel": {
    input: ["N", 64],
    nodes: [
      { op: "Reshape", in: ["x", "to"], out: "i" },
      { op: "Conv", in: ["i", "w"] },
    ],
    constants: { w: weight(4, 1, 3, 3), to: ints(-1, 1, 8, 8) },
  },
  "rows that are images of three channels": {
    input: ["N", 75],
    nodes: [
      { op: "Reshape", in: ["x", "to"], out: "i" },
      { op: "Conv", in: ["i", "w"] },
    ],
    constants: { w, to: ints(0, 3, 5, -1) },
  },
  "rows in the middle that become images": {
    input: ["N", 5],
    nodes: [
      { op: "Gemm", in: ["x", "v"], out: "r" },
      { op: "Reshape", in: ["r", "to"], out: "i" },
      { op: "Conv", in: ["i", "w"] },
    ],
    constants: { v: weight(5, 60), w, to: ints(-1, 3, 4, 5) },
  },
  "a flattened image that becomes an image again": {
    input: ["N", 3, 4, 5],
    nodes: [
      { op: "Flatten", in: ["x"], out: "f" },
      { op: "Relu", in: ["f"], out: "r" },
      { op: "Reshape", in: ["r", "to"], out: "i" },
      { op: "Conv", in: ["i", "w"] },
    ],
    constants: { w, to: ints(-1, 3, 4, 5) },
  },
  "the mean of flattened pixels": {
    input: image,
    nodes: [
      conv("c"),
      { op: "Reshape", in: ["c", "to"], out: "l" },
      { op: "ReduceMean", in: ["l"], attributes: { axes: [2], keepdims: 0 } },
    ],
    constants: { w, to: ints(0, 4, -1) },
  },
  "mean(3).mean(2)": {
    input: ["N", 3, 6, 5],
    nodes: [
      { op: "ReduceMean", in: ["x"], out: "a", attributes: { axes: [3], keepdims: 0 } },
      { op: "ReduceMean", in: ["a"], attributes: { axes: [2], keepdims: 0 } },
    ],
  },
  "mean(2).mean(2)": {
    input: ["N", 3, 6, 5],
    nodes: [
      { op: "ReduceMean", in: ["x"], out: "a", attributes: { axes: [2], keepdims: 0 } },
      { op: "ReduceMean", in: ["a"], attributes: { axes: [-1], keepdims: 0 } },
    ],
  },
  "mean over rows, kept": {
    input: ["N", 3, 6, 5],
    nodes: [{ op: "ReduceMean", in: ["x"], attributes: { axes: [2] } }],
  },
  "the mean of channels last": {
    input: ["N", 6, 5, 3],
    nodes: [
      { op: "Transpose", in: ["x"], out: "t", attributes: { perm: [0, 3, 1, 2] } },
      { op: "Relu", in: ["t"], out: "r" },
      { op: "Transpose", in: ["r"], out: "u", attributes: { perm: [0, 2, 3, 1] } },
      { op: "ReduceMean", in: ["u"], attributes: { axes: [1, 2], keepdims: 0 } },
    ],
  },
  "channels last, rescaled at the input (Keras)": {
    input: ["N", 6, 5, 3],
    nodes: [
      { op: "Mul", in: ["x", "k"], out: "a" },
      { op: "Sub", in: ["a", "mean"], out: "b" },
      { op: "Transpose", in: ["b"], out: "t", attributes: { perm: [0, 3, 1, 2] } },
      { op: "Conv", in: ["t", "w"] },
    ],
    constants: { k: number(0.25), mean: weight(3), w },
  },
  "the shortcut of ResNet, option A: every second pixel, more channels": {
    input: image,
    nodes: [
      { op: "Slice", in: ["x", "zero", "end", "axes", "steps"], out: "s" },
      { op: "Pad", in: ["s", "pads"], out: "p" },
      { op: "Conv", in: ["x", "w5"], out: "c", attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } },
      { op: "Add", in: ["c", "p"] },
    ],
    constants: {
      zero: ints(0, 0),
      end: ints(99, 99),
      axes: ints(2, 3),
      steps: ints(2, 2),
      pads: ints(0, 1, 0, 0, 0, 1, 0, 0),
      w5: weight(5, 3, 3, 3),
    },
  },
  "a slice that begins in the middle": {
    input: ["N", 3, 9, 8],
    nodes: [{ op: "Slice", in: ["x", "start", "end", "axes", "steps"] }],
    constants: { start: ints(1, 2, -3), end: ints(3, 9, 7), axes: ints(1, 2, 3), steps: ints(1, 3, 1) },
  },
  "a slice by attributes (opset 9)": {
    opset: 9,
    input: ["N", 3, 9, 8],
    nodes: [{ op: "Slice", in: ["x"], attributes: { starts: [1], ends: [-1], axes: [2] } }],
  },
  "ReLU6 as Max and Min": {
    input: image,
    nodes: [
      { op: "Max", in: ["x", "lo"], out: "m" },
      { op: "Min", in: ["hi", "m"] },
    ],
    constants: { lo: number(0), hi: number(0.75) },
  },
  "Relu and Min": {
    input: image,
    nodes: [
      { op: "Relu", in: ["x"], out: "m" },
      { op: "Min", in: ["m", "hi"] },
    ],
    constants: { hi: number(0.75) },
  },
  "Max alone": { input: image, nodes: [{ op: "Max", in: ["lo", "x"] }], constants: { lo: number(-0.25) } },
  "Min, then Max below it": {
    input: image,
    nodes: [
      { op: "Min", in: ["x", "hi"], out: "m" },
      { op: "Max", in: ["m", "lo"] },
    ],
    constants: { lo: number(0.5), hi: number(-0.5) },
  },
  "Softmax over channels of one pixel (opset 11)": {
    opset: 11,
    input: image,
    nodes: [conv("c"), { op: "GlobalAveragePool", in: ["c"], out: "p" }, { op: "Softmax", in: ["p"] }],
    constants: { w },
  },
  LogSoftmax: { input: ["N", 6], nodes: [{ op: "LogSoftmax", in: ["x"], attributes: { axis: 1 } }] },
  "Sum of three": {
    input: ["N", 6],
    nodes: [
      { op: "Relu", in: ["x"], out: "r" },
      { op: "Tanh", in: ["x"], out: "t" },
      { op: "Sum", in: ["r", "x", "t"] },
    ],
  },
  "a difference of two values": {
    input: ["N", 6],
    nodes: [
      { op: "Relu", in: ["x"], out: "r" },
      { op: "Sub", in: ["r", "x"] },
    ],
  },
  "1 − x": { input: image, nodes: [{ op: "Sub", in: ["one", "x"] }], constants: { one: number(1) } },
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await webRuntime();
});

async function expectAgreement(
  bytes: Uint8Array,
  shape: readonly number[],
  { batch, ...options }: ImportOptions & { batch?: number | string } = {},
) {
  const count = typeof batch === "number" ? batch : 3;
  const data = random(count * shape.reduce((a, b) => a * b, 1));
  const session = await runtime.load(withExternalData(bytes, options.externalData ?? {}));
  const expected = (await session.run(data, [count, ...shape])).get(options.output ?? "out")!;
  await session.release();
  using net = importOnnx(bytes, options);
  const got = evaluate(net, fed(net, data, shape), net.inputShape);
  const [, c, h, wide] = expected.dims;
  const values = expected.data as Float32Array;
  expect(got.data).toHaveLength(values.length);
  expect(
    relativeError(got.data, expected.dims.length === 4 ? channelsLast(values, [h, wide, c]) : values),
  ).toBeLessThan(3e-6);
}

/** Values combined as residual gates, duelling heads and norms combine them. */
const gated: TestModel["nodes"] = [
  { op: "Conv", in: ["x", "w"], out: "c" },
  { op: "GlobalAveragePool", in: ["c"], out: "g" },
  { op: "Sigmoid", in: ["g"], out: "s" },
];
const pair: TestModel["nodes"] = [
  { op: "MatMul", in: ["x", "w"], out: "a" },
  { op: "MatMul", in: ["x", "v"], out: "b" },
];
const of = (op: string, attributes: Record<string, number | string | number[] | { f: number }>): TestModel => ({
  opset: 11,
  input: [1, 4, 6, 6],
  nodes: [{ op, in: ["x"], attributes }],
});
const shuffled = (channels: number, split: number[], perm: number[], shape: number[]): TestModel => ({
  input: ["N", channels, 4, 6],
  nodes: [
    { op: "Reshape", in: ["x", "split"], out: "r" },
    { op: "Transpose", in: ["r"], out: "t", attributes: { perm } },
    { op: "Reshape", in: ["t", "shape"] },
  ],
  constants: { split: ints(-1, ...split), shape: ints(-1, ...shape) },
});

const COMPUTED: Record<string, TestModel> = {
  "a gate for each channel (squeeze and excite)": {
    input: image,
    nodes: [...gated, { op: "Mul", in: ["c", "s"] }],
    constants: { w },
  },
  "a gate in front": { input: image, nodes: [...gated, { op: "Mul", in: ["s", "c"] }], constants: { w } },
  "a product and a quotient of one shape": {
    input: image,
    nodes: [
      ...gated,
      { op: "Mul", in: ["c", "c"], out: "m" },
      { op: "Sub", in: ["m", "g"], out: "d" },
      { op: "Exp", in: ["c"], out: "e" },
      { op: "Div", in: ["d", "e"] },
    ],
    constants: { w },
  },
  "values plus advantages less their mean (duelling heads)": {
    input: ["N", 5],
    nodes: [
      ...pair,
      { op: "ReduceMean", in: ["a"], out: "m", attributes: { axes: [1], keepdims: 1 } },
      { op: "Sub", in: ["a", "m"], out: "d" },
      { op: "Add", in: ["b", "d"] },
    ],
    constants: { w: weight(5, 4), v: weight(5, 1) },
  },
  "the larger and the smaller of two": {
    input: ["N", 5],
    nodes: [...pair, { op: "Max", in: ["a", "b"], out: "m" }, { op: "Min", in: ["m", "a"] }],
    constants: { w: weight(5, 4), v: weight(5, 4) },
  },
  "constants for each element of images (a mean image)": {
    input: ["N", 3, 4, 5],
    nodes: [
      { op: "Sub", in: ["x", "c"], out: "s" },
      { op: "Mul", in: ["k", "s"], out: "m" },
      { op: "Add", in: ["m", "r"] },
    ],
    constants: { c: weight(1, 3, 4, 5), k: weight(4, 5), r: weight(3, 4, 1) },
  },
  "a constant divided, to a power, a root": {
    input: ["N", 6],
    nodes: [
      { op: "Exp", in: ["x"], out: "e" },
      { op: "Div", in: ["c", "e"], out: "d" },
      { op: "Pow", in: ["d", "two"], out: "p" },
      { op: "Sqrt", in: ["p"], out: "s" },
      { op: "Reciprocal", in: ["s"], out: "r" },
      { op: "Pow", in: ["r", "k"], out: "q" },
      { op: "Log", in: ["q"], out: "l" },
      { op: "Neg", in: ["l"], out: "n" },
      { op: "Abs", in: ["n"] },
    ],
    constants: { c: { shape: [6], data: [1, 2, 3, 4, 5, 6] }, two: number(2), k: number(0.3) },
  },
  "softplus of small and large numbers": {
    input: ["N", 4],
    nodes: [
      { op: "Mul", in: ["x", "k"], out: "m" },
      { op: "Softplus", in: ["m"] },
    ],
    constants: { k: { shape: [4], data: [1, 10, 100, -1000] } },
  },
  "a power of folded constants": {
    input: ["N", 2],
    nodes: [
      { op: "Pow", in: ["a", "b"], out: "p" },
      { op: "Exp", in: ["p"], out: "e" },
      { op: "Log", in: ["e"], out: "l" },
      { op: "Mul", in: ["x", "l"] },
    ],
    constants: { a: { shape: [2], data: [1, 2] }, b: number(1.5) },
  },
  "sums over channels": of("ReduceSum", { axes: [1], keepdims: 1 }),
  "the largest over channels, without the axis": of("ReduceMax", { axes: [1], keepdims: 0 }),
  "the least over rows and columns, as rows": of("ReduceMin", { axes: [2, 3], keepdims: 0 }),
  "the mean over everything of one image": {
    input: [1, 4, 6, 6],
    nodes: [
      { op: "Exp", in: ["x"], out: "e" },
      { op: "ReduceMean", in: ["e"] },
    ],
  },
  "response norm over an odd number of channels": of("LRN", {
    size: 3,
    alpha: { f: 0.3 },
    beta: { f: 0.7 },
    bias: { f: 2 },
  }),
  "response norm over more than all": of("LRN", { size: 9 }),
  "mean and variance of each channel": of("MeanVarianceNormalization", {}),
  "mean and variance of an image": of("MeanVarianceNormalization", { axes: [1, 2, 3] }),
  "instance norm": {
    input: image,
    nodes: [{ op: "InstanceNormalization", in: ["x", "s", "b"], attributes: { epsilon: { f: 0.01 } } }],
    constants: { s: weight(3), b: weight(3) },
  },
  "blocks of channels as pixels": of("DepthToSpace", { blocksize: 2 }),
  "columns, rows, depth": of("DepthToSpace", { blocksize: 2, mode: "CRD" }),
  "blocks of pixels as channels": of("SpaceToDepth", { blocksize: 3 }),
  "a pixel shuffle by hand": shuffled(8, [2, 2, 2, 4, 6], [0, 1, 4, 2, 5, 3], [2, 8, 12]),
  "a channel shuffle": shuffled(6, [2, 3, 4, 6], [0, 2, 1, 3, 4], [6, 4, 6]),
  "a shuffle that ends in rows": shuffled(6, [2, 3, 4, 6], [0, 2, 1, 4, 3], [144]),
  "parts of channels, joined the other way round": {
    opset: 11,
    input: ["N", 5, 4, 4],
    nodes: [
      { op: "Split", in: ["x"], outs: ["a", "b"], attributes: { axis: 1, split: [2, 3] } },
      { op: "Concat", in: ["b", "a"], attributes: { axis: 1 } },
    ],
  },
  "equal parts of rows, one of them unused": {
    input: ["N", 6],
    nodes: [
      { op: "Split", in: ["x"], outs: ["a", "b", "c"], attributes: { axis: -1 } },
      { op: "Concat", in: ["c", "a"], attributes: { axis: 1 } },
    ],
  },
  "parts of flattened images": {
    input: ["N", 2, 3, 2],
    nodes: [
      { op: "Flatten", in: ["x"], out: "f" },
      { op: "Split", in: ["f", "sizes"], outs: ["a", "b"], attributes: { axis: 1 } },
      { op: "Slice", in: ["b", "from", "to", "axis"], out: "s" },
      { op: "Concat", in: ["s", "a"], attributes: { axis: 1 } },
    ],
    constants: { sizes: ints(5, 7), from: ints(1), to: ints(4), axis: ints(1) },
  },
  "channels and features again and again": {
    input: ["N", 2, 2, 3],
    nodes: [
      { op: "Tile", in: ["x", "two"], out: "t" },
      { op: "Flatten", in: ["t"], out: "f" },
      { op: "Tile", in: ["f", "three"] },
    ],
    constants: { two: ints(1, 2, 1, 1), three: ints(1, 3) },
  },
  "noise of a policy that is 0 (zeros and an expansion of a value's own shape)": {
    input: ["N", 3],
    nodes: [
      { op: "MatMul", in: ["x", "w"], out: "m" },
      { op: "Shape", in: ["m"], out: "s" },
      { op: "ConstantOfShape", in: ["s"], out: "z" },
      { op: "Exp", in: ["log"], out: "deviation" },
      { op: "Mul", in: ["z", "deviation"], out: "noise" },
      { op: "Add", in: ["m", "noise"], out: "a" },
      { op: "Shape", in: ["a"], out: "t" },
      { op: "Expand", in: ["a", "t"] },
    ],
    constants: { w: weight(3, 2), log: weight(2) },
  },
  "a pool in ceil mode that reaches further behind than in front": {
    input: ["N", 2, 6, 6],
    nodes: [
      {
        op: "MaxPool",
        in: ["x"],
        attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 },
      },
    ],
  },
  "a mean with more padding on one side": {
    input: ["N", 2, 6, 5],
    nodes: [
      { op: "AveragePool", in: ["x"], attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 2, 2, 1] } },
    ],
  },
  "grey images with channels last that a Reshape puts first": {
    input: ["N", 4, 5, 1],
    nodes: [
      { op: "Reshape", in: ["x", "first"], out: "r" },
      { op: "Conv", in: ["r", "w"], out: "c" },
      { op: "Reshape", in: ["c", "last"], out: "l" },
      { op: "Flatten", in: ["l"] },
    ],
    constants: { first: ints(-1, 1, 4, 5), w: weight(1, 1, 1, 1), last: ints(-1, 4, 5, 1) },
  },
};

describe("gives what onnxruntime-web gives", () => {
  it.each(Object.entries(MODELS))("%s", async (_, model) => {
    await expectAgreement(modelBytes(model), model.input.slice(1) as number[]);
  });

  it.each(Object.entries(COMPUTED))("%s", async (_, model) => {
    await expectAgreement(modelBytes(model), model.input.slice(1) as number[], { batch: model.input[0] });
  });

  it("leaves out what the wanted output does not need", async () => {
    const message = messageOf({
      input: ["N", 4],
      nodes: [
        { op: "MatMul", in: ["x", "w"] },
        { op: "ArgMax", in: ["out"], out: "label" },
      ],
      constants: { w: weight(4, 3) },
    });
    message.graph.output!.push({ name: "label" });
    await expectAgreement(encodeModel(message), [4], { output: "out" });
    expect(() => importOnnx(encodeModel(message), { output: "label" })).toThrow(
      /operator that is not supported.*ArgMax/,
    );
  });

  it("trains through what it computes", () => {
    scope(() => {
      for (const model of Object.values(COMPUTED)) {
        using net = importOnnx(modelBytes(model));
        const x = new Tensor(
          NDArray.from(random(net.inputShape.reduce((a, b) => a * b, 1)), [1, ...net.inputShape], "f32"),
          true,
        );
        const y = net.forward(x);
        y.mul(y).sum().backward();
        const gradient = x.grad?.toTypedArray() ?? new Float32Array();
        expect(gradient.length).toBeGreaterThan(0);
        expect(gradient.every(Number.isFinite)).toBe(true);
      }
    });
  });

  it.each([
    [
      "half precision, raw",
      ELEMENT.FLOAT16,
      [0x3c00, 0xc000, 0x3555, 0x0001, 0x83ff, 0x7bff],
      [1, -2, 0.333251953125, 2 ** -24, -1023 * 2 ** -24, 65504],
    ],
    ["bfloat16, raw", ELEMENT.BFLOAT16, [0x3f80, 0xc000, 0x3eab], [1, -2, 0.333984375]],
  ] as const)("%s", (_, dataType, bits, values) => {
    for (const typed of [false, true]) {
      const message = messageOf({
        input: ["N", bits.length],
        nodes: [{ op: "MatMul", in: ["x", "w"] }],
        constants: { w: weight(bits.length, 1) },
      });
      const [tensor] = message.graph.initializer!;
      delete tensor.rawData;
      tensor.dataType = dataType;
      if (typed) tensor.int32Data = [...bits];
      else tensor.rawData = new Uint8Array(Uint16Array.from(bits).buffer);
      using net = importOnnx(encodeModel(message));
      expect(Array.from(net.parameters()[0].toTypedArray())).toEqual([...values]);
    }
  });

  it.each([
    ["one scale", [], [], -1],
    ["a scale for each output", [3], [3], 0],
    ["a scale for each input", [4], [4], 1],
  ])("DequantizeLinear of weights, %s", async (_, scale, zero, axis) => {
    const message = messageOf({
      input: ["N", 4],
      nodes: [
        { op: "DequantizeLinear", in: ["q", "s", "z"], out: "w", attributes: axis < 0 ? {} : { axis } },
        { op: "Gemm", in: ["x", "w"], attributes: { transB: 1 } },
      ],
      constants: { s: weight(...scale) },
    });
    const codes = (shape: number[], name: string) => ({
      name,
      dims: shape,
      dataType: ELEMENT.INT8,
      rawData: Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.int(256)),
    });
    message.graph.initializer!.push(codes([3, 4], "q"), codes(zero, "z"));
    await expectAgreement(encodeModel(message), [4]);
  });

  it("both names of the standard domain", async () => {
    const message = messageOf(MODELS["1 − x"]);
    message.opsetImport!.push({ domain: "ai.onnx", version: 13 });
    using net = importOnnx(encodeModel(message));
    expect(net.inputShape).toEqual([6, 6, 3]);
  });
});

describe("external data", () => {
  const model: TestModel = {
    input: image,
    nodes: [{ op: "Conv", in: ["x", "w", "b"] }],
    constants: { w, b: weight(4) },
  };
  /** The model with its values in files of those names, in turn. */
  function parted(names: readonly string[], pad = 0): { bytes: Uint8Array; files: Record<string, Uint8Array> } {
    const message = messageOf(model);
    const parts: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, new Array(pad).fill(7)]));
    message.graph.initializer!.forEach((tensor, i) => {
      const location = names[i % names.length];
      const raw = tensor.rawData!;
      tensor.externalData = [
        { key: "location", value: location },
        { key: "offset", value: `${parts[location].length}` },
        { key: "length", value: `${raw.length}` },
      ];
      tensor.dataLocation = 1;
      delete tensor.rawData;
      parts[location].push(...raw);
    });
    const files = Object.fromEntries(Object.entries(parts).map(([name, list]) => [name, Uint8Array.from(list)]));
    return { bytes: encodeModel(message), files };
  }
  const weightsOf = (bytes: Uint8Array, options: ImportOptions = {}): string => {
    using net = importOnnx(bytes, options);
    return JSON.stringify(net.parameters().map((parameter) => Array.from(parameter.toTypedArray())));
  };

  it.each([[["a.data"]], [["a.data", "b.data"]]])("in %j is read as if it were inside", async (names) => {
    for (const pad of [0, 64]) {
      const { bytes, files } = parted(names, pad);
      expect(externalFiles(bytes)).toEqual(names);
      const inside = weightsOf(modelBytes(model));
      expect(weightsOf(bytes, { externalData: files })).toBe(inside);
      expect(weightsOf(bytes, { externalData: new Map(Object.entries(files)) })).toBe(inside);
      if (names.length === 1) expect(weightsOf(bytes, { externalData: files["a.data"] })).toBe(inside);
      expect(weightsOf(withExternalData(bytes, files))).toBe(inside);
      await expectAgreement(bytes, [3, 6, 6], { externalData: files });
    }
  });

  it("that is missing, too short or badly described is refused by name", () => {
    const { bytes, files } = parted(["a.data"]);
    expect(() => importOnnx(bytes, { file: "f.onnx" })).toThrow(/initializer "w".*the bytes of a\.data, got none/);
    expect(() => importOnnx(bytes, { externalData: { "b.data": files["a.data"] } })).toThrow(/the bytes of a\.data/);
    expect(() => importOnnx(bytes, { externalData: files["a.data"].subarray(0, 440) })).toThrow(
      /"b": external data in a\.data; expected 448 bytes at least, got 440/,
    );
    for (const [key, value, message] of [
      ["offset", "-4", /offset of external data/],
      ["length", "x", /length of external data/],
      ["length", "428", /expected 108, got 107/],
    ] as const) {
      const changed = decodeModel(bytes, "f");
      changed.graph!.initializer![0].externalData!.find((entry) => entry.key === key)!.value = value;
      expect(() => importOnnx(encodeModel(changed), { externalData: files })).toThrow(message);
    }
    expect(() => importOnnx(bytes, { externalData: "a.data" as never })).toThrow(/externalData; expected bytes/);
  });
});

describe("names, extents and outputs", () => {
  const named: TestModel = {
    input: ["N", 3, 6, 6],
    nodes: [
      { op: "Conv", in: ["x", "convA.weight"], out: "c" },
      { op: "Relu", name: "/layerB/Act/Relu", in: ["c"], out: "r" },
      { op: "Flatten", in: ["r"], out: "f" },
      { op: "Gemm", in: ["f", "head.fcOut.weight"] },
    ],
    constants: { "convA.weight": w, "head.fcOut.weight": weight(64, 5) },
  };

  it("keys are written as in the file", () => {
    using net = importOnnx(modelBytes(named));
    expect([...net.stateDict().keys()]).toEqual(["convA.weight", "head.fcOut.weight"]);
    expect(net.get("layerB.Act").constructor.name).toBe("ReLU");
  });

  it("states that were saved under names in lower case fit still", () => {
    using net = importOnnx(modelBytes(named));
    const old = new Map(
      [...net.stateDict()].map(([key, a]) => [
        key.toLowerCase(),
        { shape: a.shape, data: (a.toTypedArray() as Float32Array).map((v) => v + 1) },
      ]),
    );
    const first = net.parameters()[0].toTypedArray()[0];
    net.loadStateDict(old);
    expect(net.parameters()[0].toTypedArray()[0]).toBe(Math.fround(first + 1));
    old.set("else.weight", { shape: [1], data: Float32Array.of(1) });
    expect(() => net.loadStateDict(old)).toThrow(/extra: else\.weight/);
  });

  it("names of methods cover none", () => {
    for (const name of ["loadStateDict", "namedModules", "train", "constructor", "notes"]) {
      using net = importOnnx(
        modelBytes({
          input: image,
          nodes: [{ op: "Conv", in: ["x", `${name}.weight`] }],
          constants: { [`${name}.weight`]: w },
        }),
      );
      expect([...net.stateDict().keys()]).toEqual([`layer${name}.weight`]);
    }
  });

  it.each([-1, 0])("extents of %d are open to inputShape", (open) => {
    const bytes = modelBytes({ input: [open, 3, open, open], nodes: [conv("out")], constants: { w } });
    using net = importOnnx(bytes, { inputShape: [7, 5, 3] });
    expect(net.inputShape).toEqual([7, 5, 3]);
    expect(() => importOnnx(bytes)).toThrow(/inputShape|at least 1/);
    expect(() => importOnnx(bytes, { inputShape: [7, 5, 4] })).toThrow(/inputShape/);
  });

  it("one of several outputs is taken by name", async () => {
    const message = messageOf({ input: image, nodes: [conv("c"), { op: "Relu", in: ["c"] }], constants: { w } });
    message.graph.output!.push({ ...message.graph.output![0], name: "c" });
    const bytes = encodeModel(message);
    expect(() => importOnnx(bytes)).toThrow(/outputs; expected one, got out, c; say which one is wanted: output/);
    for (const output of ["out", "c"]) await expectAgreement(bytes, [3, 6, 6], { output });
  });

  it.each(["Softmax", "LogSoftmax"])("a %s at the end is left out for training, with a note", (op) => {
    for (const model of [
      {
        input: ["N", 6],
        nodes: [
          { op: "Gemm", in: ["x", "w"], out: "g" },
          { op, in: ["g"] },
        ],
        constants: { w: weight(6, 4) },
      },
      {
        opset: 11,
        input: image,
        nodes: [
          conv("c"),
          { op: "GlobalAveragePool", in: ["c"], out: "p" },
          { op, in: ["p"], out: "s" },
          { op: "Flatten", in: ["s"] },
        ],
        constants: { w },
      },
    ] satisfies TestModel[]) {
      using all = importOnnx(modelBytes(model));
      using net = importOnnx(modelBytes(model), { logits: true });
      expect(all.notes).toEqual([]);
      expect(net.notes).toEqual([expect.stringContaining(`(${op}): left out`)]);
      expect([...all.namedModules()].length - [...net.namedModules()].length).toBe(1);
    }
    // Attention in the middle stays.
    using net = importOnnx(
      modelBytes({
        input: ["N", 6],
        nodes: [
          { op, in: ["x"], out: "s" },
          { op: "Gemm", in: ["s", "w"] },
        ],
        constants: { w: weight(6, 4) },
      }),
      { logits: true },
    );
    expect(net.notes).toEqual([]);
  });
});

it("such networks quantize, pack and verify", async () => {
  const model = MODELS["the shortcut of ResNet, option A: every second pixel, more channels"];
  using net = importOnnx(
    modelBytes({
      input: image,
      constants: {
        ...model.constants,
        first: weight(3, 3, 1, 1),
        v: weight(45, 4),
        hi: number(6),
        lo: number(0),
        axes2: ints(2, 3),
      },
      nodes: [
        { op: "Conv", in: ["x", "first"], out: "a" },
        { op: "Max", in: ["a", "lo"], out: "b" },
        { op: "Min", in: ["b", "hi"], out: "y" },
        ...model.nodes.map((node) => ({
          ...node,
          in: node.in.map((name) => (name === "x" ? "y" : name)),
          out: node.out ?? "sum",
        })),
        { op: "Relu", in: ["sum"], out: "r" },
        { op: "Flatten", in: ["r"], out: "f" },
        { op: "Gemm", in: ["f", "v"] },
      ],
    }),
  );
  const images = random(2 * 108);
  prepare(net, { weights: 1, activations: 4 });
  await calibrate(net, [{ images, shape: [2, 6, 6, 3] }], { batches: 1 });
  const found = await verify(net, pack(net.eval(), { inputShape: [6, 6, 3], inputType: "f32" }), { images });
  expect(found.identical).toBe(true);
  expect(found.layers.some(({ kind }) => kind === "codes")).toBe(true);
});
