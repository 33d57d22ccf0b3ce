/**
 * @file Activations for one real, by name: what training's kernels compute, operation by operation, and what the packed
 * runtime runs. All are computed in f64, to be rounded once.
 */

/** Elementary functions that activations are made of. */
export interface Elementary {
  exp(x: number): number;
  sigmoid(x: number): number;
  /** e^x − 1. */
  expm1(x: number): number;
  /** Φ(x) of the normal distribution. */
  normal(x: number): number;
}

/** One activation. */
export interface ActivationFunction {
  value(x: number, alpha: number, beta: number, by: Elementary): number;
  slope(x: number, alpha: number, beta: number, by: Elementary): number;
}

// As pmax and pmin of the kernels: NaN stays.
const atLeast = (x: number, lo: number): number => (x < lo ? lo : x);
const between = (x: number, lo: number, hi: number): number => {
  const least = atLeast(x, lo);
  return hi < least ? hi : least;
};

/** 2√(2/π). */
const TWICE_ROOT = 1.5957691216057308;

/** ½(1 + tanh(√(2/π)(x + 0.044715x³))), as a logistic function. */
function normalByTanh(x: number, by: Elementary): number {
  return by.sigmoid(TWICE_ROOT * (x + 0.044715 * (x * x) * x));
}

/** Activations in the order of their numbers in assembly/elementwise/activation.ts. */
export const ACTIVATIONS = {
  /** x > 0 ? x : αx. */
  leakyRelu: {
    value: (x, alpha) => (x > 0 ? x : alpha * x),
    slope: (x, alpha) => (x > 0 ? 1 : alpha),
  },
  /** β·(x > 0 ? x : α(e^x − 1)). */
  elu: {
    value: (x, alpha, beta, by) => beta * (x > 0 ? x : alpha * by.expm1(x)),
    slope: (x, alpha, beta, by) => beta * (x > 0 ? 1 : alpha * by.exp(x)),
  },
  /** x·Φ(x). */
  gelu: {
    value: (x, _alpha, _beta, by) => atLeast(x, -1000) * by.normal(x),
    slope(given, _alpha, _beta, by) {
      const x = between(given, -1000, 1000);
      return by.normal(x) + x * (by.exp(-0.5 * (x * x)) * 0.3989422804014327);
    },
  },
  /** x·½(1 + tanh(√(2/π)(x + 0.044715x³))). */
  geluTanh: {
    value: (x, _alpha, _beta, by) => atLeast(x, -1000) * normalByTanh(x, by),
    slope(given, _alpha, _beta, by) {
      const x = between(given, -1000, 1000);
      const s = normalByTanh(x, by);
      return s + x * (TWICE_ROOT * (1 + 0.134145 * (x * x))) * (s * (1 - s));
    },
  },
  /** x/(1 + e^−x). */
  silu: {
    value: (x, _alpha, _beta, by) => atLeast(x, -1000) * by.sigmoid(x),
    slope(given, _alpha, _beta, by) {
      const x = between(given, -1000, 1000);
      const s = by.sigmoid(x);
      return s * (1 + x * (1 - s));
    },
  },
  /** x·min(max(x + 3, 0), 6)/6. */
  hardSwish: {
    value: (x) => (atLeast(x, -3) * between(x + 3, 0, 6)) / 6,
    slope: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : (x + x + 3) / 6),
  },
  /** min(max(αx + β, 0), 1). */
  hardSigmoid: {
    value: (x, alpha, beta) => between(alpha * x + beta, 0, 1),
    slope(x, alpha, beta) {
      const y = alpha * x + beta;
      return y > 0 && y < 1 ? alpha : 0;
    },
  },
} satisfies Record<string, ActivationFunction>;

/** Name of an activation that has a kernel. */
export type ActivationFn = keyof typeof ACTIVATIONS;
