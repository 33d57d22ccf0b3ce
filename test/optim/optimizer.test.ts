/** @file Optimizers against trajectories from plain f64 loops, written from PyTorch's documentation. */
import { describe, expect, it } from "vitest";
import type { DType } from "../../src/core/dtype.js";
import { Rng } from "../../src/core/rng.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Parameter, type ParameterConstraint } from "../../src/nn/parameter.js";
import { Adam, AdamW } from "../../src/optim/adam.js";
import { clipGradNorm, clipGradValue } from "../../src/optim/clip-gradients.js";
import type { Optimizer } from "../../src/optim/optimizer.js";
import { SGD } from "../../src/optim/sgd.js";
import { disposeLater } from "../leaks.js";

const SEED = 20240;
function parameter(values: readonly number[], dtype: DType = "f64", constraint?: ParameterConstraint): Parameter {
  return disposeLater(new Parameter(NDArray.from(values, [values.length], dtype), { constraint }));
}

function give(target: Parameter, gradient: readonly number[]): void {
  target.zeroGrad();
  target.gradient = NDArray.from(gradient, [gradient.length], target.dtype);
}

/** Gradients of f(w) = ½ Σ k_i (w_i − t_i)²: they depend on w, so that errors grow. */
function bowl(size: number) {
  const rng = new Rng(SEED);
  const start = Array.from({ length: size }, () => rng.normal());
  const stiff = Array.from({ length: size }, () => 0.2 + rng.uniform());
  const target = Array.from({ length: size }, () => rng.normal());
  const gradient = (w: ArrayLike<number>) => Array.from(w, (x, i) => stiff[i] * (x - target[i]));
  return { start, gradient };
}

function run(make: (p: Parameter) => Optimizer<never>, steps: number, dtype: DType): number[] {
  const { start, gradient } = bowl(9);
  const w = parameter(start, dtype);
  const optimizer = make(w);
  for (let t = 0; t < steps; t++) {
    give(w, gradient(w.toTypedArray()));
    optimizer.step();
  }
  expect(w.version).toBe(steps);
  optimizer.dispose();
  return Array.from(w.toTypedArray());
}

/** torch.optim.SGD with dampening 0. */
function sgdOracle(steps: number, o: { lr: number; mu: number; decay: number; nesterov: boolean }): number[] {
  const { start, gradient } = bowl(9);
  const w = [...start];
  const v: (number | null)[] = w.map(() => null);
  for (let t = 0; t < steps; t++) {
    gradient(w).forEach((raw, i) => {
      let d = raw + o.decay * w[i];
      if (o.mu !== 0) {
        const before = v[i];
        const now = before === null ? d : o.mu * before + d;
        v[i] = now;
        d = o.nesterov ? d + o.mu * now : now;
      }
      w[i] -= o.lr * d;
    });
  }
  return w;
}

/** torch.optim.Adam and AdamW. */
function adamOracle(
  steps: number,
  o: { lr: number; b1: number; b2: number; eps: number; decay: number; decoupled: boolean },
): number[] {
  const { start, gradient } = bowl(9);
  const w = [...start];
  const m = w.map(() => 0);
  const v = w.map(() => 0);
  for (let t = 1; t <= steps; t++) {
    gradient(w).forEach((raw, i) => {
      if (o.decoupled) w[i] *= 1 - o.lr * o.decay;
      const g = o.decoupled ? raw : raw + o.decay * w[i];
      m[i] = o.b1 * m[i] + (1 - o.b1) * g;
      v[i] = o.b2 * v[i] + (1 - o.b2) * g * g;
      const mHat = m[i] / (1 - o.b1 ** t);
      const vHat = v[i] / (1 - o.b2 ** t);
      w[i] -= (o.lr * mHat) / (Math.sqrt(vHat) + o.eps);
    });
  }
  return w;
}

function expectClose(got: readonly number[], expected: readonly number[], tolerance: number): void {
  got.forEach((value, i) => {
    expect(Math.abs(value - expected[i]), `element ${i}, seed ${SEED}`).toBeLessThan(tolerance);
  });
}

describe.each(["f64", "f32"] as const)("trajectories in %s", (dtype) => {
  const tolerance = dtype === "f64" ? 1e-12 : 2e-5;
  it.each([
    { lr: 0.1, mu: 0, decay: 0, nesterov: false },
    { lr: 0.1, mu: 0, decay: 0.05, nesterov: false },
    { lr: 0.05, mu: 0.9, decay: 0.01, nesterov: false },
    { lr: 0.05, mu: 0.95, decay: 1e-4, nesterov: true },
  ])("SGD %o", (o) => {
    const got = run(
      (p) => new SGD([p], { lr: o.lr, momentum: o.mu, weightDecay: o.decay, nesterov: o.nesterov }) as never,
      25,
      dtype,
    );
    expectClose(got, sgdOracle(25, o), tolerance);
  });
  it.each([
    { lr: 0.05, b1: 0.9, b2: 0.999, eps: 1e-8, decay: 0, decoupled: false },
    { lr: 0.05, b1: 0.8, b2: 0.99, eps: 1e-3, decay: 0.1, decoupled: false },
    { lr: 0.05, b1: 0.9, b2: 0.999, eps: 1e-8, decay: 0.1, decoupled: true },
  ])("Adam %o", (o) => {
    const options = { lr: o.lr, beta1: o.b1, beta2: o.b2, eps: o.eps, weightDecay: o.decay };
    const got = run((p) => (o.decoupled ? new AdamW([p], options) : new Adam([p], options)) as never, 25, dtype);
    expectClose(got, adamOracle(25, o), dtype === "f64" ? 1e-9 : 2e-5);
  });
});

describe("groups, rates and constraints", () => {
  it("fills a group's options from the optimizer's, and scales every rate by the schedule's factor", () => {
    const a = parameter([1]);
    const b = parameter([1]);
    const optimizer = new SGD([{ parameters: [a] }, { parameters: [b], lr: 0.25, momentum: undefined }], { lr: 1 });
    expect(optimizer.groups[1].options).toEqual({ lr: 0.25, momentum: 0, nesterov: false, weightDecay: 0 });
    optimizer.lrFactor = 0.5;
    for (const p of [a, b]) give(p, [1]);
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([0.5, 0.875]);
    optimizer.lr = 0;
    optimizer.step();
    expect([a.item(), b.item()]).toEqual([0.5, 0.875]);
  });
  it("clips the gradient, then scales the rate, then clamps the value", () => {
    const constraint = { gradClip: [-1, 1], lrScale: 0.01, range: [1e-3, 5], weightDecay: false } as const;
    const alpha = parameter([0.5], "f64", constraint);
    const low = parameter([0.002], "f64", constraint);
    const high = parameter([4.999], "f64", constraint);
    const optimizer = new SGD([alpha, low, high], { lr: 1, weightDecay: 0.5 });
    give(alpha, [37]);
    give(low, [1]);
    give(high, [-8]);
    optimizer.step();
    expect(alpha.item()).toBeCloseTo(0.49, 12);
    expect(low.item()).toBe(1e-3);
    expect(high.item()).toBe(5);
  });
  it("leaves parameters without a gradient alone, decay included", () => {
    const a = parameter([2]);
    const frozen = parameter([2]);
    frozen.requiresGrad = false;
    give(frozen, [1]);
    const optimizer = new SGD([a, frozen], { lr: 1, weightDecay: 0.5 });
    optimizer.step();
    expect([a.item(), frozen.item(), a.version]).toEqual([2, 2, 0]);
  });
  it("keeps a parameter's gradient until zeroGrad", () => {
    const a = parameter([2]);
    give(a, [1]);
    const optimizer = new SGD([a], { lr: 1 });
    optimizer.step();
    expect(a.grad?.item()).toBe(1);
    optimizer.zeroGrad();
    expect(a.grad).toBeNull();
  });
  it.each([
    [() => new SGD([], { lr: 1 }), /SGD: no parameters/],
    [() => new SGD([parameter([1])], { lr: -1 }), /SGD: bad lr.*got -1/],
    [() => new SGD([parameter([1])], { lr: 1, momentum: 1 }), /SGD: bad momentum.*got 1/],
    [() => new SGD([parameter([1])], { lr: 1, nesterov: true }), /nesterov without momentum/],
    [() => new Adam([parameter([1])], { beta2: 1.5 }), /Adam: bad beta2/],
    [() => new AdamW([parameter([1])], { weightDecay: Number.NaN }), /AdamW: bad weightDecay.*NaN/],
  ])("refuses %s", (make, message) => {
    expect(make).toThrow(message);
  });
  it("refuses a parameter in two groups", () => {
    const a = parameter([1]);
    expect(() => new SGD([{ parameters: [a] }, { parameters: [a] }], { lr: 1 })).toThrow(/appears twice/);
  });
});

describe("state", () => {
  const kinds: [string, (p: Parameter[]) => Optimizer<never>][] = [
    ["SGD", (p) => new SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }) as never],
    ["AdamW", (p) => new AdamW(p, { lr: 0.1 }) as never],
  ];
  it.each(kinds)("of %s taken mid-way and given to a new one continues bit for bit", (_, make) => {
    const { start, gradient } = bowl(7);
    const whole = parameter(start, "f32");
    const first = make([whole]);
    const advance = (w: Parameter, optimizer: Optimizer<never>, steps: number) => {
      for (let t = 0; t < steps; t++) {
        give(w, gradient(w.toTypedArray()));
        optimizer.step();
      }
    };
    advance(whole, first, 5);
    first.lrFactor = 0.25;
    const { arrays, values } = first.stateDict();
    const saved = {
      arrays: new Map(
        [...arrays].map(([k, a]) => [k, { shape: a.shape, data: "view" in a ? a.toTypedArray() : a.data }]),
      ),
      values: JSON.parse(JSON.stringify(values)),
    };
    const half = parameter(Array.from(whole.toTypedArray()), "f32");
    const second = make([half]);
    second.loadStateDict(saved);
    expect(second.lrFactor).toBe(0.25);
    advance(whole, first, 6);
    advance(half, second, 6);
    expect(half.toTypedArray()).toEqual(whole.toTypedArray());
    first.dispose();
    second.dispose();
  });
  it("refuses the state of another network and stays as it was", () => {
    const w = parameter([1, 2]);
    const optimizer = new SGD([w], { lr: 1, momentum: 0.5 });
    give(w, [1, 1]);
    optimizer.step();
    const wrongShape = { arrays: new Map([["0.velocity", { shape: [3], data: new Float64Array(3) }]]), values: {} };
    const wrongIndex = { arrays: new Map([["4.velocity", { shape: [2], data: new Float64Array(2) }]]), values: {} };
    expect(() => optimizer.loadStateDict(wrongShape)).toThrow(/0\.velocity.*expected \[2\], got \[3\]/);
    expect(() => optimizer.loadStateDict(wrongIndex)).toThrow(/4\.velocity belongs to no parameter/);
    expect(optimizer.stateDict().arrays.size).toBe(1);
    optimizer.dispose();
  });
});

describe("clipping of gradients", () => {
  it("scales all gradients to a joint norm", () => {
    const a = parameter([0, 0]);
    const b = parameter([0]);
    give(a, [3, 0]);
    give(b, [4]);
    expect(clipGradNorm([a, b], 10)).toBe(5);
    expect(b.grad?.item()).toBe(4);
    expect(clipGradNorm([a, b], 1)).toBe(5);
    const scale = 1 / (5 + 1e-6);
    expect(a.grad?.toArray()).toEqual([3 * scale, 0]);
    expect(b.grad?.item()).toBeCloseTo(4 * scale, 15);
  });
  it("clamps components", () => {
    const a = parameter([0, 0, 0]);
    give(a, [-3, 0.5, 2]);
    clipGradValue([a], 1);
    expect(a.grad?.toArray()).toEqual([-1, 0.5, 1]);
  });
});
