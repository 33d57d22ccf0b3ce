/**
 * @file What the closed forms must satisfy, as functions of the formulas, so that mutants can be put in their place.
 */

import { clippedReLU, identityProxy, reluProxy } from "../../src/quant/index.js";
import type * as coarse from "../../src/theory/coarse.js";
import { poseOf, type TwoLayer } from "../../src/theory/model.js";
import type * as population from "../../src/theory/population.js";
import type * as quantized from "../../src/theory/quantized.js";
import { type Pair, type Samples, sample } from "./cases.js";

/** The modules that hold formulas. */
export type Formulas = typeof coarse & typeof population & typeof quantized;

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
/** Both within `tolerance` of each other, relative to the larger, and absolutely near 0. */
const near = (a: number, b: number, tolerance: number): boolean =>
  Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b), 1e-3);

const cache = new Map<string, Samples>();
function samplesOf(pair: Pair, count: number): Samples {
  const key = JSON.stringify([pair, count]);
  const estimate = cache.get(key) ?? sample(pair, count);
  cache.set(key, estimate);
  return estimate;
}

/** Comparisons with Monte Carlo that are farther off than 4 standard errors. */
export function monteCarloOffences(f: Formulas, pair: Pair, count: number): string[] {
  const { student, teacher } = pair;
  const formulas: Record<string, number[]> = {
    loss: [f.populationLoss(student, teacher)],
    gradientV: f.populationGradientV(student, teacher),
    relu: f.expectedRelu(student, teacher),
    identity: f.expectedIdentity(student, teacher),
    "clipped-relu": f.expectedClippedRelu(student, teacher),
  };
  const { mean, error } = samplesOf(pair, count);
  return Object.entries(formulas).flatMap(([name, values]) =>
    values.flatMap((value, i) => {
      const scores = Math.abs(value - mean[name][i]) / error[name][i];
      // A quantity without spread has an exact mean, up to rounding of the sums.
      const off = error[name][i] < 1e-12 ? Math.abs(value - mean[name][i]) > 1e-9 : scores > 4;
      return off ? [`${name}[${i}]: ${value}, Monte Carlo ${mean[name][i]} ± ${error[name][i]}`] : [];
    }),
  );
}

function differences(f: (x: readonly number[]) => number, x: readonly number[], h = 1e-5): number[] {
  return x.map((_, i) => {
    const moved = (by: number): number => f(x.map((value, k) => (k === i ? value + by : value)));
    return (moved(h) - moved(-h)) / (2 * h);
  });
}

/**
 * Relations between the formulas, each of them exact: gradients are derivatives, correlations are products, quadrature
 * agrees.
 */
export function relationOffences(f: Formulas, { student, teacher }: Pair): string[] {
  const offences: string[] = [];
  const check = (name: string, got: number, wanted: number, tolerance = 1e-9): void => {
    if (!near(got, wanted, tolerance)) offences.push(`${name}: ${got}, expected ${wanted}`);
  };
  const checkAll = (name: string, got: readonly number[], wanted: readonly number[], tolerance?: number): void =>
    got.forEach((x, i) => {
      check(`${name}[${i}]`, x, wanted[i], tolerance);
    });
  const loss = (part: Partial<TwoLayer>): number => f.populationLoss({ ...student, ...part }, teacher);
  const gradientW = f.populationGradientW(student, teacher);
  checkAll(
    "∂f/∂v",
    f.populationGradientV(student, teacher),
    differences((v) => loss({ v }), student.v),
    1e-5,
  );
  // A difference quotient must not reach across the crease at θ = 0 and π.
  const { sin, length } = poseOf("test", student.w, teacher.w);
  const folded = sin * length < 1e-3;
  if (!folded)
    checkAll(
      "∂f/∂w",
      gradientW,
      differences((w) => loss({ w }), student.w, 1e-6),
      1e-3,
    );

  const expectations = {
    relu: [f.expectedRelu, f.reluCorrelation, reluProxy],
    identity: [f.expectedIdentity, f.identityCorrelation, identityProxy],
    "clipped-relu": [f.expectedClippedRelu, f.clippedReluCorrelation, clippedReLU],
  } as const;
  for (const [name, [expectation, correlation, proxy]] of Object.entries(expectations)) {
    const coarse = expectation(student, teacher);
    const value = correlation(student, teacher);
    check(`correlation of ${name}`, value, dot(coarse, gradientW));
    if (value < 0) offences.push(`correlation of ${name} is negative: ${value}`);
    // A copy of the proxy is not recognized and goes through quadrature.
    const copy = { name: "copy", dx: proxy.dx };
    checkAll(
      `quadrature of ${name}`,
      f.expectedCoarseGradient(student, teacher, copy, { jumps: [0, 1] }),
      coarse,
      1e-8,
    );
    const one = { bits: 1, proxy };
    const [own, target] = [student, teacher].map((net) => ({ ...net, alpha: 1 }));
    const exact = f.quantizedGradients(own, target, one);
    check("one bit: loss", exact.loss, f.populationLoss(student, teacher), 1e-8);
    checkAll("one bit: ∂f/∂v", exact.v, f.populationGradientV(student, teacher), 1e-8);
    if (!folded) checkAll("one bit: ∂f/∂w", exact.w, gradientW, 1e-8);
    checkAll(`one bit: E[g] of ${name}`, exact.coarseW, coarse, 1e-7);
  }
  return offences;
}

/** Where a student's gradients with more bits differ from derivatives of its loss. */
export function quantizedOffences(f: Formulas, { student, teacher }: Pair, bits: number): string[] {
  const [own, target] = [
    { ...student, alpha: 0.5 },
    { ...teacher, alpha: 0.375 },
  ];
  const options = { bits, proxy: clippedReLU };
  const exact = f.quantizedGradients(own, target, options);
  const loss = (part: object): number => f.quantizedGradients({ ...own, ...part }, target, options).loss;
  // Multiples of a power of 2, so that α ± h are f32 numbers.
  const [alpha] = differences(([x]) => loss({ alpha: x }), [own.alpha], 2 ** -12);
  const pairs = [
    ...differences((v) => loss({ v }), own.v, 1e-3).map((x, i) => [exact.v[i], x] as const),
    ...differences((w) => loss({ w }), own.w, 1e-4).map((x, i) => [exact.w[i], x] as const),
    [exact.alpha, alpha] as const,
  ];
  const scale = Math.max(...pairs.map(([, x]) => Math.abs(x)), 1e-2);
  return pairs.flatMap(([got, wanted], i) =>
    Math.abs(got - wanted) > 1e-3 * scale ? [`${i}: ${got}, ${wanted}`] : [],
  );
}

/** Where the spurious v is not a zero of ∂f/∂v, or E[g_relu] does not vanish there. */
export function spuriousOffences(f: Formulas, { teacher }: Pair): string[] {
  const student = { v: f.spuriousV(teacher.v), w: teacher.w.map((x) => -x) };
  const all = [...f.populationGradientV(student, teacher), ...f.expectedRelu(student, teacher)];
  return all.flatMap((x, i) => (Math.abs(x) > 1e-10 ? [`spurious ${i}: ${x}`] : []));
}
