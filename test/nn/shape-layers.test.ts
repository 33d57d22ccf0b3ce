/** @file Layers of sequences, transposed convolutions, layer norm and changed extents: state, words, and training. */
import { describe, expect, it } from "vitest";
import { convTranspose2d } from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, ShapeError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import {
  AvgPool1d,
  BatchNorm1d,
  Conv1d,
  ConvTranspose2d,
  Flatten,
  GlobalAvgPool1d,
  LayerNorm,
  Linear,
  loadPyTorch,
  MaxPool1d,
  ReLU,
  Sequential,
  Upsample,
} from "../../src/nn/index.js";
import { disposeLater } from "../leaks.js";

const rng = new Rng(4);
const reals = (shape: readonly number[]): Tensor =>
  new Tensor(
    NDArray.from(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
      shape,
    ),
  );

describe("Conv1d", () => {
  it("says what it is, and has PyTorch's state", () => {
    const layer = disposeLater(
      new Conv1d(4, 6, 3, { stride: 2, padding: [1, 0], dilation: 2, groups: 2, bias: false }),
    );
    expect(`${layer}`).toBe("Conv1d(4 → 6, 3, stride 2, padding 1,0, dilation 2, groups 2, no bias)");
    expect([...layer.stateDict()].map(([key, { shape }]) => [key, shape])).toEqual([["weight", [6, 2, 3]]]);
    expect(() => new Conv1d(3, 4, 3, { groups: 2 })).toThrow(ArgumentError);
    expect(() => new Conv1d(3, 4, [3, 3] as never)).toThrow(ArgumentError);
  });
  it("starts within ±1/√fanIn", () => {
    const layer = disposeLater(new Conv1d(8, 40, 5, { rng: new Rng(1) }));
    const bound = 1 / Math.sqrt(40);
    const weights = Array.from(layer.weight.toTypedArray(), Math.abs);
    expect(Math.max(...weights)).toBeLessThanOrEqual(Math.fround(bound));
    expect(Math.max(...weights)).toBeGreaterThan(0.95 * bound);
  });
  it("is a network of sequences with norms and pools, whose gradients reach all", () => {
    const net = disposeLater(
      new Sequential(
        new Conv1d(2, 4, 3, { padding: "same", rng }),
        new BatchNorm1d(4),
        new ReLU(),
        new MaxPool1d(2),
        new Conv1d(4, 3, 3, { padding: 1, rng }),
        new AvgPool1d(2, { stride: 1 }),
        new GlobalAvgPool1d(),
        new Linear(3, 2, { rng }),
      ),
    );
    scope(() => {
      const y = net.forward(reals([3, 8, 2]));
      expect(y.shape).toEqual([3, 2]);
      y.mul(y).sum().backward();
    });
    for (const [name, parameter] of net.namedParameters()) {
      // A bias in front of a batch norm has none.
      if (name === "0.bias") continue;
      expect(
        parameter.grad?.toTypedArray().some((value) => value !== 0),
        name,
      ).toBe(true);
    }
    net.zeroGrad();
    expect(`${new AvgPool1d(2, { stride: 1 })}`).toBe("AvgPool1d(2, stride 1)");
    expect(`${new MaxPool1d(2, { dilation: 3, ceilMode: true })}`).toBe("MaxPool1d(2, dilation 3, ceil mode)");
  });
  it("loads PyTorch's state, that of a linear layer behind a flattened sequence in its order", () => {
    const net = disposeLater(new Sequential(new Conv1d(1, 2, 2, { bias: false }), new Flatten(), new Linear(8, 1)));
    const state = new Map([
      ["0.weight", { shape: [2, 1, 2], data: Float32Array.of(1, 2, 3, 4) }],
      // Channels outermost: 0 … 3 of the first, 4 … 7 of the second.
      ["2.weight", { shape: [1, 8], data: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7) }],
      ["2.bias", { shape: [1], data: Float32Array.of(9) }],
    ]);
    const report = loadPyTorch(net, state, { inputShape: [5, 1] });
    expect(report.permuted).toEqual([{ key: "2.weight", image: { channels: 2, height: 1, width: 4 } }]);
    expect(net.parameters().map((parameter) => Array.from(parameter.toTypedArray()))).toEqual([
      [1, 2, 3, 4],
      [0, 4, 1, 5, 2, 6, 3, 7],
      [9],
    ]);
  });
  it("leaves rows of rows as they are, which no window over time has made", () => {
    const net = disposeLater(new Sequential(new Flatten(), new Linear(6, 1, { bias: false })));
    const state = new Map([["1.weight", { shape: [1, 6], data: Float32Array.of(0, 1, 2, 3, 4, 5) }]]);
    expect(loadPyTorch(net, state, { inputShape: [3, 2] }).permuted).toEqual([]);
  });
});

describe("ConvTranspose2d", () => {
  it("is the function, in training and in evaluation", () => {
    const layer = disposeLater(
      new ConvTranspose2d(4, 6, [3, 2], { stride: 2, padding: 1, outputPadding: 1, groups: 2, rng: new Rng(2) }),
    );
    expect(`${layer}`).toBe("ConvTranspose2d(4 → 6, 3×2, stride 2, padding 1, output padding 1, groups 2)");
    expect([...layer.stateDict()].map(([key, { shape }]) => [key, shape])).toEqual([
      ["weight", [4, 3, 3, 2]],
      ["bias", [6]],
    ]);
    scope(() => {
      const x = reals([2, 5, 4, 4]);
      const options = { stride: 2, padding: 1, outputPadding: 1, groups: 2 };
      const expected = convTranspose2d(x, layer.weight, layer.bias, options).toTypedArray();
      const training = layer.train().forward(x).toTypedArray();
      expect(layer.eval().forward(x).toTypedArray()).toEqual(expected);
      training.forEach((value, i) => {
        expect(Math.abs(Number(value) - Number(expected[i]))).toBeLessThan(1e-5);
      });
    });
    expect(() => new ConvTranspose2d(4, 6, 3, { groups: 4 })).toThrow(ArgumentError);
  });
});

describe("LayerNorm", () => {
  it("starts as the normalization alone, and has γ and β or not", () => {
    const layer = disposeLater(new LayerNorm([2, 3]));
    expect(`${layer}`).toBe("LayerNorm(2×3)");
    expect([...layer.stateDict().keys()]).toEqual(["weight", "bias"]);
    expect([
      ...disposeLater(new LayerNorm(3, { bias: false }))
        .stateDict()
        .keys(),
    ]).toEqual(["weight"]);
    expect([...new LayerNorm(3, { affine: false }).stateDict().keys()]).toEqual([]);
    scope(() => {
      const y = layer.forward(reals([4, 2, 3])).toTypedArray();
      for (let row = 0; row < 4; row++) {
        const values = Array.from(y.slice(6 * row, 6 * row + 6), Number);
        expect(Math.abs(values.reduce((a, b) => a + b, 0))).toBeLessThan(1e-5);
        expect(Math.abs(values.reduce((a, b) => a + b * b, 0) - 6)).toBeLessThan(1e-3);
      }
      expect(() => layer.forward(reals([4, 3, 2]))).toThrow(ShapeError);
    });
    expect(() => new LayerNorm([])).toThrow(ArgumentError);
  });
});

describe("PyTorch's vectors of norms over whole images", () => {
  it("are put in this library's order", () => {
    const net = disposeLater(new Sequential(new LayerNorm([2, 1, 3])));
    const weight = { shape: [3, 2, 1], data: Float32Array.of(0, 1, 2, 3, 4, 5) };
    const bias = { shape: [3, 2, 1], data: Float32Array.of(5, 4, 3, 2, 1, 0) };
    const source = new Map([
      ["0.weight", weight],
      ["0.bias", bias],
    ]);
    const { permuted } = loadPyTorch(net, source, { inputShape: [2, 1, 3] });
    expect(permuted.map(({ key }) => key).sort()).toEqual(["0.bias", "0.weight"]);
    expect(net.parameters().map((parameter) => Array.from(parameter.toTypedArray()))).toEqual([
      [0, 2, 4, 1, 3, 5],
      [5, 3, 1, 4, 2, 0],
    ]);
  });
});

describe("Upsample", () => {
  it("is the function with its options", () => {
    expect(`${new Upsample({ scale: 2 })}`).toBe("Upsample(×2, nearest)");
    expect(`${new Upsample({ size: [3, 4], mode: "bilinear", alignCorners: true })}`).toBe(
      "Upsample(to 3×4, bilinear, corners aligned)",
    );
    scope(() => {
      expect(new Upsample({ scale: [2, 3] }).forward(reals([1, 2, 2, 3])).shape).toEqual([1, 4, 6, 3]);
    });
    expect(() => new Upsample({})).toThrow(ArgumentError);
    expect(() => new Upsample({ size: 2, scale: 2 })).toThrow(ArgumentError);
    expect(() => new Upsample({ scale: 2, mode: "cubic" as never })).toThrow(ArgumentError);
  });
});
