/**
 * @file Descents reach critical points; BCGD keeps its inequality; separable classes are learned; bad options are
 * refused.
 */
import { describe, expect, it } from "vitest";
import { ArgumentError, DivergenceError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BCGD } from "../../src/optim/index.js";
import { binary, clippedReLU, identityProxy, QuantParameter, reluProxy, ternary } from "../../src/quant/index.js";
import { randomProblem } from "../../src/theory/experiments/convergence.js";
import { direction, gaussians } from "../../src/theory/experiments/experiment.js";
import {
  bcgdState,
  bcgdStep,
  criticality,
  isotropic,
  largestEigenvalue,
  leastSquaresGradient,
  leastSquaresLoss,
  populationDescent,
  quantizedDescent,
  quantizedGradients,
  randomLeastSquares,
  sampleDescent,
  separableData,
  separableDescent,
  sharpExample,
  spuriousV,
} from "../../src/theory/index.js";
import { disposeLater } from "../leaks.js";

const SEED = 7;

describe("coarse gradient descent on expectations", () => {
  it.each([reluProxy, clippedReLU])("reaches a critical point from 15 random starts, $name", (proxy) => {
    const rng = new Rng(SEED);
    const endings = Array.from({ length: 15 }, () => {
      const { student, teacher } = randomProblem(rng);
      const options = { proxy, lr: 0.5, steps: 20_000, tolerance: 1e-6, every: 20_000 };
      const descent = populationDescent(student, teacher, options);
      expect(criticality(descent.student, teacher)).toBeLessThan(1e-6);
      return descent.ending;
    });
    expect(endings).not.toContain("not converged");
    expect(endings.filter((ending) => ending === "global").length).toBeGreaterThan(5);
    expect(endings).toContain("spurious");
  });

  it("of identity leaves spurious minimizers, that of relu stays", () => {
    const teacher = { v: [1, 2, -0.5, 1.5], w: [1, 0] };
    const student = { v: spuriousV(teacher.v), w: [-1, 0.02] };
    const least = (proxy: typeof reluProxy): number =>
      Math.min(...populationDescent(student, teacher, { proxy, lr: 0.1, steps: 60 }).points.map(({ theta }) => theta));
    expect(least(identityProxy)).toBeLessThan(1);
    expect(least(reluProxy)).toBeGreaterThan(3.1);
    expect(least(clippedReLU)).toBeGreaterThan(3.1);
  });

  it("starting at the teacher ends at once, at the global minimum", () => {
    const teacher = { v: [1, 2], w: [0.6, 0.8] };
    const { ending, steps, points } = populationDescent(teacher, teacher, {
      proxy: reluProxy,
      lr: 1,
      steps: 9,
      tolerance: 1e-6,
    });
    expect({ ending, steps, loss: points[0].loss < 1e-15 }).toEqual({ ending: "global", steps: 0, loss: true });
  });

  it("refuses bad options and says when it diverges", () => {
    const [student, teacher] = [
      { v: [1, 2], w: [0, 1] },
      { v: [1, 1], w: [1, 0] },
    ];
    expect(() => populationDescent(student, teacher, { proxy: reluProxy, lr: 0, steps: 1 })).toThrow(ArgumentError);
    expect(() => populationDescent(student, teacher, { proxy: reluProxy, lr: 1e6, steps: 500 })).toThrow(
      DivergenceError,
    );
    const options = { proxy: reluProxy, lr: 1, steps: 1, seed: 1, batch: 0 };
    expect(() => sampleDescent(student, teacher, options)).toThrow("bad batch");
  });
});

describe("descent on samples", () => {
  const teacher = { v: [1, 0.8, 0.6], w: [1, 0, 0] };
  const student = { v: [0.2, 1.2, -0.3], w: [-0.6, 0.8, 0.5] };

  it("brings the loss down as the descent on expectations does", () => {
    const { points } = sampleDescent(student, teacher, {
      proxy: reluProxy,
      lr: 0.2,
      steps: 100,
      batch: 128,
      seed: SEED,
    });
    expect(points.length).toBe(101);
    expect(points[100].loss).toBeLessThan(0.05 * points[0].loss);
    expect(points[100].theta).toBeLessThan(0.3);
  });

  it.each([2, 4])("%i bits with a trained step", (bits) => {
    const alphas: number[] = [];
    const target = { ...teacher, alpha: 0.4 };
    const options = { bits, proxy: clippedReLU, lr: 0.1, alphaScale: 0.1, steps: 120, batch: 64, seed: SEED };
    const end = quantizedDescent({ ...student, alpha: 0.8 }, target, options, (_, { alpha }) => alphas.push(alpha));
    const loss = (net: typeof end): number => quantizedGradients(net, target, options).loss;
    expect(loss(end)).toBeLessThan(0.15 * loss({ ...student, alpha: 0.8 }));
    expect(new Set(alphas).size).toBeGreaterThan(100);
  });
});

describe("BCGD on least squares", () => {
  it("the largest eigenvalue bounds the curvature, tightly", () => {
    const rng = new Rng(SEED);
    for (let k = 0; k < 8; k++) {
      const { hessian, lipschitz } = randomLeastSquares(rng, 2 + rng.int(8), 20);
      let x = gaussians(rng, hessian.length);
      let rayleigh = 0;
      for (let i = 0; i < 1500; i++) {
        const y = hessian.map((row) => row.reduce((sum, h, j) => sum + h * x[j], 0));
        const size = Math.sqrt(y.reduce((sum, v) => sum + v * v, 0));
        rayleigh = y.reduce((sum, v, j) => sum + v * x[j], 0) / x.reduce((sum, v) => sum + v * v, 0);
        x = y.map((v) => v / size);
      }
      expect(lipschitz / rayleigh).toBeGreaterThanOrEqual(1);
      expect(lipschitz / rayleigh).toBeLessThan(1 + 1e-6);
    }
    expect(largestEigenvalue([[0]])).toBe(0);
  });

  it.each([binary(), ternary()])("0 < η < ρ/L: every move descends by what is promised, $name", (projection) => {
    const rng = new Rng(SEED);
    let moves = 0;
    for (let k = 0; k < 40; k++) {
      const n = 2 + rng.int(8);
      const problem = randomLeastSquares(rng, n, 2 * n);
      const rho = 2 ** -rng.int(8);
      let state = bcgdState(gaussians(rng, n), projection);
      for (let step = 0; step < 40; step++) {
        const lr = (rho * rng.range(0.05, 0.99)) / problem.lipschitz;
        const taken = bcgdStep(problem, state, { projection, rho, lr });
        expect(taken.after).toBeLessThanOrEqual(taken.bound + taken.slack);
        // The allowance for rounding must not be what makes it true.
        if (taken.moved > 1e-3) expect(taken.slack).toBeLessThan(1e-3 * taken.before);
        if (taken.moved > 1e-6) moves++;
        state = taken.state;
      }
    }
    expect(moves).toBeGreaterThan(200);
  });

  it("ρ = 0: there is ascent, and the sharp example is sharp", () => {
    const options = { rho: 0.1, lr: 0.05, lipschitz: 1 };
    const step = (rho: number) => {
      const { problem, latent } = sharpExample(1e-5, { ...options, rho });
      return bcgdStep(problem, bcgdState(latent, binary()), { projection: binary(), rho, lr: options.lr });
    };
    const blended = step(0.1);
    expect((blended.before - blended.after) / (blended.before - blended.bound)).toBeCloseTo(1, 2);
    const unblended = step(0);
    expect(unblended.after - unblended.before).toBeGreaterThan(0.9 * (unblended.bound - unblended.before));
  });

  it("is the library's BCGD: the same signs and nearly the same weights", () => {
    const rng = new Rng(SEED);
    const problem = randomLeastSquares(rng, 8, 20);
    const start = gaussians(rng, 8);
    const weights = disposeLater(new QuantParameter(NDArray.from(start, [8], "f32"), { projection: binary() }));
    const [lr, rho] = [0.05 / problem.lipschitz, 0.01];
    const optimizer = disposeLater(new BCGD([weights], { lr, rho }));
    let state = bcgdState(start, binary());
    for (let step = 0; step < 50; step++) {
      const { codes, delta } = weights.quantized();
      const w = [...codes.toTypedArray()].map((code) => delta[0] * code);
      weights.gradient?.dispose();
      weights.gradient = NDArray.from(leastSquaresGradient(problem, w), [8], "f32");
      optimizer.step();
      state = bcgdStep(problem, state, { projection: binary(), rho, lr }).state;
      const after = weights.quantized();
      [...after.codes.toTypedArray()].forEach((code, i) => {
        expect(Math.sign(state.quantized[i])).toBe(code);
        expect(after.delta[0] * code).toBeCloseTo(state.quantized[i], 4);
      });
    }
    weights.gradient?.dispose();
    weights.gradient = null;
  });

  it("refuses bad options", () => {
    const state = bcgdState([1, -1], binary());
    const problem = isotropic([0, 0], 1);
    expect(leastSquaresLoss(problem, [1, 1])).toBe(1);
    expect(() => bcgdStep(problem, state, { projection: binary(), rho: 2, lr: 1 })).toThrow(ArgumentError);
    expect(() => bcgdStep(isotropic([0], 1), state, { projection: binary(), rho: 0, lr: 1 })).toThrow(
      "weights and unknowns",
    );
  });
});

describe("separable classes", () => {
  const data = separableData({ classes: 3, subspace: 2, train: 150, test: 60, seed: SEED });

  it("lie in orthogonal subspaces", () => {
    const { points, labels } = data.train;
    const row = (i: number) => points.subarray(i * 6, i * 6 + 6);
    const product = row(0).reduce((sum, x, j) => sum + x * row(1)[j], 0);
    expect(labels.slice(0, 4)).toEqual([0, 1, 2, 0]);
    expect(Math.abs(product)).toBeLessThan(1e-6);
  });

  it.each([
    [4, reluProxy],
    [4, clippedReLU],
  ])("%i bits: all training points are classified, %o", (bits, proxy) => {
    const options = { bits, proxy, units: 6, lr: 0.3, steps: 60, seed: SEED, alpha: 0.166, every: 20 };
    expect(separableDescent(data, options).train).toBe(1);
  });

  it("identity does not get there, and bad sizes are refused", () => {
    const options = {
      bits: 4,
      proxy: identityProxy,
      units: 6,
      lr: 0.3,
      steps: 60,
      seed: SEED,
      alpha: 0.166,
      every: 20,
    };
    expect(separableDescent(data, options).train).toBeLessThan(0.9);
    expect(() => separableData({ classes: 1, subspace: 2, train: 1, test: 1, seed: 1 })).toThrow(ArgumentError);
    expect(direction(new Rng(1), 3, 2).reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(4, 12);
  });
});
