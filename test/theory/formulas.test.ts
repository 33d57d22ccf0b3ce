/**
 * @file The closed forms against Monte Carlo, against each other, under invariances, and at the ends of their domain.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError, ShapeError } from "../../src/core/errors.js";
import { cos, sin } from "../../src/core/math.js";
import { Rng } from "../../src/core/rng.js";
import { clippedReLU, identityProxy, reluProxy } from "../../src/quant/index.js";
import * as coarse from "../../src/theory/coarse.js";
import * as population from "../../src/theory/population.js";
import * as quantized from "../../src/theory/quantized.js";
import { orthonormal } from "../../src/theory/separable.js";
import { pairs, SEED } from "./cases.js";
import { type Formulas, monteCarloOffences, quantizedOffences, relationOffences } from "./formulas.js";

const formulas: Formulas = { ...coarse, ...population, ...quantized };
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
const expectations = {
  relu: coarse.expectedRelu,
  identity: coarse.expectedIdentity,
  "clipped-relu": coarse.expectedClippedRelu,
};

describe("closed forms", () => {
  it("are within 4 standard errors of Monte Carlo", () => {
    fc.assert(
      fc.property(pairs(), (pair) => {
        expect(monteCarloOffences(formulas, pair, 40_000)).toEqual([]);
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  it("satisfy the relations between them: derivatives, products, quadrature, one bit", () => {
    fc.assert(
      fc.property(pairs(), (pair) => {
        expect(relationOffences(formulas, pair)).toEqual([]);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it.each([2, 3])("%i bits: gradients are derivatives of the loss", (bits) => {
    fc.assert(
      fc.property(pairs(3), (pair) => {
        const parallel = population.populationGradientW(pair.student, pair.teacher).every((x) => Math.abs(x) < 1e-6);
        if (!parallel) expect(quantizedOffences(formulas, pair, bits)).toEqual([]);
      }),
      { seed: SEED, numRuns: 12 },
    );
  });

  it("do not depend on the scale of w, or depend on it as stated", () => {
    fc.assert(
      fc.property(pairs(), fc.double({ min: 0.1, max: 10, noNaN: true }), ({ student, teacher }, c) => {
        const grown = { ...student, w: student.w.map((x) => c * x) };
        expect(population.populationLoss(grown, teacher)).toBeCloseTo(population.populationLoss(student, teacher), 10);
        const gradient = population.populationGradientW(student, teacher);
        population.populationGradientW(grown, teacher).forEach((x, i) => {
          expect(c * x).toBeCloseTo(gradient[i], 10);
        });
        for (const of of [coarse.expectedRelu, coarse.expectedIdentity]) {
          const before = of(student, teacher);
          of(grown, teacher).forEach((x, i) => {
            expect(x).toBeCloseTo(before[i], 10);
          });
        }
        // Clipping is a matter of scale: w and the cap grow together.
        const clipped = coarse.expectedClippedRelu(student, teacher);
        coarse.expectedClippedRelu(grown, teacher, c).forEach((x, i) => {
          expect(x).toBeCloseTo(clipped[i], 10);
        });
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it("turn with a rotation of w and w*", () => {
    fc.assert(
      fc.property(pairs(), fc.nat(), ({ student, teacher }, seed) => {
        const basis = orthonormal(new Rng(seed), student.w.length);
        const turn = (w: readonly number[]): number[] => basis.map((row) => dot(row, w));
        const [own, target] = [student, teacher].map((net) => ({ ...net, w: turn(net.w) }));
        expect(population.populationLoss(own, target)).toBeCloseTo(population.populationLoss(student, teacher), 10);
        for (const of of [...Object.values(expectations), population.populationGradientW]) {
          const turned = turn(of(student, teacher));
          of(own, target).forEach((x, i) => {
            expect(x).toBeCloseTo(turned[i], 8);
          });
        }
      }),
      { seed: SEED, numRuns: 50 },
    );
  });

  it("E[g] of relu and clipped-relu vanishes at spurious minimizers, identity's is 2(m−1)/(m+1)²·(1ᵀv*)²/√(2π)", () => {
    fc.assert(
      fc.property(pairs(5), ({ teacher }) => {
        const student = { v: population.spuriousV(teacher.v), w: teacher.w.map((x) => -x) };
        const m = teacher.v.length;
        const size = (g: readonly number[]): number => Math.sqrt(dot(g, g));
        for (const x of population.populationGradientV(student, teacher)) expect(x).toBeCloseTo(0, 12);
        expect(size(coarse.expectedRelu(student, teacher))).toBeLessThan(1e-12);
        expect(size(coarse.expectedClippedRelu(student, teacher))).toBeLessThan(1e-12);
        const sum = teacher.v.reduce((all, x) => all + x, 0);
        const expected = (2 * (m - 1) * sum * sum) / ((m + 1) * (m + 1) * Math.sqrt(2 * Math.PI));
        expect(size(coarse.expectedIdentity(student, teacher))).toBeCloseTo(expected, 12);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it("every E[g] vanishes where student and teacher agree", () => {
    fc.assert(
      fc.property(pairs(), ({ teacher }) => {
        for (const of of Object.values(expectations)) {
          for (const x of of(teacher, teacher)) expect(x).toBeCloseTo(0, 12);
        }
        expect(population.populationLoss(teacher, teacher)).toBeCloseTo(0, 12);
      }),
      { seed: SEED, numRuns: 30 },
    );
  });

  it("any proxy that is nowhere negative correlates positively; one that is may not", () => {
    const student = { v: [1, 0.5], w: [cos(0.4), sin(0.4)] };
    const teacher = { v: [0.5, 1], w: [1, 0] };
    const gradient = population.populationGradientW(student, teacher);
    const along = (dx: (x: number) => number): number =>
      dot(coarse.expectedCoarseGradient(student, teacher, { name: "own", dx }, { jumps: [-1, 0, 0.5, 1] }), gradient);
    expect(along((x) => (x > -1 && x < 0 ? 1 : 0))).toBeGreaterThan(0);
    expect(along((x) => Math.max(0, 1 - Math.abs(x)))).toBeGreaterThan(0);
    expect(along((x) => (x < 0.5 ? -1 : 1))).toBeLessThan(0);
  });
});

describe("ends of the domain", () => {
  const teacher = { v: [1, -0.5], w: [0.6, 0.8] };
  const numbers = (student: { v: number[]; w: number[] }): number[] => [
    population.populationLoss(student, teacher),
    ...population.populationGradientV(student, teacher),
    ...population.populationGradientW(student, teacher),
    ...[clippedReLU, reluProxy, identityProxy, { name: "own", dx: () => 0.5 }].flatMap((proxy) =>
      coarse.expectedCoarseGradient(student, teacher, proxy),
    ),
    ...Object.values(
      quantized.quantizedGradients(
        { ...student, alpha: 0.5 },
        { ...teacher, alpha: 0.5 },
        { bits: 2, proxy: reluProxy },
      ),
    ).flat(),
    coarse.reluCorrelation(student, teacher),
    coarse.identityCorrelation(student, teacher),
    coarse.clippedReluCorrelation(student, teacher),
  ];

  it.each([
    ["θ = 0", [0.6, 0.8], 1],
    ["θ = π", [-0.6, -0.8], -1],
  ])("%s gives the limits", (_, w, side) => {
    const student = { v: [0.3, 2], w };
    expect(numbers(student).every(Number.isFinite)).toBe(true);
    expect(population.populationGradientW(student, teacher)).toEqual([0, 0]);
    expect(coarse.reluCorrelation(student, teacher)).toBe(0);
    // Limits: the same at an angle of 1e-7, to that order.
    const beside = { ...student, w: [w[0] - 1e-7 * w[1] * side, w[1] + 1e-7 * w[0] * side] };
    for (const of of [coarse.expectedRelu, coarse.expectedIdentity, coarse.expectedClippedRelu]) {
      of(beside, teacher).forEach((x, i) => {
        expect(Math.abs(x - of(student, teacher)[i])).toBeLessThan(1e-6);
      });
    }
    expect(
      Math.abs(population.populationLoss(beside, teacher) - population.populationLoss(student, teacher)),
    ).toBeLessThan(1e-6);
  });

  it.each([1e-14, 1e-9, 1e-4, 1 - 1e-9])("no NaN at angles of %d π", (share) => {
    const theta = share * Math.PI;
    const [c, s] = [cos(theta), sin(theta)];
    expect(numbers({ v: [0.3, 2], w: [c * 0.6 - s * 0.8, c * 0.8 + s * 0.6] }).every(Number.isFinite)).toBe(true);
  });

  it("a zero v is a point like others; a zero w or w* has no angle", () => {
    expect(numbers({ v: [0, 0], w: [1, 0] }).every(Number.isFinite)).toBe(true);
    for (const of of [
      population.populationLoss,
      population.populationGradientW,
      coarse.expectedRelu,
      coarse.expectedClippedRelu,
    ]) {
      expect(() => of({ v: [1, 1], w: [0, 0] }, teacher)).toThrow(ArgumentError);
      expect(() => of({ v: [1, 1], w: [1, 0] }, { ...teacher, w: [0, 0] })).toThrow(/w\* is the zero vector/);
    }
  });

  it("one unit and one weight will do", () => {
    const one = { v: [2], w: [3] };
    for (const target of [
      { v: [1], w: [1] },
      { v: [1], w: [-1] },
    ]) {
      expect(population.populationLoss(one, target)).toBeCloseTo(target.w[0] > 0 ? 0.25 : 1.25, 12);
      expect(coarse.expectedClippedRelu(one, target).every(Number.isFinite)).toBe(true);
    }
  });

  it("other bad input is refused with the op's name", () => {
    expect(() => population.populationLoss({ v: [1], w: [1, 0] }, teacher)).toThrow(ShapeError);
    expect(() => population.populationLoss({ v: [1, Number.NaN], w: [1, 0] }, teacher)).toThrow(
      "populationLoss: bad vector v; expected one or more finite numbers, got NaN at index 1",
    );
    expect(() => coarse.expectedRelu({ v: [], w: [1, 0] }, { v: [], w: [1, 0] })).toThrow("bad vector v");
    const infinite = { name: "own", dx: () => Number.POSITIVE_INFINITY };
    expect(() => coarse.expectedCoarseGradient({ v: [1, 1], w: [1, 0] }, teacher, infinite)).toThrow("not finite");
    const [own, target] = [
      { v: [1, 1], w: [1, 0], alpha: 0 },
      { ...teacher, alpha: 1 },
    ];
    expect(() => quantized.quantizedGradients(own, target, { bits: 2, proxy: reluProxy })).toThrow("bad alpha");
  });
});
