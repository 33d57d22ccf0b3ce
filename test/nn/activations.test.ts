/** @file Activations of each element: values by their definitions with 30 digits, limits, learned slopes, refusals. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as functions from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, DTypeError, ShapeError } from "../../src/core/errors.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import {
  ELU,
  GELU,
  Hardsigmoid,
  Hardswish,
  LeakyReLU,
  type Module,
  PReLU,
  ReLU6,
  SELU,
  Sequential,
  SiLU,
} from "../../src/nn/index.js";
import { prepare, quantReport, Staircase } from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

const XS = [-12, -5, -3, -1.5, -0.25, -0.001, 0, 0.001, 0.5, 1, 2.75, 3, 6.5, 20];
const TABLE: readonly [() => Module, readonly number[]][] = [
  [() => new LeakyReLU(), [-0.12, -0.05, -0.03, -0.015, -0.0025, -1e-5, 0, 0.001, 0.5, 1, 2.75, 3, 6.5, 20]],
  [() => new PReLU(), [-3, -1.25, -0.75, -0.375, -0.0625, -2.5e-4, 0, 0.001, 0.5, 1, 2.75, 3, 6.5, 20]],
  [
    () => new ELU(),
    [
      -0.999993856, -0.993262053, -0.950212932, -0.77686984, -0.221199217, -0.000999500167, 0, 0.001, 0.5, 1, 2.75, 3,
      6.5, 20,
    ],
  ],
  [
    () => new SELU(),
    [
      -1.75808854, -1.74625336, -1.67056873, -1.36581435, -0.388890197, -0.00175722058, 0, 0.00105070099, 0.525350494,
      1.05070099, 2.88942772, 3.15210296, 6.82955642, 21.0140197,
    ],
  ],
  [
    () => new GELU(),
    [
      -2.13177853e-32, -1.43325786e-6, -0.00404969409, -0.100210802, -0.100323419, -0.000499601058, 0, 0.000500398942,
      0.345731231, 0.841344746, 2.74180565, 2.99595031, 6.5, 20,
    ],
  ],
  [
    () => new GELU({ approximate: "tanh" }),
    [
      0, -2.2917962e-7, -0.00363739208, -0.100428423, -0.100324649, -0.000499601058, 0, 0.000500398942, 0.34571401,
      0.841191991, 2.74227686, 2.99636261, 6.5, 20,
    ],
  ],
  [
    () => new SiLU(),
    [
      -7.37300952e-5, -0.0334642546, -0.14227762, -0.273638286, -0.109455875, -0.00049975, 0, 0.00050025, 0.311229666,
      0.731058579, 2.58476171, 2.85772238, 6.49024232, 20,
    ],
  ],
  [
    () => new Hardswish(),
    [
      0, 0, 0, -0.375, -0.114583333, -0.000499833333, 0, 0.000500166667, 0.291666667, 0.666666667, 2.63541667, 3, 6.5,
      20,
    ],
  ],
  [
    () => new Hardsigmoid(),
    [0, 0, 0, 0.25, 0.458333333, 0.499833333, 0.5, 0.500166667, 0.583333333, 0.666666667, 0.958333333, 1, 1, 1],
  ],
  [() => new ReLU6(), [0, 0, 0, 0, 0, 0, 0, 0.001, 0.5, 1, 2.75, 3, 6, 6]],
];
const cases = TABLE.map(([make, values]) => {
  using layer = make();
  return [layer.toString(), make, values] as const;
});

function run(module: Module, x: ArrayLike<number>, dtype: "f32" | "f64" = "f32"): number[] {
  return scope(() => Array.from(module.forward(new Tensor(NDArray.from(x, [x.length], dtype))).toTypedArray()));
}

describe.each(cases)("%s", (_, make, values) => {
  it("has the values of its definition, in f32 and in f64", () => {
    using layer = make();
    run(layer, XS).forEach((y, i) => {
      expect(Math.abs(y - values[i])).toBeLessThanOrEqual(2e-7 * Math.abs(values[i]) + (values[i] === 0 ? 1e-30 : 0));
    });
    if (layer instanceof PReLU) return;
    const exact = run(layer, XS, "f64");
    exact.forEach((y, i) => {
      expect(Math.abs(y - values[i])).toBeLessThanOrEqual(6e-9 * Math.abs(values[i]) + 1e-30);
    });
  });
  it("is between its limits at ±∞, lets NaN through, and is continuous", () => {
    using layer = make();
    const [low, far, high, nan] = run(layer, [-Infinity, -3e38, Infinity, NaN]);
    expect(nan).toBeNaN();
    expect(low).not.toBeNaN();
    expect(high).not.toBeNaN();
    if (Math.abs(low) < Infinity) expect(far).toBeCloseTo(low, 6);
    fc.assert(
      fc.property(fc.float({ min: -30, max: 30, noNaN: true }), (x) => {
        const [a, b] = run(layer, [x, x + 1e-3]);
        expect(Math.abs(b - a)).toBeLessThan(3e-3);
      }),
    );
  });
  it("stays finite in its derivative for every finite number", () => {
    using layer = make();
    scope(() => {
      const x = new Tensor(NDArray.from([-3e38, -1e4, -200, -88, 0, 88, 200, 1e4, 3e38], [9], "f32"), true);
      layer.forward(x).sum().backward();
      expect(Array.from(x.gradient?.view() ?? []).every((slope) => Math.abs(slope) < 1.8)).toBe(true);
    });
    layer.zeroGrad();
  });
});

it("f32 and f64 agree to f32 rounding, for every function", () => {
  for (const [, make] of cases) {
    using layer = make();
    if (layer instanceof PReLU) continue;
    fc.assert(
      fc.property(fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 9 }), (x) => {
        const exact = run(layer, x, "f64");
        run(layer, x).forEach((y, i) => {
          // x/6 + 1/2 cancels near −3: what remains has the rounding of x/6.
          const cancelled = layer instanceof Hardsigmoid && Math.abs(x[i]) < 3 ? Math.abs(x[i]) / 6 : 0;
          const bound = 1.3e-7 * (Math.abs(exact[i]) + cancelled) + 1e-44;
          expect(Math.abs(y - exact[i])).toBeLessThanOrEqual(bound);
        });
      }),
    );
  }
});

describe("learned slopes", () => {
  it("are one for all, or one per channel, and move against their gradient", () => {
    const layer = disposeLater(new PReLU(2, 0.5));
    scope(() => {
      const x = new Tensor(NDArray.from([1, -2, -3, -4, 5, 6], [3, 2], "f32"));
      expect(Array.from(layer.forward(x).toTypedArray())).toEqual([1, -1, -1.5, -2, 5, 6]);
      layer.forward(x).sum().backward();
      expect(Array.from(layer.weight.gradient?.view() ?? [])).toEqual([-3, -6]);
    });
    layer.zeroGrad();
    expect(layer.toString()).toBe("PReLU(2)");
    expect([...layer.stateDict().keys()]).toEqual(["weight"]);
  });
  it("are refused where they fit no channel", () => {
    using layer = new PReLU(3);
    scope(() => {
      expect(() => layer.forward(new Tensor(NDArray.from([1, 2], [1, 2], "f32")))).toThrow(ShapeError);
      const x = new Tensor(NDArray.from([1], [1], "f32"));
      expect(() => functions.prelu(x, new Tensor(NDArray.from([1], [1, 1], "f32")))).toThrow(ShapeError);
    });
  });
});

it("refuses parameters that are no numbers, other approximations and integers", () => {
  expect(() => new LeakyReLU(Number.NaN)).toThrow(ArgumentError);
  expect(() => new PReLU(0)).toThrow(ArgumentError);
  expect(() => new ELU("1" as never)).toThrow(ArgumentError);
  expect(() => new SELU(1, Infinity)).toThrow(ArgumentError);
  expect(() => new GELU({ approximate: "erf" as never })).toThrow("none or tanh");
  expect(() => new Hardsigmoid(1, null as never)).toThrow(ArgumentError);
  scope(() => {
    const codes = new Tensor(NDArray.from([1, 2], [2], "i32"));
    expect(() => functions.silu(codes)).toThrow(DTypeError);
    const x = new Tensor(NDArray.from([1, 2], [2], "f32"));
    expect(() => functions.gelu(x, { approximate: "sigmoid" as never })).toThrow(ArgumentError);
    expect(() => functions.leakyRelu(x, "steep" as never)).toThrow(ArgumentError);
    expect(Array.from(functions.relu6(x.mul(4)).toTypedArray())).toEqual([4, 6]);
  });
});

it("prepare makes staircases of ReLU6 and leaves the others, which the report lists", () => {
  const net = disposeLater(new Sequential(new ReLU6(), new SiLU(), new PReLU()));
  prepare(net, { activations: 4 });
  expect(net[0]).toBeInstanceOf(Staircase);
  expect(net[1]).toBeInstanceOf(SiLU);
  expect(quantReport(net).layers.map(({ kind, activationBits }) => [kind, activationBits])).toEqual([
    ["activation", 4],
    ["activation", 32],
    ["activation", 32],
  ]);
});
