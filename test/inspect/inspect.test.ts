/** @file Gradients, statistics, codes, activations and histograms of networks. */
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mse, tensor } from "../../src/autograd/functions.js";
import { noGrad } from "../../src/autograd/graph.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, DisposedError, QuantError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { activations, gradients, histogram, statistics, weightCodes } from "../../src/inspect/index.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d, Linear, Module, ReLU, Sequential } from "../../src/nn/index.js";
import { clipGradNorm } from "../../src/optim/index.js";
import { dequantizeWeight, prepare, type QuantLinear, QuantWatch } from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

const rng = (): Rng => new Rng("inspect");
const float = (): Sequential => {
  const stream = rng();
  return disposeLater(
    new Sequential(
      new Linear(4, 6, { rng: stream }),
      new BatchNorm1d(6),
      new ReLU(),
      new Linear(6, 2, { rng: stream }),
    ),
  );
};
const quantized = (weights = 2, granularity: "layer" | "channel" = "layer"): Module =>
  prepare(float(), { weights, activations: 3, granularity });
const batch = (): Tensor => tensor(Array.from({ length: 8 }, (_, i) => [i, 1 - i, i / 3, -0.5]));

describe("gradients", () => {
  it("gives norm and range of every parameter's gradient", () => {
    const net = float();
    scope(() => mse(net.forward(batch()), tensor(Array.from({ length: 8 }, (_, i) => [i, 1]))).backward());
    const { parameters, norm, withoutGradient } = gradients(net);
    expect(parameters.map(({ name }) => name)).toEqual([...net.namedParameters().keys()]);
    for (const { name, shape, gradient, values, ratio } of parameters) {
      const parameter = net.namedParameters().get(name)!;
      const numbers = [...(parameter.gradient as NDArray).view()];
      expect(shape).toEqual(parameter.shape);
      expect(gradient?.min).toBe(Math.min(...numbers));
      expect(gradient?.max).toBe(Math.max(...numbers));
      expect(gradient?.norm).toBeCloseTo(Math.hypot(...numbers), 5);
      expect(ratio).toBe((gradient?.norm ?? 0) / values.norm);
    }
    expect(norm).toBeCloseTo(clipGradNorm(net.parameters(), 1e9), 5);
    expect(withoutGradient).toEqual([]);
    net.zeroGrad();
  });
  it("says which parameters have none, and prints as a table", () => {
    const net = float();
    (net[0] as Linear).weight.requiresGrad = false;
    const report = gradients(net);
    expect(report.withoutGradient).toEqual(["0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]);
    expect(report.norm).toBe(0);
    expect(report.parameters[0].ratio).toBeNaN();
    const lines = inspect(report).split("\n");
    expect(lines[2].split(/ +/)).toEqual(["0.weight", "[6,4]", "frozen"]);
    expect(lines[3].split(/ +/)).toEqual(["0.bias", "[6]", "none"]);
  });
  it("counts what is not finite", () => {
    const net = disposeLater(new Linear(1, 2));
    net.weight.gradient = NDArray.from([Number.NaN, 3], [2, 1]);
    expect(gradients(net).parameters[0].gradient).toMatchObject({ count: 2, nonFinite: 1, min: 3, max: 3, norm: 3 });
  });
});

describe("statistics", () => {
  it("are those of the finite numbers", () => {
    fc.assert(
      fc.property(fc.array(fc.float(), { maxLength: 40 }), (values) => {
        const finite = values.filter(Number.isFinite);
        const { count, min, max, mean, std, norm, zeros, nonFinite } = statistics(Float32Array.from(values));
        expect([count, nonFinite]).toEqual([values.length, values.length - finite.length]);
        if (finite.length === 0) {
          expect([min, max, mean, std]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
          return;
        }
        // fast-check tells −0 from 0; ranges need not.
        expect([min + 0, max + 0]).toEqual([Math.min(...finite) + 0, Math.max(...finite) + 0]);
        expect(zeros).toBe(finite.filter((value) => value === 0).length);
        expect(mean).toBeGreaterThanOrEqual(min - 1e-9 * Math.abs(min));
        expect(mean).toBeLessThanOrEqual(max + 1e-9 * Math.abs(max));
        const squares = finite.reduce((sum, value) => sum + value * value, 0);
        expect(norm).toBe(Math.sqrt(squares));
        // n·std² + n·mean² = Σx².
        expect(finite.length * (std * std + mean * mean)).toBeCloseTo(squares, -Math.log10(squares * 1e-9 + 1e-300));
      }),
    );
  });
  it("of codes are those of the real values", () => {
    scope(() => {
      const coded = new Tensor(NDArray.from([0, 1, 3], [3], "u8", 0.5));
      expect(statistics(coded)).toMatchObject({ min: 0, max: 1.5, zeros: 1, count: 3 });
      expect(statistics(coded.data)).toEqual(statistics([0, 0.5, 1.5]));
      coded.dispose();
      expect(() => statistics(coded)).toThrow(DisposedError);
    });
  });
  it("refuse what holds no numbers", () => {
    for (const x of [null, "12", {}, ["1"], [Number.NaN, "x"], new BigInt64Array(2)])
      expect(() => statistics(x as never)).toThrow(ArgumentError);
  });
});

describe("weightCodes", () => {
  it.each([
    [1, "layer"],
    [2, "layer"],
    [4, "layer"],
    [4, "channel"],
  ] as const)("of %i bits per %s: δ·code is the weight that the layer uses", (bits, granularity) => {
    const layer = quantized(bits, granularity).get("3") as QuantLinear;
    const { shape, codes, delta, levels, top } = weightCodes(layer);
    expect(shape).toEqual([2, 6]);
    expect(delta).toHaveLength(granularity === "channel" ? 2 : 1);
    const used = scope(() => dequantizeWeight(layer.weight.quantized()).toTypedArray());
    const row = (i: number): number => delta[delta.length === 1 ? 0 : Math.floor(i / 6)];
    expect(Array.from(codes, (code, i) => Math.fround(row(i) * code))).toEqual([...used]);
    expect(levels.map(({ code }) => code)).toEqual(
      Array.from({ length: 2 * top + 1 }, (_, i) => i - top).filter((code) => bits > 1 || code !== 0),
    );
    expect(levels.reduce((sum, { count }) => sum + count, 0)).toBe(12);
    for (const { code, count, value } of levels) {
      expect(count).toBe(codes.filter((each) => each === code).length);
      expect(value).toBe(granularity === "channel" ? null : Math.fround(delta[0] * code));
    }
    expect(weightCodes(layer.weight)).toEqual(weightCodes(layer));
  });
  it("are copies, and count no flip", () => {
    const layer = quantized().get("0") as QuantLinear;
    const before = weightCodes(layer);
    const { codes } = weightCodes(layer);
    codes.fill(0);
    expect(weightCodes(layer)).toEqual(before);
    expect(layer.weight.flips).toBe(0);
  });
  it("names the quantized layers of what is none", () => {
    expect(() => weightCodes(quantized())).toThrow(/net\.get\(path\) of 0, 3$/);
    expect(() => weightCodes(float())).toThrow(/prepare\(net, …\) quantizes layers$/);
    expect(() => weightCodes(null as never)).toThrow(ArgumentError);
    const broken = quantized();
    (broken.get("0") as QuantLinear).weight.set(new Float32Array(24).fill(Number.NaN));
    expect(() => weightCodes(broken.get("0"))).toThrow(QuantError);
  });
});

describe("activations", () => {
  it("gives codes and real values of the layers for an input", () => {
    const net = quantized();
    const watch = new QuantWatch(net);
    scope(() => {
      const x = batch();
      const outputs = activations(net, x);
      expect([...outputs.keys()]).toEqual(["", "0", "1", "2", "3"]);
      const { codes, step, bits, shape, values, kind } = outputs.get("2")!;
      expect([bits, shape, kind]).toEqual([3, [8, 6], "Staircase"]);
      expect(Array.from(codes!, (code) => Math.fround(step! * code))).toEqual([...values]);
      const counts = Array.from({ length: 8 }, (_, code) => codes!.filter((each) => each === code).length);
      expect(watch.read().activations[0].counts).toEqual(counts);
      net.eval();
      const output = noGrad(() => net.forward(x)).toTypedArray();
      expect(outputs.get("")!.values).toEqual(output);
      expect(outputs.get("3")).toMatchObject({ values: output, codes: null, step: null, bits: 32 });
    });
    watch.stop();
  });
  it("takes some layers, arrays and lists, and leaves nothing behind", () => {
    const net = float();
    const { arrays } = memory();
    const x = NDArray.from(new Float32Array(8), [2, 4]);
    expect([...activations(net, x, { layers: ["2", "0"] }).keys()]).toEqual(["2", "0"]);
    expect([...activations(net, [new Tensor(x)]).keys()]).toHaveLength(5);
    x.dispose();
    expect(memory().arrays).toBe(arrays);
    expect(net.training).toBe(true);
    expect(() => activations(net, x)).toThrow(DisposedError);
  });
  it("refuses layers that are none or are not called", () => {
    class Unused extends Module {
      readonly used = new Linear(4, 1);
      readonly idle = new Linear(4, 1);
      override forward(x: Tensor): Tensor {
        return this.used.forward(x);
      }
    }
    const net = disposeLater(new Unused());
    const x = disposeLater(NDArray.zeros([2, 4]));
    expect(() => activations(net, x, { layers: ["idle"] })).toThrow(/one that forward calls/);
    expect(() => activations(net, x, { layers: ["nobody"] })).toThrow(ArgumentError);
    expect(() => activations(net, [] as never)).toThrow(ArgumentError);
    expect(() => activations(net, "x" as never)).toThrow(ArgumentError);
    expect(() => activations({} as never, x)).toThrow(ArgumentError);
  });
});

describe("histogram", () => {
  it("puts every number into the bin whose edges hold it", () => {
    const numbers = fc.array(fc.double({ noNaN: false }), { maxLength: 60 });
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 30 }), (values, bins) => {
        const { edges, counts, below, above, nonFinite } = histogram(Float64Array.from(values), bins);
        const finite = values.filter(Number.isFinite);
        expect(edges).toHaveLength(bins + 1);
        expect([below, above, nonFinite]).toEqual([0, 0, values.length - finite.length]);
        expect(counts.reduce((a, b) => a + b, 0)).toBe(finite.length);
        if (finite.length > 0 && Math.min(...finite) < Math.max(...finite)) {
          expect([edges[0] + 0, edges[bins] + 0]).toEqual([Math.min(...finite) + 0, Math.max(...finite) + 0]);
        }
        for (let i = 0; i < bins; i++) {
          expect(edges[i + 1]).toBeGreaterThanOrEqual(edges[i]);
          const last = i === bins - 1;
          const inside = finite.filter((x) => x >= edges[i] && (x < edges[i + 1] || (last && x === edges[i + 1])));
          // Bins of no width hold nothing but, the last of them, what lies on them.
          if (edges[i + 1] > edges[i]) expect(counts[i]).toBe(inside.length);
        }
      }),
      { examples: [[[-Number.MAX_VALUE, Number.MAX_VALUE], 1]] },
    );
  });
  it("has NumPy's edges", () => {
    expect(histogram([1, 2, 1], 3)).toMatchObject({
      edges: Float64Array.of(1, 1 + 1 / 3, 1 + 2 / 3, 2),
      counts: Float64Array.of(2, 0, 1),
      levels: null,
    });
    expect(histogram([5, 5], 2).edges).toEqual(Float64Array.of(4.5, 5, 5.5));
    expect(histogram([], 2).edges).toEqual(Float64Array.of(0, 0.5, 1));
    expect(histogram([0, 1, 2, 3, 9], [0, 1, 2, 4])).toMatchObject({ counts: Float64Array.of(1, 1, 2), above: 1 });
    expect(histogram([-1, 0.2, 5], 2, { range: [0, 1] })).toMatchObject({
      counts: Float64Array.of(1, 0),
      below: 1,
      above: 1,
    });
  });
  it("of layers are of their weights, with the levels that quantization gives them", () => {
    const net = quantized(2);
    const layer = net.get("0") as QuantLinear;
    const { counts, levels } = histogram(layer, 10);
    expect(counts.reduce((a, b) => a + b, 0)).toBe(24);
    expect(levels).toEqual(weightCodes(layer).levels);
    expect(histogram(layer.weight, 10)).toEqual(histogram(layer, 10));
    expect(histogram(float().get("0"), 10).levels).toBeNull();
  });
  it("of coded tensors and of activations count their codes", () => {
    const net = quantized();
    scope(() => {
      const activation = activations(net, batch()).get("2")!;
      const { levels } = histogram(activation, 8);
      expect(levels).toHaveLength(8);
      expect(levels!.map(({ count }) => count)).toEqual(
        Array.from({ length: 8 }, (_, code) => activation.codes!.filter((each) => each === code).length),
      );
      expect(levels![3].value).toBe(Math.fround(3 * activation.step!));
      const coded = new Tensor(NDArray.from([0, 2, 2], [3], "u8", 0.25));
      expect(histogram(coded, 2)).toMatchObject({
        counts: Float64Array.of(1, 2),
        levels: [
          { code: 0, value: 0, count: 1 },
          { code: 1, value: 0.25, count: 0 },
          { code: 2, value: 0.5, count: 2 },
        ],
      });
    });
  });
  it("prints as bars", () => {
    expect(inspect(histogram([0, 0, 1], 2)).split("\n")).toEqual([
      "from   to  count",
      expect.stringMatching(/^─+/),
      `   0  0.5      2  ${"█".repeat(40)}`,
      ` 0.5    1      1  ${"█".repeat(20)}`,
    ]);
    expect(`${histogram([0, Number.NaN, 9], [0, 1])}`).toMatch(/above: 1\nnot finite: 1$/);
  });
  it.each([
    ["no numbers", ["abc", 3]],
    ["no bins", [[1, 2], 0]],
    [
      "edges that fall",
      [
        [1, 2],
        [2, 1],
      ],
    ],
    ["one edge", [[1, 2], [1]]],
    [
      "edges that are not finite",
      [
        [1, 2],
        [1, Number.POSITIVE_INFINITY],
      ],
    ],
    ["a range that falls", [[1, 2], 3, { range: [2, 1] }]],
    ["a range beside edges", [[1, 2], [1, 2], { range: [1, 2] }]],
    ["a module without weights", [new ReLU(), 3]],
    ["an activation with odd bits", [{ values: [1], codes: [1], step: 1, bits: 99 }, 3]],
  ])("refuses %s", (_, args) => {
    expect(() => (histogram as (...args: unknown[]) => unknown)(...args)).toThrow(ArgumentError);
  });
});
