/** @file Summaries of networks: figures by hand, against the packed file's, and what the run leaves behind. */
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { add, linear, matmul } from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, ShapeError } from "../../src/core/errors.js";
import { summarize } from "../../src/export/index.js";
import { summary } from "../../src/inspect/index.js";
import { memory } from "../../src/kernels/index.js";
import { lenet5, resnet20 } from "../../src/models/index.js";
import {
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  Flatten,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
} from "../../src/nn/index.js";
import { prepare, quantReport } from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

const small = (): Sequential =>
  disposeLater(
    new Sequential(
      new Conv2d(1, 4, 3, { padding: 1 }),
      new BatchNorm2d(4),
      new ReLU(),
      new MaxPool2d(2),
      new Flatten(),
      new Linear(64, 10),
    ),
  );

describe("summary", () => {
  it("counts parameters, shapes, multiplications and bytes of a float network", () => {
    const net = small();
    const { layers, ...totals } = summary(net, [8, 8, 1]);
    expect(layers.map((row) => [row.name, row.kind, row.outputShape, row.parameters, row.macs])).toEqual([
      ["0", "Conv2d", [8, 8, 4], 40, 8 * 8 * 4 * 9],
      ["1", "BatchNorm2d", [8, 8, 4], 8, 0],
      ["2", "ReLU", [8, 8, 4], 0, 0],
      ["3", "MaxPool2d", [4, 4, 4], 0, 0],
      ["4", "Flatten", [64], 0, 0],
      ["5", "Linear", [10], 650, 640],
    ]);
    expect(layers.map((row) => [row.weightBits, row.activationBits])).toEqual([
      [32, 32],
      ...Array.from({ length: 4 }, () => [null, null]),
      [32, 32],
    ]);
    expect(totals).toMatchObject({
      inputShapes: [[8, 8, 1]],
      outputShape: [10],
      parameters: net.parameterCount(),
      trainable: net.parameterCount(),
      macs: 2304 + 640,
      macsByBits: [{ weightBits: 32, activationBits: 32, macs: 2944 }],
      bitOperations: 2944 * 1024,
      floatBytes: 4 * 698,
      packedBytes: 4 * 698,
    });
  });

  it("prints as a table, by toString and console.log", () => {
    const net = prepare(small(), { weights: 2, activations: 4 });
    const text = `${summary(net, { shape: [8, 8, 1], dtype: "u8", step: 1 / 255 })}`;
    expect(inspect(summary(net, { shape: [8, 8, 1], dtype: "u8", step: 1 / 255 }))).toBe(text);
    expect(text.split("\n").map((line) => line.replace(/ {2,}/g, "  "))).toEqual([
      "Sequential: [8,8,1] → [10]",
      "",
      expect.stringMatching(/^layer {2}kind {2}output {2}parameters {2}W {2}A {2}MACs {2}float bytes {2}packed bytes$/),
      expect.stringMatching(/^─+/),
      "0  QuantConv2d  [8,8,4]  40  2  8  2,304  160  29",
      "1  BatchNorm2d  [8,8,4]  8  32  32",
      "2  Staircase  [8,8,4]  1  4  4  4",
      "3  MaxPool2d  [4,4,4]",
      "4  Flatten  [64]",
      "5  QuantLinear  [10]  650  2  4  640  2,600  204",
      expect.stringMatching(/^─+/),
      "total  699  2,944  2,796  269",
      "",
      "MACs, 2 × 4  640",
      "MACs, 2 × 8  2,304",
      "bit operations  41,984",
      "trained  699 of 699 parameters",
      "bytes  269 B for 2.8 kB as float32",
    ]);
  });

  it.each([
    ["lenet5", () => lenet5(), [28, 28, 1]],
    ["resnet20", () => resnet20({ classes: 10 }), [32, 32, 3]],
  ] as const)("agrees with the packed file and the quantization report of %s", (_, make, inputShape) => {
    const net = disposeLater(prepare(make() as Module, { weights: 2, activations: 4 }));
    const own = summary(net, { shape: inputShape, dtype: "u8", step: 1 / 255 });
    const packed = summarize(net, { inputShape });
    expect(own.macs).toBe(packed.macs);
    expect(own.macsByBits).toEqual(packed.macsByBits);
    expect(own.bitOperations).toBe(packed.bitOperations);
    expect(own.parameters).toBe(net.parameterCount());
    const report = quantReport(net);
    for (const { name, bytes } of report.layers) {
      expect(own.layers.find((row) => row.name === name)?.packedBytes, name).toBe(bytes);
    }
  });

  it("tells products that are called as functions to the module that calls them, and shares to the first", () => {
    class Net extends Module {
      readonly first = new Linear(4, 3);
      readonly second = new Linear(4, 3);
      readonly unused = new Linear(2, 2);
      constructor() {
        super();
        this.second.weight.dispose();
        this.second.weight = this.first.weight;
      }
      override forward(a: Tensor, b?: Tensor): Tensor {
        const x = add(this.first.forward(a), linear(b as Tensor, this.second.weight, null));
        return matmul(x, this.second.weight);
      }
    }
    const net = disposeLater(new Net());
    const { layers, parameters, macs, outputShape, inputShapes } = summary(net, [[4], { shape: [4] }]);
    expect(layers.map((row) => [row.name, row.outputShape, row.parameters, row.macs])).toEqual([
      ["", [4], 0, 12 + 12],
      ["first", [3], 15, 12],
      ["second", null, 3, 0],
      ["unused", null, 6, 0],
    ]);
    expect([parameters, macs, outputShape, inputShapes]).toEqual([net.parameterCount(), 36, [4], [[4], [4]]]);
  });

  it("counts a layer that is called twice twice, and leaves the network as it was", () => {
    class Twice extends Module {
      readonly inner = new Linear(3, 3);
      readonly drop = new Dropout(0.5);
      override forward(x: Tensor): Tensor {
        return this.drop.forward(this.inner.forward(this.inner.forward(x)));
      }
    }
    const net = disposeLater(new Twice());
    net.inner.train(false);
    const before = { ...memory() };
    expect(summary(net, [3]).macs).toBe(18);
    expect([net.training, net.inner.training]).toEqual([true, false]);
    expect(Object.hasOwn(net.inner, "forward")).toBe(false);
    expect(memory().arrays).toBe(before.arrays);
    // A layer whose forward is its own property keeps it.
    const own = (x: Tensor): Tensor => x;
    (net.inner as { forward: unknown }).forward = own;
    summary(net, [3]);
    expect(net.inner.forward).toBe(own);
    expect(() => summary(net, [])).not.toThrow();
  });

  it("puts everything back when forward throws", () => {
    const net = small();
    const { arrays } = memory();
    expect(() => summary(net, [7])).toThrow(ShapeError);
    expect(Object.hasOwn(net[0], "forward")).toBe(false);
    expect(net.training).toBe(true);
    expect(memory().arrays).toBe(arrays);
  });

  it.each([
    ["no network", [{}, [3]]],
    ["no inputs", [small, undefined]],
    ["bad extents", [small, [8, 0, 1]]],
    ["an unknown type", [small, { shape: [8, 8, 1], dtype: "f16" }]],
    ["a step without codes", [small, { shape: [8, 8, 1], step: 1 }]],
    ["an unknown option", [small, { shape: [8, 8, 1], batch: 3 }]],
  ])("refuses %s", (_, [net, inputs]) => {
    const made = typeof net === "function" ? (net as () => Module)() : net;
    expect(() => summary(made as Module, inputs as never)).toThrow(ArgumentError);
  });

  it("of any chain of layers: parameters, products and shapes are what the extents say", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 6 }),
        fc.boolean(),
        (widths, norm) => {
          const layers = widths.slice(1).flatMap((out, i): Module[] => {
            const layer = new Linear(widths[i], out);
            return norm ? [layer, new BatchNorm1d(out)] : [layer];
          });
          const net = new Sequential(...layers);
          const { macs, parameters, outputShape } = summary(net, [widths[0]]);
          expect(macs).toBe(widths.slice(1).reduce((sum, out, i) => sum + out * widths[i], 0));
          expect(parameters).toBe(net.parameterCount());
          expect(outputShape).toEqual([widths[widths.length - 1]]);
          net.dispose();
        },
      ),
      { numRuns: 40 },
    );
  });
});
