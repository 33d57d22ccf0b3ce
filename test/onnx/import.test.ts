/** @file Import: files of PyTorch, and each operator against onnxruntime-web, the traps above all. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { crossEntropy } from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { pack, verify } from "../../src/export/index.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { lenet5, mlp, resnet20 } from "../../src/models/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { type BatchNorm2d, type Dropout, ReLU } from "../../src/nn/index.js";
import { exportOnnx, importOnnx } from "../../src/onnx/index.js";
import { BCGD } from "../../src/optim/index.js";
import { calibrate, prepare } from "../../src/quant/index.js";
import { settle } from "../export/nets.js";
import { channelsLast, evaluate, relativeError, trainingValues } from "./agreement.js";
import { modelBytes, type TestModel } from "./graphs.js";
import { type Runtime, webRuntime } from "./runtimes.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

/** [N,C,H,W] elements as [N,H,W,C]; rows as they are. */
function ours(data: Float32Array, [c, h, w]: readonly number[]): Float32Array {
  return h === undefined ? data : channelsLast(data, [h, w, c]);
}

interface Fixture {
  name: string;
  ops: string[];
  state: Record<string, number[]>;
  shape: number[];
  input: number[];
  output: number[];
}
const FIXTURES = path.join(import.meta.dirname, "../fixtures");
const { cases } = JSON.parse(readFileSync(path.join(FIXTURES, "onnx.json"), "utf8")) as { cases: Fixture[] };
const fixture = (name: string): Uint8Array => readFileSync(path.join(FIXTURES, "onnx", `${name}.onnx`));

describe.each(cases)("$name.onnx of PyTorch", ({ name, shape, input, output }) => {
  const images = ours(Float32Array.from(input), shape);

  it("gives PyTorch's output", () => {
    using net = importOnnx(fixture(name), { file: name });
    expect(net.inputShape).toEqual([shape[1], shape[2], shape[0]]);
    expect(relativeError(evaluate(net, images, net.inputShape).data, output)).toBeLessThan(2e-6);
  });

  it("quantizes with prepare, trains, packs and verifies", async () => {
    // A softmax at the end has no place in a packed network.
    using net = importOnnx(fixture(name), { file: name });
    const softmax = net.namedModules().get("softmax");
    if (softmax !== undefined) net.replace("softmax", new ReLU());
    prepare(net, { weights: 1, activations: 4 });
    const x = (): Tensor => new Tensor(NDArray.from(images, [2, ...net.inputShape], "f32"));
    await calibrate(net, [{ images, shape: [2, ...net.inputShape] }], { batches: 1 });
    net.train();
    using optimizer = new BCGD(net.parameters(), { lr: 0.01, momentum: 0.9, rho: 1e-5 });
    const before = net.parameters().map((parameter) => parameter.toTypedArray());
    scope(() => {
      optimizer.zeroGrad();
      crossEntropy(net.forward(x()), new Tensor(NDArray.from([0, 1], [2], "i32"))).backward();
      optimizer.step();
    });
    expect(net.parameters().some((parameter, i) => `${parameter.toTypedArray()}` !== `${before[i]}`)).toBe(true);
    const packing = { inputShape: net.inputShape, inputType: "f32" as const };
    const found = await verify(net, pack(net, packing), { images });
    expect(found.identical).toBe(true);
    expect(found.layers.some(({ kind }) => kind === "codes")).toBe(true);
  });
});

it("names layers, parameters and statistics as PyTorch does", () => {
  const { state } = cases.find(({ name }) => name === "residual")!;
  using net = importOnnx(fixture("residual"));
  expect([...net.stateDict().keys()].sort()).toEqual(Object.keys(state).sort());
  for (const [key, array] of net.stateDict()) expect(Array.from(array.view().slice(0, 3)), key).toEqual(state[key]);
  const bn1 = net.get("bn1") as BatchNorm2d;
  expect([bn1.eps, bn1.momentum]).toEqual([Math.fround(1e-3), 0.03]);
});

const rng = new Rng("import");
const random = (count: number): Float32Array => Float32Array.from({ length: count }, () => rng.normal());
const weight = (...shape: number[]) => ({ shape, data: random(shape.reduce((a, b) => a * b, 1)) });
const positive = (n: number) => ({ shape: [n], data: random(n).map((v) => v * v + 0.1) });
const ints = (...data: number[]) => ({ shape: [data.length], data, ints: true });
const pool = (
  op: string,
  attributes: NonNullable<TestModel["nodes"][number]["attributes"]>,
  size: [number, number] = [7, 8],
): TestModel => ({
  opset: 19,
  input: ["N", 2, ...size],
  // Negative values: padding must not be the largest.
  nodes: [
    { op: "Sub", in: ["x", "five"], out: "low" },
    { op, in: ["low"], attributes: { kernel_shape: [3, 3], ...attributes } },
  ],
  constants: { five: { shape: [], data: [5] } },
});
const conv = (
  attributes: NonNullable<TestModel["nodes"][number]["attributes"]>,
  w = weight(4, 3, 3, 3),
): TestModel => ({
  input: ["N", 3, 8, 7],
  nodes: [{ op: "Conv", in: ["x", "w", "b"], attributes }],
  constants: { w, b: weight(w.shape[0]) },
});

const MODELS: Record<string, TestModel> = {
  "MaxPool pads with -infinity": pool("MaxPool", { pads: [1, 1, 1, 1], strides: [2, 2] }),
  "MaxPool with asymmetric pads": pool("MaxPool", { pads: [1, 0, 0, 1] }),
  "MaxPool in ceil mode": pool("MaxPool", { ceil_mode: 1, strides: [2, 2] }),
  "MaxPool in ceil mode, a window that would start in the padding": pool(
    "MaxPool",
    { ceil_mode: 1, strides: [2, 2], pads: [1, 1, 1, 1], kernel_shape: [2, 2] },
    [6, 7],
  ),
  "MaxPool in ceil mode, one row in the last window": pool("MaxPool", { ceil_mode: 1, strides: [3, 3] }),
  "MaxPool in ceil mode, of an image smaller than the window": pool(
    "MaxPool",
    { ceil_mode: 1, strides: [2, 2] },
    [2, 4],
  ),
  "MaxPool with dilation": pool("MaxPool", { dilations: [2, 3] }),
  "MaxPool with dilation and pads": pool("MaxPool", { dilations: [2, 2], pads: [2, 1, 1, 2], strides: [2, 1] }),
  "MaxPool with dilation, in ceil mode": pool("MaxPool", { dilations: [1, 2], strides: [2, 2], ceil_mode: 1 }),
  "AveragePool with dilation": pool("AveragePool", { dilations: [2, 2], pads: [1, 1, 1, 1] }),
  "AveragePool in ceil mode that counts no padding": pool("AveragePool", {
    ceil_mode: 1,
    strides: [2, 2],
    count_include_pad: 1,
  }),
  "MaxPool with stride 1 by default": pool("MaxPool", {}),
  ...Object.fromEntries(
    (
      [
        [-Infinity, { strides: [2, 2] }],
        [-3.4028234663852886e38, { strides: [2, 1], pads: [0, 1, 1, 0], kernel_shape: [4, 4] }],
        [-Infinity, { strides: [3, 2], ceil_mode: 1, kernel_shape: [4, 3] }],
        [-Infinity, { auto_pad: "SAME_LOWER", strides: [2, 2], kernel_shape: [4, 5] }],
      ] as const
    ).map(([value, attributes]) => [
      `MaxPool behind a Pad with ${value}, ${JSON.stringify(attributes)}`,
      {
        ...pool("MaxPool", {}),
        nodes: [
          { op: "Sub", in: ["x", "five"], out: "low" },
          { op: "Pad", in: ["low", "around", "value"], out: "more" },
          { op: "MaxPool", in: ["more"], attributes: { kernel_shape: [3, 3], ...attributes } },
        ],
        constants: {
          five: { shape: [], data: [5] },
          around: ints(0, 0, 1, 2, 0, 0, 2, 0),
          value: { shape: [], data: [value] },
        },
      },
    ]),
  ),
  "MaxPool SAME_UPPER": pool("MaxPool", { auto_pad: "SAME_UPPER", strides: [2, 3] }),
  "MaxPool SAME_LOWER": pool("MaxPool", { auto_pad: "SAME_LOWER", kernel_shape: [2, 2] }),
  "MaxPool VALID": pool("MaxPool", { auto_pad: "VALID", strides: [2, 2] }),
  "AveragePool leaves padding out by default": pool("AveragePool", { pads: [1, 1, 1, 1] }),
  "AveragePool that counts padding": pool("AveragePool", { pads: [1, 1, 1, 1], count_include_pad: 1 }),
  "AveragePool in ceil mode": pool("AveragePool", { ceil_mode: 1, strides: [2, 2] }),
  "AveragePool in ceil mode with pads": pool("AveragePool", { ceil_mode: 1, strides: [3, 3], pads: [1, 0, 0, 1] }),
  "AveragePool with asymmetric pads that count": pool("AveragePool", { pads: [0, 1, 1, 0], count_include_pad: 1 }),
  GlobalAveragePool: { input: ["N", 3, 5, 4], nodes: [{ op: "GlobalAveragePool", in: ["x"] }] },
  GlobalMaxPool: { input: ["N", 3, 5, 4], nodes: [{ op: "GlobalMaxPool", in: ["x"] }] },
  "ReduceMean over rows and columns": {
    input: ["N", 3, 5, 4],
    nodes: [{ op: "ReduceMean", in: ["x"], attributes: { axes: [-1, 2], keepdims: 0 } }],
  },
  "ReduceMean with axes as an input": {
    opset: 18,
    input: ["N", 3, 5, 4],
    nodes: [{ op: "ReduceMean", in: ["x", "axes"] }],
    constants: { axes: ints(2, 3) },
  },
  "Conv with asymmetric pads": conv({ pads: [2, 0, 1, 3] }),
  "Conv with strides and dilations": conv({ strides: [2, 1], dilations: [1, 2], pads: [1, 2, 1, 2] }),
  "Conv SAME_UPPER with an even kernel": conv({ auto_pad: "SAME_UPPER", strides: [2, 2] }, weight(4, 3, 4, 2)),
  "Conv SAME_LOWER with an even kernel": conv({ auto_pad: "SAME_LOWER", strides: [1, 1] }, weight(4, 3, 4, 2)),
  "Conv in groups": conv({ group: 3 }, weight(6, 1, 3, 3)),
  "Conv of one group by default": conv({}),
  "BatchNormalization with a large epsilon": {
    input: ["N", 3, 4, 5],
    nodes: [{ op: "BatchNormalization", in: ["x", "s", "b", "m", "v"], attributes: { epsilon: { f: 0.5 } } }],
    constants: { s: weight(3), b: weight(3), m: weight(3), v: positive(3) },
  },
  "BatchNormalization behind a flatten": {
    input: ["N", 2, 3, 2],
    nodes: [
      { op: "Flatten", in: ["x"], out: "flat" },
      { op: "BatchNormalization", in: ["flat", "s", "b", "m", "v"], out: "n" },
      { op: "Add", in: ["n", "row"], out: "shifted" },
      { op: "Relu", in: ["shifted"] },
    ],
    constants: { s: weight(12), b: weight(12), m: weight(12), v: positive(12), row: weight(1, 12) },
  },
  "Gemm with factors and a transposed weight": {
    input: ["N", 5],
    nodes: [{ op: "Gemm", in: ["x", "w", "b"], attributes: { transB: 1, alpha: { f: 0.5 }, beta: { f: -2 } } }],
    constants: { w: weight(4, 5), b: weight(1, 4) },
  },
  "Gemm without transposition, with one number as bias": {
    input: ["N", 5],
    nodes: [{ op: "Gemm", in: ["x", "w", "b"] }],
    constants: { w: weight(5, 4), b: weight() },
  },
  "Gemm without bias behind a flatten": {
    input: ["N", 2, 3, 4],
    nodes: [
      { op: "Flatten", in: ["x"], out: "flat", attributes: { axis: -3 } },
      { op: "Gemm", in: ["flat", "w"] },
    ],
    constants: { w: weight(24, 3) },
  },
  "MatMul and Add as a linear layer": {
    input: ["N", 5],
    nodes: [
      { op: "MatMul", in: ["x", "w"], out: "p" },
      { op: "Add", in: ["b", "p"] },
    ],
    constants: { w: weight(5, 4), b: weight(4) },
  },
  "MatMul read twice": {
    input: ["N", 5],
    nodes: [
      { op: "MatMul", in: ["x", "w"], out: "p" },
      { op: "Add", in: ["p", "b"], out: "q" },
      { op: "Add", in: ["p", "q"] },
    ],
    constants: { w: weight(5, 4), b: weight(4) },
  },
  "Clip by attributes (opset 9)": {
    opset: 9,
    input: ["N", 6],
    nodes: [{ op: "Clip", in: ["x"], attributes: { min: { f: -0.5 }, max: { f: 0.25 } } }],
  },
  "Clip by inputs (opset 13), one left out": {
    input: ["N", 6],
    nodes: [{ op: "Clip", in: ["x", "", "hi"] }],
    constants: { hi: { shape: [], data: [0.25] } },
  },
  "Clip as ReLU6": {
    input: ["N", 6],
    nodes: [{ op: "Clip", in: ["x", "lo", "hi"] }],
    constants: { lo: { shape: [], data: [0] }, hi: { shape: [], data: [6] } },
  },
  "Softmax over channels": { input: ["N", 3, 2, 4], nodes: [{ op: "Softmax", in: ["x"], attributes: { axis: 1 } }] },
  "Softmax by default, the last axis (opset 13)": { input: ["N", 3, 2, 4], nodes: [{ op: "Softmax", in: ["x"] }] },
  "Softmax by default, rows (opset 11)": { opset: 11, input: ["N", 6], nodes: [{ op: "Softmax", in: ["x"] }] },
  "Concat of channels": {
    input: ["N", 2, 3, 4],
    nodes: [
      { op: "Relu", in: ["x"], out: "r" },
      { op: "Concat", in: ["x", "r", "x"], attributes: { axis: -3 } },
    ],
  },
  "Concat of flattened images and rows": {
    input: ["N", 2, 3, 2],
    nodes: [
      { op: "GlobalAveragePool", in: ["x"], out: "g" },
      { op: "Flatten", in: ["g"], out: "gf" },
      { op: "Flatten", in: ["x"], out: "xf" },
      { op: "Concat", in: ["gf", "xf", "xf"], out: "all", attributes: { axis: 1 } },
      { op: "Gemm", in: ["all", "w"] },
    ],
    constants: { w: weight(26, 3) },
  },
  "a flattened image as output": {
    input: ["N", 2, 3, 2],
    nodes: [
      { op: "Flatten", in: ["x"], out: "f" },
      { op: "Concat", in: ["f", "f"], attributes: { axis: 1 } },
    ],
  },
  "Add of a flattened image and rows": {
    input: ["N", 2, 3, 2],
    nodes: [
      { op: "Flatten", in: ["x"], out: "f" },
      { op: "MatMul", in: ["f", "w"], out: "m" },
      { op: "Add", in: ["f", "m"] },
    ],
    constants: { w: weight(12, 12) },
  },
  "constants per channel on either side": {
    input: ["N", 3, 4, 2],
    nodes: [
      { op: "Sub", in: ["x", "mean"], out: "a" },
      { op: "Div", in: ["a", "std"], out: "b" },
      { op: "Mul", in: ["half", "b"] },
    ],
    constants: {
      mean: weight(1, 3, 1, 1),
      std: { shape: [3, 1, 1], data: [0.5, 2, 3] },
      half: { shape: [1], data: [0.5] },
    },
  },
  "Reshape that flattens": {
    input: ["N", 2, 3, 4],
    nodes: [
      { op: "Reshape", in: ["x", "to"], out: "f" },
      { op: "Gemm", in: ["f", "w"] },
    ],
    constants: { to: ints(0, -1), w: weight(24, 2) },
  },
  "Reshape by -1 and the number of features": {
    input: ["N", 2, 3, 4],
    nodes: [
      { op: "Reshape", in: ["x", "to"], out: "f" },
      { op: "Gemm", in: ["f", "w"] },
    ],
    constants: { to: ints(-1, 24), w: weight(24, 2) },
  },
  "channels last, transposed at the input and before the flatten": {
    input: ["N", 4, 3, 2],
    nodes: [
      { op: "Transpose", in: ["x"], out: "t", attributes: { perm: [0, 3, 1, 2] } },
      { op: "Conv", in: ["t", "w"], out: "c" },
      { op: "Transpose", in: ["c"], out: "u", attributes: { perm: [0, 2, 3, 1] } },
      { op: "Flatten", in: ["u"], out: "f" },
      { op: "Gemm", in: ["f", "v"] },
    ],
    constants: { w: weight(3, 2, 2, 2), v: weight(18, 2) },
  },
  "Pad of zeros around rows, columns and channels": {
    input: ["N", 2, 3, 4],
    nodes: [{ op: "Pad", in: ["x", "pads"] }],
    constants: { pads: ints(0, 1, 2, 0, 0, 3, 0, 1) },
  },
  "Sigmoid, Tanh, Identity, Dropout": {
    input: ["N", 6],
    nodes: [
      { op: "Sigmoid", in: ["x"], out: "a" },
      { op: "Tanh", in: ["a"], out: "b" },
      { op: "Identity", in: ["b"], out: "c" },
      { op: "Dropout", in: ["c", "p"] },
    ],
    constants: { p: { shape: [], data: [0.3] } },
  },
  "nodes out of order": {
    input: ["N", 6],
    nodes: [
      { op: "Tanh", in: ["a"] },
      { op: "Sigmoid", in: ["x"], out: "a" },
    ],
  },
};

describe("each operator gives what onnxruntime-web gives", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await webRuntime();
  });

  it.each(Object.entries(MODELS))("%s", async (name, model) => {
    const shape = model.input.slice(1) as number[];
    const data = random(3 * shape.reduce((a, b) => a * b, 1));
    // onnxruntime wants nodes in order; that files may lack it is this library's leniency.
    const nodes = name === "nodes out of order" ? [...model.nodes].reverse() : model.nodes;
    const session = await runtime.load(modelBytes({ ...model, nodes }));
    const expected = (await session.run(data, [3, ...shape])).get("out")!;
    await session.release();
    using net = importOnnx(modelBytes(model));
    const last = model.nodes[0].op === "Transpose";
    const got = evaluate(net, last ? data : ours(data, shape), net.inputShape);
    const wanted =
      expected.dims.length === 4 ? ours(expected.data as Float32Array, expected.dims.slice(1)) : expected.data;
    const [n, c, h, w] = expected.dims;
    expect(got.shape).toEqual(expected.dims.length === 4 ? [n, h, w, c] : expected.dims);
    expect(relativeError(got.data, wanted)).toBeLessThan(3e-6);
  });
});

describe("conventions", () => {
  const norm = (momentum: number): TestModel => ({
    input: ["N", 3, 4, 5],
    nodes: [
      {
        op: "BatchNormalization",
        name: "bn",
        in: ["x", "s", "b", "m", "v"],
        attributes: { momentum: { f: momentum } },
      },
    ],
    constants: { s: weight(3), b: weight(3), m: weight(3), v: positive(3) },
  });

  it("ONNX's batch-norm momentum is the share of the old statistics", () => {
    for (const [theirs, own] of [
      [0.9, 0.1],
      [0.97, 0.03],
      [1, 0],
    ]) {
      using net = importOnnx(modelBytes(norm(theirs)));
      expect((net.get("bn") as BatchNorm2d).momentum).toBe(own);
    }
  });

  it("dropout drops in training alone", () => {
    using net = importOnnx(
      modelBytes({
        input: ["N", 6],
        nodes: [{ op: "Dropout", name: "drop", in: ["x", "p"] }],
        constants: { p: { shape: [], data: [0.25] } },
      }),
    );
    expect((net.get("drop") as Dropout).p).toBe(0.25);
  });

  it("clips from 0 upwards are what prepare quantizes", () => {
    using net = importOnnx(modelBytes({ ...MODELS["Clip as ReLU6"] }));
    expect(net.get("clip")).toBeInstanceOf(ReLU);
  });

  it("extents left open are given by inputShape", () => {
    const open: TestModel = { input: ["N", 3, "H", "W"], nodes: [{ op: "GlobalAveragePool", in: ["x"] }] };
    using net = importOnnx(modelBytes(open), { inputShape: [5, 6, 3] });
    expect(net.inputShape).toEqual([5, 6, 3]);
    expect(() => importOnnx(modelBytes(open), { inputShape: [5, 6, 4] })).toThrow(/inputShape; expected \[any,any,3\]/);
  });
});

it("reads back a byte input as codes with their step", () => {
  using net = lenet5({ rng: new Rng(3) });
  settle(net, new Rng(4));
  net.eval();
  const images = Uint8Array.from({ length: 2 * 28 * 28 }, () => rng.int(256));
  const expected = trainingValues(net, images, [28, 28, 1]).output;
  using again = importOnnx(exportOnnx(net, { inputShape: [28, 28, 1] }));
  expect(again.input).toEqual({ inputShape: [28, 28, 1], inputType: "u8", inputStep: Math.fround(1 / 255) });
  expect([...again.stateDict().keys()]).toContain("conv1.weight");
  expect(relativeError(trainingValues(again, images, [28, 28, 1]).output, expected)).toBeLessThan(1e-6);
});

it("takes the step of bytes from behind layers that only move them", () => {
  using net = mlp({ sizes: [12, 5, 3], rng: new Rng(3) });
  using again = importOnnx(exportOnnx(net.eval(), { inputShape: [2, 3, 2] }));
  expect(again.input).toMatchObject({ inputType: "u8", inputStep: Math.fround(1 / 255) });
});

it("reads back what it wrote: float networks through a file keep their outputs", () => {
  const values = new Rng("round");
  for (const [net, shape] of [
    [lenet5({ rng: values }), [28, 28, 1]],
    [resnet20({ rng: values, normalize: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] } }), [16, 16, 3]],
  ] as const) {
    settle(net, values);
    net.eval();
    const images = Float32Array.from({ length: 2 * shape[0] * shape[1] * shape[2] }, () => values.uniform());
    const expected = trainingValues(net, images, shape).output;
    using again = importOnnx(exportOnnx(net, { inputShape: shape, inputType: "f32" }));
    expect(again.inputShape).toEqual(shape);
    expect(relativeError(evaluate(again, images, again.inputShape).data, expected)).toBeLessThan(1e-6);
    net.dispose();
  }
});
