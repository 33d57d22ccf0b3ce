/**
 * @file Activations from training to people's runtimes: packed, verified bit by bit, written as their ONNX operator,
 * run by onnxruntime, and read back as what they were.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, verify } from "../../src/export/index.js";
import { createSession, init } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import {
  Conv2d,
  ELU,
  Flatten,
  GELU,
  Hardsigmoid,
  Hardswish,
  LeakyReLU,
  Linear,
  type Module,
  PReLU,
  ReLU6,
  SELU,
  Sequential,
  Sigmoid,
  SiLU,
  Tanh,
} from "../../src/nn/index.js";
import { decodeModel } from "../../src/onnx/codec.js";
import { readGraph } from "../../src/onnx/graph.js";
import { activationPatterns } from "../../src/onnx/import-activations.js";
import { Importing } from "../../src/onnx/importing.js";
import { exportOnnx, exportPackedOnnx, importOnnx } from "../../src/onnx/index.js";
import { SGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/index.js";
import { pixels } from "../export/nets.js";
import { modelBytes, type TestModel } from "./graphs.js";
import { type Runtime, webRuntime } from "./runtimes.js";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await webRuntime();
});
afterEach(() => {
  expect(memory().arrays).toBe(0);
});

const slopes = (): PReLU => {
  const layer = new PReLU(5);
  layer.weight.set(Float32Array.of(0.1, -0.2, 0.3, 0, 1.5));
  return layer;
};
const ACTIVATIONS: readonly [string, () => Module, string, readonly string[]][] = [
  ["LeakyReLU", () => new LeakyReLU(0.2), "LeakyReLU", ["LeakyRelu"]],
  ["PReLU", () => new PReLU(), "PReLU", ["PRelu"]],
  ["PReLU per channel", slopes, "PReLU", ["PRelu"]],
  ["ELU", () => new ELU(0.7), "ELU", ["Elu"]],
  ["SELU", () => new SELU(), "SELU", ["Selu"]],
  ["GELU", () => new GELU(), "GELU", ["Gelu"]],
  ["GELU by tanh", () => new GELU({ approximate: "tanh" }), "GELU", ["Gelu"]],
  ["SiLU", () => new SiLU(), "SiLU", ["Sigmoid", "Mul"]],
  ["Hardswish", () => new Hardswish(), "Hardswish", ["HardSwish"]],
  ["Hardsigmoid", () => new Hardsigmoid(), "Hardsigmoid", ["HardSigmoid"]],
  ["Hardsigmoid of other numbers", () => new Hardsigmoid(0.2, 0.4), "Hardsigmoid", ["HardSigmoid"]],
  ["Sigmoid", () => new Sigmoid(), "Sigmoid", ["Sigmoid"]],
  ["Tanh", () => new Tanh(), "Tanh", ["Tanh"]],
  ["ReLU6", () => new ReLU6(), "ClippedReLU", ["Clip"]],
];

const shape = [6, 5, 2] as const;
function network(make: () => Module): Sequential {
  const rng = new Rng("activations");
  return new Sequential(
    new Conv2d(2, 5, 3, { rng }),
    make(),
    new Conv2d(5, 5, 2, { rng }),
    make(),
    new Flatten(),
    new Linear(30, 4, { rng }),
  );
}
const images = pixels(new Rng("images"), 7, shape);

describe.each(ACTIVATIONS)("%s", (_, make, imported, operators) => {
  it.each([
    ["float", null],
    ["quantized", 2],
  ])("of a %s network is packed and runs bit by bit as in training, on every backend", async (_kind, bits) => {
    const net = network(make);
    if (bits !== null) prepare(net, { weights: bits });
    const bytes = pack(net, { inputShape: [...shape] });
    const { identical, layers } = await verify(net, bytes, { images });
    net.dispose();
    expect(identical).toBe(true);
    expect(layers.map(({ op }) => op).filter((op) => op === "activation")).toHaveLength(2);
    expect(summarize(bytes).layers.filter(({ op }) => op === "activation")[0].outputBits).toBe(32);
    const [wasm, reference] = (["wasm", "reference"] as const).map((backend) => {
      init({ backend });
      using session = createSession(bytes);
      return [...session.run(images)];
    });
    init({ backend: "wasm" });
    expect(reference).toEqual(wasm);
  });

  it("is written as its operator, runs in onnxruntime, and is read back", async () => {
    using net = network(make).eval();
    const packed = pack(net, { inputShape: [...shape] });
    const bytes = exportOnnx(net, { inputShape: [...shape] });
    const ops = decodeModel(bytes, "x.onnx").graph?.node?.map(({ opType }) => opType);
    expect(ops).toEqual(expect.arrayContaining([...operators]));
    using session = createSession(packed);
    const expected = [...session.run(images)];
    for (const file of [bytes, exportPackedOnnx(packed)]) {
      const other = await runtime.load(file);
      const got = (await other.run(images, [7, ...shape])).get("output")!.data;
      await other.release();
      expected.forEach((value, i) => {
        expect(got[i]).toBeCloseTo(value, 4);
      });
    }
    using back = importOnnx(bytes);
    const kinds = [...back.modules()].map((module) => module.constructor.name);
    expect(kinds.filter((kind) => kind === imported)).toHaveLength(2);
    const again = scope(() => {
      const x = NDArray.from(images, [7, ...shape], "u8", back.input.inputStep);
      return Array.from(back.eval().forward(new Tensor(x)).toTypedArray());
    });
    expected.forEach((value, i) => {
      expect(again[i]).toBeCloseTo(value, 5);
    });
  });
});

describe("a network of another tool", () => {
  const numbers = (...shape: number[]) => {
    const rng = new Rng(`${shape}`);
    const data = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.range(-0.5, 0.5));
    return { shape, data };
  };
  const model = (nodes: TestModel["nodes"], constants: TestModel["constants"] = {}): Uint8Array =>
    modelBytes({
      input: ["N", 2, 6, 6],
      nodes: [
        { op: "Conv", in: ["x", "c1.weight"], out: "c" },
        ...nodes,
        { op: "Conv", in: ["a", "c2.weight"], out: "d" },
        { op: "Flatten", in: ["d"], out: "f" },
        { op: "Gemm", in: ["f", "fc.weight"] },
      ],
      constants: {
        "c1.weight": numbers(4, 2, 3, 3),
        "c2.weight": numbers(4, 4, 2, 2),
        "fc.weight": numbers(36, 3),
        ...constants,
      },
    });
  const NETS: Record<string, Uint8Array> = {
    Tanh: model([{ op: "Tanh", in: ["c"], out: "a" }]),
    Sigmoid: model([{ op: "Sigmoid", in: ["c"], out: "a" }]),
    ReLU6: model([{ op: "Clip", in: ["c", "lo", "hi"], out: "a" }], {
      lo: { shape: [], data: [0] },
      hi: { shape: [], data: [6] },
    }),
    LeakyRelu: model([{ op: "LeakyRelu", in: ["c"], out: "a" }]),
    SiLU: model([
      { op: "Sigmoid", in: ["c"], out: "s" },
      { op: "Mul", in: ["c", "s"], out: "a" },
    ]),
  };

  it.each(Object.entries(NETS))("with %s is prepared, trained, packed, verified and written again", async (_, file) => {
    using net = importOnnx(file);
    prepare(net, { weights: 2, activations: 4 });
    using optimizer = new SGD(net.parameters(), { lr: 0.05 });
    const data = Float32Array.from(pixels(new Rng(4), 8, [6, 6, 2]), (value) => value / 255);
    const loss = (): number =>
      scope(() => {
        const y = net.train().forward(new Tensor(NDArray.from(data, [8, 6, 6, 2], "f32")));
        const error = y.sub(1).pow(2).mean();
        error.backward();
        return error.item();
      });
    const first = loss();
    for (let step = 0; step < 10; step++) {
      optimizer.step();
      net.zeroGrad();
      loss();
    }
    expect(loss()).toBeLessThan(first);
    net.zeroGrad();
    net.eval();
    const bytes = pack(net, net.input);
    expect((await verify(net, bytes, { images: data })).identical).toBe(true);
    const other = await runtime.load(exportOnnx(net, net.input));
    const got = (await other.run(data, [8, 6, 6, 2])).get("output")!.data;
    await other.release();
    using session = createSession(bytes);
    const expected = session.run(data);
    const wrong = expected.filter((value, i) => Math.abs(value - got[i]) > 1e-3);
    expect(wrong.length).toBeLessThanOrEqual(1);
  });

  it.each([
    ["four channels", [4, 2, 3, 3], 1],
    ["as many channels as pixels", [16, 2, 3, 3], 1],
    ["two flattened images joined", [4, 2, 3, 3], 2],
  ] as const)(
    "that ends in flattened images is packed and written in the file's order: %s",
    async (_, extents, copies) => {
      const parts = Array.from({ length: copies }, (_, i) => `f${i}`);
      const file = modelBytes({
        input: ["N", 2, 6, 6],
        nodes: [
          { op: "Conv", in: ["x", "w"], out: "c" },
          { op: "Tanh", in: ["c"], out: "t" },
          ...parts.map((out) => ({ op: "Flatten", in: ["t"], out })),
          { op: "Concat", in: parts, attributes: { axis: 1 } },
        ],
        constants: { w: numbers(...extents) },
      });
      using net = importOnnx(file);
      net.eval();
      const data = Float32Array.from(pixels(new Rng(5), 3, [6, 6, 2]), (value) => value / 255);
      const bytes = pack(net, net.input);
      expect((await verify(net, bytes, { images: data })).identical).toBe(true);
      using session = createSession(bytes);
      const expected = session.run(data);
      const original = await runtime.load(file);
      const turned = Float32Array.from(data, (_, i) => {
        const [n, at] = [Math.floor(i / 72), i % 72];
        return data[n * 72 + (at % 36) * 2 + Math.floor(at / 36)];
      });
      const theirs = (await original.run(turned, [3, 2, 6, 6])).get("out")!.data;
      await original.release();
      const written = await runtime.load(exportOnnx(net, net.input));
      const ours = (await written.run(data, [3, 6, 6, 2])).get("output")!.data;
      await written.release();
      expected.forEach((value, i) => {
        expect(theirs[i]).toBeCloseTo(value, 5);
        expect(ours[i]).toBeCloseTo(value, 5);
      });
    },
  );

  it("keeps a sigmoid apart whose value something else reads too", () => {
    using net = importOnnx(
      model([
        { op: "Sigmoid", in: ["c"], out: "s" },
        { op: "Add", in: ["c", "s"], out: "a" },
      ]),
    );
    expect([...net.modules()].some((module) => module instanceof Sigmoid)).toBe(true);
    const twice = model([
      { op: "Sigmoid", in: ["c"], out: "s" },
      { op: "Mul", in: ["c", "s"], out: "m" },
      { op: "Add", in: ["m", "s"], out: "a" },
    ]);
    expect(() => importOnnx(twice)).toThrow(/Mul/);
  });

  it("is found without reading long chains of products again and again", () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => ({ op: "Mul", in: [`v${i}`, "k"], out: `v${i + 1}` }));
    const file = modelBytes({
      input: ["N", 3],
      nodes: [{ op: "Tanh", in: ["x"], out: "v0" }, ...chain, { op: "Tanh", in: ["v20000"] }],
      constants: { k: { shape: [], data: [1] } },
    });
    const importing = new Importing(readGraph(file, "chain"), "out", false);
    const start = performance.now();
    expect(activationPatterns(importing).size).toBe(0);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
