/**
 * @file The staircase, its proxies and its α-rules against golden values and independently written formulas at every
 * boundary.
 */
import { describe, expect, it, vi } from "vitest";
import { apply, Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, DTypeError, QuantError, ShapeError } from "../../src/core/errors.js";
import { exp } from "../../src/core/math.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d } from "../../src/nn/index.js";
import {
  type AlphaRule,
  almostEverywhere,
  alphaRules,
  authorsStep,
  type CoarseProxy,
  clippedReLU,
  halfGaussianStep,
  identityProxy,
  pact,
  proxies,
  type Rounding,
  reluProxy,
  Staircase,
  type StaircaseAttrs,
  staircase,
  staircaseCode,
  staircaseOp,
  threeValued,
} from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";
import { around, randomAlpha } from "./oracles.js";

const SEED = 40;
const { fround } = Math;

interface Outcome {
  values: number[];
  codes: number[];
  dx: number[];
  dalpha: number;
}

/** Forward and backward with the seed gradient dy. */
function run(x: readonly number[], alpha: number, dy: readonly number[], attrs: Partial<StaircaseAttrs> = {}): Outcome {
  return scope(() => {
    const input = new Tensor(NDArray.from(x, [x.length], "f32"), true);
    const step = new Tensor(NDArray.from([alpha], [], "f32"), true);
    const all = { bits: 4, proxy: clippedReLU, rule: threeValued, rounding: "ceil" as Rounding, ...attrs };
    const y = apply(staircaseOp, [input, step], all);
    y.backward(new Tensor(NDArray.from(dy, [dy.length], "f32")));
    return {
      values: [...y.toTypedArray()],
      codes: [...y.data.toTypedArray()],
      dx: [...(input.grad as Tensor).toTypedArray()],
      dalpha: (step.grad as Tensor).item(),
    };
  });
}

const ones = (n: number): number[] => new Array<number>(n).fill(1);
/** ∂σ/∂α at each x: with one dy of 1 at a time. */
const perElement = (x: readonly number[], alpha: number, attrs: Partial<StaircaseAttrs>): number[] =>
  x.map((value) => run([value], alpha, [1], attrs).dalpha);

describe("golden values, α = 0.25, 4 bits", () => {
  const x = [-1, 0, 0.1, 0.25, 0.26, 0.5, 3.5, 3.51, 3.75, 3.76, 9];
  it("σ and clipped ReLU", () => {
    const { values, dx, codes } = run(x, 0.25, ones(11));
    expect(values).toEqual([0, 0, 0.25, 0.25, 0.5, 0.5, 3.5, 3.75, 3.75, 3.75, 3.75]);
    expect(codes).toEqual([0, 0, 1, 1, 2, 2, 14, 15, 15, 15, 15]);
    expect(dx).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  });
  it.each([
    ["ae", almostEverywhere, [0, 0, 1, 1, 2, 2, 14, 15, 15, 15, 15]],
    ["pact", pact, [0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 15]],
    ["three-valued", threeValued, [0, 0, 8, 8, 8, 8, 8, 8, 8, 15, 15]],
  ] as const)("dα %s", (name, rule, expected) => {
    expect(perElement(x, 0.25, { rule })).toEqual(expected);
    expect(run(x, 0.25, ones(11), { rule }).dalpha).toBe(expected.reduce((a: number, b) => a + b, 0));
    expect(x.map((value) => rule.dalpha(value, 0.25, 15))).toEqual(expected);
    expect(alphaRules[name]).toBe(rule);
  });
  it("the other proxies", () => {
    expect(run(x, 0.25, ones(11), { proxy: reluProxy }).dx).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(run(x, 0.25, ones(11), { proxy: identityProxy }).dx).toEqual(ones(11));
    expect(Object.keys(proxies)).toEqual(["clipped-relu", "relu", "identity"]);
  });
});

// Written from BCGD §3, by counting the steps below x instead of rounding a quotient.
function levelOf(x: number, alpha: number, top: number, rounding: Rounding): number {
  if (!(x > 0)) return 0;
  const quotient = fround(x / alpha);
  let level = 0;
  if (rounding === "ceil") while (level < top && level < quotient) level++;
  else {
    while (level < top && (quotient > level + 0.5 || (quotient === level + 0.5 && level % 2 === 1))) level++;
  }
  return level;
}
const slopes: Record<string, (x: number, limit: number) => number> = {
  "clipped-relu": (x, limit) => (x <= 0 || x > limit ? 0 : 1),
  relu: (x) => (x <= 0 ? 0 : 1),
  identity: () => 1,
};
const steps: Record<string, (x: number, limit: number, top: number, level: number) => number> = {
  "three-valued": (x, limit, top) => (x <= 0 ? 0 : x <= limit ? (1 + top) / 2 : top),
  ae: (_x, _limit, _top, level) => level,
  pact: (x, limit, top) => (x <= limit ? 0 : top),
};

describe.each([1, 2, 3, 4, 5, 6, 7, 8])("at every boundary, %i bits", (bits) => {
  const top = 2 ** bits - 1;
  const rng = new Rng(SEED + bits);
  const alphas = [1e-3, 5, 0.25, ...Array.from({ length: 5 }, () => randomAlpha(rng))].map(fround);
  const levels = top <= 15 ? Array.from({ length: top }, (_, k) => k + 1) : [1, 2, 3, top >> 1, top - 1, top];
  const tiny = 2 ** -149;
  const points = (alpha: number): number[] => [
    ...[0, -0, tiny, -tiny, -alpha, Number.NaN, -Infinity, Infinity, 3 * top * alpha],
    ...levels.flatMap((k) => [...around(fround(k * alpha)), ...around(fround((k - 0.5) * alpha))]),
    ...Array.from({ length: 20 }, () => fround(rng.range(-0.2, 1.3) * top * alpha)),
  ];

  it.each(["ceil", "nearest"] as const)("codes, %s", (rounding) => {
    for (const alpha of alphas) {
      const x = points(alpha);
      const expected = x.map((value) => levelOf(value, alpha, top, rounding));
      const { codes, values } = run(x, alpha, ones(x.length), { bits, rounding });
      expect(codes, `alpha ${alpha}`).toEqual(expected);
      expect(values).toEqual(expected.map((code) => fround(alpha * code)));
      expect(x.map((value) => staircaseCode(value, alpha, top, rounding))).toEqual(expected);
    }
  });
  it.each(Object.keys(slopes))("dx, %s", (name) => {
    for (const alpha of alphas) {
      const x = points(alpha).filter((value) => !Number.isNaN(value));
      const limit = fround(top * alpha);
      const dy = x.map((_, i) => fround(((i % 7) - 3) / 4));
      const expected = x.map((value, i) => dy[i] * slopes[name](value, limit) + 0);
      const own: CoarseProxy = { name: "own", dx: proxies[name].dx };
      for (const proxy of [proxies[name], own]) {
        expect(run(x, alpha, dy, { bits, proxy }).dx.map((value) => value + 0)).toEqual(expected);
      }
    }
  });
  it.each(Object.keys(steps))("dα, %s", (name) => {
    for (const alpha of alphas) {
      const x = points(alpha).filter((value) => !Number.isNaN(value));
      const limit = fround(top * alpha);
      const expected = x.map((value) => steps[name](value, limit, top, levelOf(value, alpha, top, "ceil")));
      const own: AlphaRule = { name: "own", dalpha: alphaRules[name].dalpha };
      for (const rule of [alphaRules[name], own]) {
        // Multiples of 1/4: every sum is exact.
        const dy = x.map((_, i) => ((i % 7) - 3) / 4);
        const sum = expected.reduce((total, value, i) => total + value * dy[i], 0);
        expect(run(x, alpha, dy, { bits, rule }).dalpha, `alpha ${alpha}`).toBe(sum);
        x.slice(0, 30).forEach((value, i) => {
          expect(rule.dalpha(value, alpha, top)).toBe(expected[i]);
        });
      }
    }
  });
});

describe("users' own rules", () => {
  it("a proxy and an α-rule are values at the call site", () => {
    const soft: CoarseProxy = { name: "half", dx: (x, alpha, top) => (x > 0 && x < (top * alpha) / 2 ? 0.5 : 0) };
    const least: AlphaRule = { name: "min", dalpha: (x, alpha, top) => (x <= 0 ? 0 : x <= top * alpha ? 1 : top) };
    const { dx, dalpha } = run([-1, 1, 2, 4], 0.25, [1, 2, 4, 8], { proxy: soft, rule: least });
    expect(dx).toEqual([0, 1, 0, 0]);
    expect(dalpha).toBe(2 + 4 + 8 * 15);
  });
  it("a gradient is computed for the inputs that want one alone", () => {
    const dx = vi.fn(() => 1);
    const dalpha = vi.fn(() => 1);
    scope(() => {
      const x = new Tensor(NDArray.from([1, 2], [2], "f32"));
      const alpha = new Tensor(NDArray.from([1], [], "f32"), true);
      const attrs = { bits: 2, proxy: { name: "p", dx }, rule: { name: "r", dalpha }, rounding: "ceil" as const };
      apply(staircaseOp, [x, alpha], attrs).sum().backward();
    });
    expect(dx).not.toHaveBeenCalled();
    expect(dalpha).toHaveBeenCalledTimes(2);
  });
});

describe("in f64", () => {
  it.each(["ceil", "nearest"] as const)("gradients are those of f32, %s", (rounding) => {
    const rng = new Rng(SEED);
    // Multiples of 1/64, so that f32 and f64 see the same numbers.
    const x = Array.from({ length: 50 }, () => Math.floor(rng.range(-64, 320)) / 64);
    const dy = x.map(() => Math.floor(rng.range(-64, 64)) / 64);
    const slope: CoarseProxy = { name: "own", dx: (value) => (value > 1 ? 0.5 : 0.25) };
    for (const proxy of [...Object.values(proxies), slope]) {
      const expected = run(x, 0.25, dy, { proxy, rounding });
      scope(() => {
        const input = new Tensor(NDArray.from(x, [x.length], "f64"), true);
        const step = new Tensor(NDArray.from([0.25], [], "f64"), true);
        const y = apply(staircaseOp, [input, step], { bits: 4, proxy, rule: threeValued, rounding });
        // The gradient of codes comes back through the cast as f32.
        y.cast("f64")
          .mul(new Tensor(NDArray.from(dy, [dy.length], "f64")))
          .sum()
          .backward();
        expect([...(input.grad as Tensor).toTypedArray()]).toEqual(expected.dx);
        expect((step.grad as Tensor).item()).toBe(expected.dalpha);
      });
    }
  });
});

describe("Staircase", () => {
  it("starts at the half-Gaussian optimum, with the authors' constraint", () => {
    const layer = disposeLater(new Staircase({ bits: 4 }));
    expect(layer.alpha.item()).toBe(fround(halfGaussianStep(4)));
    expect(layer.alpha.shape).toEqual([]);
    expect(layer.alpha.constraint).toEqual({ lrScale: 0.01, gradClip: [-1, 1], range: [1e-3, 5] });
    expect([...layer.stateDict().keys()]).toEqual(["alpha"]);
    expect(`${layer}`).toBe("Staircase(4 bits, clipped-relu, three-valued)");
  });
  it("joined to a batch norm, widens the range that nobody chose to a step that was set, as it does alone", () => {
    for (const joined of [false, true]) {
      const layer = disposeLater(new Staircase({ bits: 4 }));
      const norm = disposeLater(new BatchNorm1d(2));
      layer.alpha.set([20]);
      scope(() => {
        const x = new Tensor(NDArray.from([1, 2, 3, 4], [2, 2]));
        if (joined) expect(layer.forwardNormalized(x, norm, null)).not.toBeNull();
        else layer.forward(x);
      });
      expect(layer.alpha.constraint?.range, `joined ${joined}`).toEqual([1e-3, 80]);
    }
  });
  it("takes other starts and constraints", () => {
    const authors = disposeLater(new Staircase({ bits: 1, alpha: "authors" }));
    expect(authors.alpha.item()).toBe(fround(1.2221));
    const own = disposeLater(
      new Staircase({
        bits: 2,
        alpha: 0.75,
        rounding: "nearest",
        trainAlpha: false,
        constraint: { lrScale: 1, weightDecay: false },
      }),
    );
    expect(own.alpha.item()).toBe(0.75);
    expect(own.alpha.requiresGrad).toBe(false);
    expect(own.alpha.constraint).toEqual({ lrScale: 1, gradClip: [-1, 1], range: [1e-3, 5], weightDecay: false });
    expect([1, 2, 4].map(authorsStep)).toEqual([1.2221, 0.6511, 0.1946]);
  });
  it("gives coded output, counts codes and shows its input", () => {
    const layer = disposeLater(new Staircase({ bits: 2, alpha: 0.5 }));
    const seen: number[][] = [];
    layer.observe((x) => seen.push([...x.toTypedArray()]));
    layer.countCodes(true);
    scope(() => {
      const y = layer.forward(new Tensor(NDArray.from([-1, 0.25, 0.75, 9, 9], [5], "f32")));
      expect(y.data.step).toBe(0.5);
      expect([...y.data.toTypedArray()]).toEqual([0, 1, 2, 3, 3]);
      // Coded input is seen and quantized by its real values.
      expect([...layer.forward(y).data.toTypedArray()]).toEqual([0, 1, 2, 3, 3]);
    });
    expect(seen).toEqual([
      [-1, 0.25, 0.75, 9, 9],
      [0, 0.5, 1, 1.5, 1.5],
    ]);
    expect([...(layer.codeCounts as Float64Array)]).toEqual([2, 2, 2, 4]);
    layer.countCodes(false);
    expect(layer.codeCounts).toBeNull();
  });
  it("refuses a step that is no positive number", () => {
    const layer = disposeLater(new Staircase({ bits: 4 }));
    for (const bad of [0, -1, Number.NaN, Infinity]) {
      layer.alpha.set([bad]);
      expect(() => scope(() => layer.forward(new Tensor(NDArray.zeros([1]))))).toThrow(QuantError);
    }
    expect(() => layer.setAlpha(0)).toThrow(ArgumentError);
  });
  it.each([
    [{ bits: 0 }, "staircase: bad bits; expected an integer from 1 to 8, got 0"],
    [{ bits: 4, rounding: "floor" as "ceil" }, 'staircase: unknown rounding; expected ceil or nearest, got "floor"'],
    [{ bits: 4, alpha: -1 }, 'staircase: bad alpha; expected a number > 0, "half-gaussian" or "authors", got -1'],
    [{ bits: 3, alpha: "authors" as const }, "authorsStep: no start value for this width; expected 1, 2, 4, got 3"],
  ])("refuses bad options %#", (options, message) => {
    expect(() => staircase(options)).toThrow(ArgumentError);
    expect(() => new Staircase(options)).toThrow(message);
  });
  it("the op refuses integers and steps of several elements", () => {
    scope(() => {
      const attrs = { bits: 4, proxy: clippedReLU, rule: threeValued, rounding: "ceil" as const };
      const x = new Tensor(NDArray.zeros([2]));
      const integers = new Tensor(NDArray.zeros([2], "i32"));
      expect(() => apply(staircaseOp, [integers, new Tensor(NDArray.full([], 1))], attrs)).toThrow(DTypeError);
      expect(() => apply(staircaseOp, [x, integers], attrs)).toThrow(ShapeError);
    });
  });
});

describe("half-Gaussian steps", () => {
  // E[(σ(x) − x)²] by Simpson's rule inside each step, where the integrand is smooth.
  function expected(alpha: number, bits: number, rounding: Rounding): number {
    const top = 2 ** bits - 1;
    const half = rounding === "nearest" ? 0.5 : 0;
    let total = 0;
    for (let k = rounding === "nearest" ? 0 : 1; k <= top; k++) {
      const from = Math.max(0, (k - 1 + half) * alpha);
      const to = k === top ? from + 9 : (k + half) * alpha;
      const parts = k === top ? 400 : 16;
      const width = (to - from) / parts;
      for (let i = 0; i <= parts; i++) {
        const x = from + i * width;
        const weight = i === 0 || i === parts ? 1 : i % 2 === 1 ? 4 : 2;
        total += ((weight * width) / 3) * (k * alpha - x) ** 2 * exp((-x * x) / 2);
      }
    }
    return total;
  }
  it.each(["ceil", "nearest"] as const)("are minima, %s", (rounding) => {
    for (let bits = 1; bits <= 8; bits++) {
      const best = halfGaussianStep(bits, rounding);
      const least = expected(best, bits, rounding);
      for (const factor of [0.3, 0.7, 0.99, 0.998, 1.002, 1.01, 1.4, 3]) {
        expect(expected(best * factor, bits, rounding), `${bits} bits, ${factor}`).toBeGreaterThan(least);
      }
    }
  });
  it("are close to what is known (0.798, 0.486, 0.166)", () => {
    expect([1, 2, 4].map((bits) => halfGaussianStep(bits).toFixed(3))).toEqual(["0.798", "0.487", "0.167"]);
    expect(() => halfGaussianStep(9)).toThrow(ArgumentError);
  });
});
