/** @file The engine's custom backward rules give the paper's coarse gradients: sample by sample, and in the mean. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensor } from "../../src/autograd/functions.js";
import { ShapeError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import {
  almostEverywhere,
  type CoarseProxy,
  clippedReLU,
  identityProxy,
  pact,
  reluProxy,
  Staircase,
} from "../../src/quant/index.js";
import {
  binaryStep,
  expectedCoarseGradient,
  integrate,
  monteCarlo,
  normalDensity,
  normalDistribution,
  populationGradientV,
  populationLoss,
  quantizedBatch,
  quantizedGradients,
  quantizedMonteCarlo,
  sampleGradients,
  sampleLoss,
} from "../../src/theory/index.js";
import { pairs, SEED } from "./cases.js";

const triangle: CoarseProxy = { name: "triangle", dx: (x) => Math.max(0, 1 - Math.abs(x)) };
const proxies = [reluProxy, identityProxy, clippedReLU, triangle];

describe("the coarse gradient of a sample", () => {
  it("is Zᵀ(μ′(Zw) ⊙ v)(vᵀσ(Zw) − v*ᵀσ(Zw*)), for every sample of a batch", () => {
    fc.assert(
      fc.property(pairs(), fc.constantFrom(...proxies), fc.nat(), ({ student, teacher }, proxy, seed) => {
        const [m, n, count] = [student.v.length, student.w.length, 5];
        const z = new Float64Array(count * m * n);
        new Rng(seed).fillNormal(z, 0, 1);
        const estimate = sampleGradients(student, teacher, z, proxy);
        for (let b = 0; b < count; b++) {
          const rows = Array.from({ length: m }, (_, i) => [...z.subarray((b * m + i) * n, (b * m + i + 1) * n)]);
          const times = (w: readonly number[]) => rows.map((row) => row.reduce((sum, x, j) => sum + x * w[j], 0));
          const [x, y] = [times(student.w), times(teacher.w)];
          const residual = rows.reduce(
            (sum, _, i) => sum + (x[i] > 0 ? student.v[i] : 0) - (y[i] > 0 ? teacher.v[i] : 0),
            0,
          );
          expect(estimate.loss[b]).toBeCloseTo(0.5 * residual * residual, 12);
          for (let i = 0; i < m; i++) expect(estimate.v[b * m + i]).toBeCloseTo(x[i] > 0 ? residual : 0, 12);
          for (let j = 0; j < n; j++) {
            const wanted = rows.reduce(
              (sum, row, i) => sum + row[j] * proxy.dx(x[i], 1, 1) * student.v[i] * residual,
              0,
            );
            expect(estimate.w[b * n + j]).toBeCloseTo(wanted, 10);
          }
        }
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  it("is what the library's own 1-bit staircase gives", () => {
    const student = { v: [1, -2, 0.5], w: [0.5, -1] };
    const teacher = { v: [0.5, 1, 1], w: [1, 0.25] };
    const z = new Float64Array(60 * 6);
    new Rng(1).fillNormal(z, 0, 1);
    for (const proxy of proxies) {
      const one = sampleGradients(student, teacher, z, proxy);
      const other = quantizedBatch({ ...student, alpha: 1 }, { ...teacher, alpha: 1 }, z, { bits: 1, proxy });
      const mean = (rows: Float64Array, width: number, at: number) =>
        rows.reduce((sum, x, i) => sum + (i % width === at ? x : 0), 0) / 60;
      for (let j = 0; j < 2; j++) expect(other.w[j]).toBeCloseTo(mean(one.w, 2, j), 5);
      for (let i = 0; i < 3; i++) expect(other.v[i]).toBeCloseTo(mean(one.v, 3, i), 10);
      expect(other.loss).toBeCloseTo(sampleLoss(student, teacher, z), 10);
    }
  });

  it("belongs to an op like others: f32 too, with the staircase's values", () => {
    scope(() => {
      const x = tensor([-1, 0, 0.25, 2], { requiresGrad: true });
      const y = binaryStep([x], clippedReLU);
      y.sum().backward();
      expect([...y.toTypedArray()]).toEqual([0, 0, 1, 1]);
      expect([...(x.grad?.toTypedArray() ?? [])]).toEqual([0, 0, 1, 0]);
      const layer = new Staircase({ bits: 1, alpha: 1 });
      expect([...layer.forward(x).toTypedArray()]).toEqual([0, 0, 1, 1]);
      layer.dispose();
    });
  });

  it("refuses inputs that do not make whole samples", () => {
    const net = { v: [1, 1], w: [1, 0] };
    expect(() => sampleGradients(net, net, new Float64Array(5), reluProxy)).toThrow(ShapeError);
    expect(() => sampleGradients(net, net, new Float64Array(0), reluProxy)).toThrow("a multiple of m·n = 4, got 0");
  });
});

describe("means over samples, through the engine", () => {
  it("are within 4 standard errors of the formulas", () => {
    fc.assert(
      fc.property(pairs(3), fc.constantFrom(...proxies), ({ student, teacher }, proxy) => {
        const estimate = monteCarlo(student, teacher, proxy, { samples: 4000, seed: SEED });
        const wanted = {
          loss: [populationLoss(student, teacher)],
          v: populationGradientV(student, teacher),
          w: expectedCoarseGradient(student, teacher, proxy, { jumps: [-1, 1] }),
        };
        for (const name of ["loss", "v", "w"] as const) {
          wanted[name].forEach((x, i) => {
            expect(Math.abs(estimate[name].mean[i] - x)).toBeLessThanOrEqual(4 * estimate[name].error[i] + 1e-9);
          });
        }
      }),
      { seed: SEED, numRuns: 12 },
    );
  });

  it.each([
    [2, clippedReLU, undefined],
    [2, identityProxy, pact],
    [4, reluProxy, almostEverywhere],
  ])("%i bits, %o", (bits, proxy, rule) => {
    const options = { bits, proxy, ...(rule && { rule }) };
    const student = { v: [1, 2, -0.5], w: [0.3, 1.1], alpha: 0.5 };
    const teacher = { v: [0.5, 1, 1], w: [1, 0], alpha: 0.375 };
    const estimate = quantizedMonteCarlo(student, teacher, options, { batches: 40, batch: 500, seed: SEED });
    const { loss, v, coarseW, coarseAlpha } = quantizedGradients(student, teacher, options);
    const wanted = { loss: [loss], v, w: coarseW, alpha: [coarseAlpha] };
    for (const name of ["loss", "v", "w", "alpha"] as const) {
      wanted[name].forEach((x, i) => {
        expect(Math.abs(estimate[name].mean[i] - x) / estimate[name].error[i]).toBeLessThan(4);
      });
    }
  });
});

describe("quadrature and the normal distribution", () => {
  it("integrates what is smooth to the last digits, and across unnamed jumps", () => {
    const [moment, tail] = integrate((x) => [x * x * normalDensity(x), normalDensity(x)], [0, 1, 11]);
    expect(moment).toBeCloseTo(0.5, 14);
    expect(tail).toBeCloseTo(0.5, 14);
    const [jump] = integrate((x) => [x > Math.SQRT1_2 ? 1 : 0], [0, 1]);
    expect(jump).toBeCloseTo(1 - Math.SQRT1_2, 11);
  });

  // Values of Φ from tables of the normal distribution (Abramowitz and Stegun 26).
  it.each([
    [0, 0.5],
    [1, 0.8413447460685429],
    [-1, 0.15865525393145705],
    [1.5, 0.9331927987311419],
    [-3, 0.0013498980316300933],
    [-10, 7.61985302416047e-24],
  ])("Φ(%d)", (x, value) => {
    expect(Math.abs(normalDistribution(x) / value - 1)).toBeLessThan(1e-13);
  });
});
