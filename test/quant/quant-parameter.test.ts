/** @file QuantParameter: caching, flips, granularity, relaxation, errors, lifetime. */
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, QuantError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Conv2d } from "../../src/nn/conv.js";
import { Linear } from "../../src/nn/linear.js";
import {
  binary,
  dequantizeWeight,
  type Granularity,
  type Projection,
  QuantConv2d,
  QuantLinear,
  QuantParameter,
  ternary,
  uniform,
} from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";
import { project } from "./oracles.js";

const SEED = 12;

function parameter(
  values: readonly number[],
  shape: number[],
  projection: Projection = binary(),
  granularity: Granularity = "layer",
): QuantParameter {
  return disposeLater(
    new QuantParameter(NDArray.from(values, shape, "f32"), { projection, granularity, name: "conv1.weight" }),
  );
}

describe("QuantParameter", () => {
  it("projects once per version", () => {
    let calls = 0;
    const counting: Projection = {
      ...binary(),
      projectRow: undefined,
      project: (w, codes) => {
        calls++;
        return binary().project(w, codes);
      },
    };
    const w = parameter([1, -2, 3, -4], [2, 2], counting);
    const first = w.quantized();
    expect(w.quantized()).toBe(first);
    expect(calls).toBe(1);
    w.markChanged();
    expect(w.quantized()).not.toBe(first);
    expect(calls).toBe(2);
  });

  it.each(["layer", "channel"] as const)("granularity %s is the rule on each row", (granularity) => {
    const rng = new Rng(SEED);
    const rules = [binary(), ternary(), uniform({ bits: 4 })];
    for (const rule of rules) {
      // 3·5·5 = 75 elements a row: rows start at odd addresses.
      const values = Array.from({ length: 4 * 75 }, () => Math.fround(rng.normal()));
      const w = parameter(values, [4, 3, 5, 5], rule, granularity);
      const { codes, delta, bits, top } = w.quantized();
      expect([bits, top, codes.dtype, codes.shape]).toEqual([rule.bits, rule.top, "i8", [4, 3, 5, 5]]);
      const rows = granularity === "layer" ? 1 : 4;
      expect(delta.length).toBe(rows);
      const length = values.length / rows;
      const real = scope(() => dequantizeWeight(w.quantized()).toTypedArray());
      for (let row = 0; row < rows; row++) {
        const own = project(rule, values.slice(row * length, (row + 1) * length));
        expect(delta[row]).toBe(own.delta);
        expect([...codes.toTypedArray().slice(row * length, (row + 1) * length)]).toEqual([...own.q]);
        own.q.forEach((code, i) => {
          expect(real[row * length + i]).toBe(Math.fround(code * own.delta));
        });
      }
    }
  });

  it("counts flips", () => {
    const w = parameter([1, -2, 3, -4], [4]);
    w.quantized();
    expect([w.flips, w.flipRatio, w.flipTotals.projections]).toEqual([0, 0, 0]);
    w.set([-1, -2, 3, 4]);
    w.quantized();
    expect([w.flips, w.flipRatio]).toEqual([2, 0.5]);
    w.set([-1, -2, 3, -4]);
    w.quantized();
    expect(w.flipTotals).toEqual({ flips: 3, projections: 2 });
    w.resetFlips();
    expect(w.flipTotals).toEqual({ flips: 0, projections: 0 });
  });

  it("changes its rule and granularity on the way", () => {
    const w = parameter([1, -2, 0.1, -4], [2, 2]);
    expect([...w.quantized().codes.toTypedArray()]).toEqual([1, -1, 1, -1]);
    w.projection = ternary();
    expect([...w.quantized().codes.toTypedArray()]).toEqual([0, -1, 0, -1]);
    w.granularity = "channel";
    expect([...w.quantized().delta]).toEqual([1.5, 4]);
    expect(() => {
      w.granularity = "row" as Granularity;
    }).toThrow(ArgumentError);
  });

  it("survives scopes, and leaves nothing when disposed of", () => {
    const before = memory().arrays;
    const w = new QuantParameter(NDArray.full([8], 1), { projection: binary() });
    scope(() => w.quantized());
    expect(w.quantized().codes.alive).toBe(true);
    for (let i = 0; i < 5; i++) {
      w.markChanged();
      scope(() => w.quantized());
    }
    expect(memory().arrays).toBe(before + 2);
    w.dispose();
    w.dispose();
    expect(memory().arrays).toBe(before);
  });

  it("names itself when a weight is not finite", () => {
    const w = parameter([1, Number.NaN, Number.POSITIVE_INFINITY], [3]);
    const live = memory().arrays;
    expect(() => w.quantized()).toThrow(QuantError);
    expect(() => w.quantized()).toThrow(
      "binary: conv1.weight: NaN or infinite values cannot be projected; expected finite weights, got 2 of 3 that are not; training has diverged; lower the learning rate",
    );
    expect(memory().arrays).toBe(live);
  });

  it("refuses what it cannot quantize", () => {
    for (const data of [NDArray.zeros([2], "f64"), NDArray.zeros([])]) {
      disposeLater(data);
      expect(() => new QuantParameter(data, { projection: binary() })).toThrow(ArgumentError);
    }
    const w = parameter([1], [1]);
    for (const bad of [-1, Number.NaN, Infinity]) {
      expect(() => {
        w.relax = bad;
      }).toThrow(ArgumentError);
    }
  });
});

describe("relaxation", () => {
  it("layers see (η·proj(w) + w)/(1 + η), and the gradient passes unchanged", () => {
    const rng = new Rng(SEED);
    const layer = disposeLater(new QuantLinear(new Linear(6, 3, { rng }), { weights: 1 }));
    const { weight } = layer;
    const w = weight.toTypedArray();
    const x = Array.from({ length: 12 }, () => rng.normal());
    for (const eta of [0, 1, 7.5]) {
      weight.relax = eta;
      const { codes, delta } = weight.quantized();
      const soft = Array.from(codes.toTypedArray(), (code, i) => (eta * delta[0] * code + w[i]) / (1 + eta));
      scope(() => {
        weight.zeroGrad();
        const y = layer.forward(new Tensor(NDArray.from(x, [2, 6], "f32")));
        const got = y.toTypedArray();
        const bias = layer.bias?.toTypedArray() as Float32Array;
        for (let n = 0; n < 2; n++)
          for (let o = 0; o < 3; o++) {
            let sum = bias[o];
            for (let i = 0; i < 6; i++) sum += x[n * 6 + i] * soft[o * 6 + i];
            expect(got[n * 3 + o]).toBeCloseTo(sum, 5);
          }
        y.sum().backward();
        const grad = (weight.grad as Tensor).toTypedArray();
        for (let o = 0; o < 3; o++) for (let i = 0; i < 6; i++) expect(grad[o * 6 + i]).toBeCloseTo(x[i] + x[6 + i], 5);
      });
    }
  });
  it("η → ∞ is the projection", () => {
    const rng = new Rng(SEED);
    const layer = disposeLater(new QuantConv2d(new Conv2d(2, 3, 3, { rng }), { weights: 2, granularity: "channel" }));
    scope(() => {
      const x = new Tensor(
        NDArray.from(
          Array.from({ length: 50 }, () => rng.normal()),
          [1, 5, 5, 2],
          "f32",
        ),
      );
      const exact = layer.forward(x).toTypedArray();
      layer.weight.relax = 1e9;
      const soft = layer.forward(x).toTypedArray();
      exact.forEach((value, i) => {
        expect(soft[i]).toBeCloseTo(value, 4);
      });
    });
  });
});
