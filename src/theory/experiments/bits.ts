/** @file The b-bit model: where the coarse gradient points the way of the exact one, and models where it does not. */
import { cos, sin } from "../../core/math.js";
import type { Rng } from "../../core/rng.js";
import { halfGaussianStep } from "../../quant/half-gaussian.js";
import { type CoarseProxy, clippedReLU, identityProxy, reluProxy } from "../../quant/proxy.js";
import type { TwoLayer } from "../model.js";
import { type QuantizedTwoLayer, quantizedGradients } from "../quantized.js";
import { quantizedMonteCarlo } from "../quantized-sample.js";
import { dot, norm } from "../vector.js";
import { direction, gaussians } from "./experiment.js";

/** The library's proxies, in the order of the figures. */
export const PROXIES: readonly CoarseProxy[] = [clippedReLU, reluProxy, identityProxy];

/** Cosine of the angle between E[g_w] and ∂f/∂w of the b-bit model, at the teacher's α. */
export interface CosinePoint {
  readonly bits: number;
  readonly proxy: string;
  readonly theta: number;
  readonly length: number;
  readonly cosine: number;
}

/** Correlations over random b-bit models. */
export interface CosineSurvey {
  readonly bits: number;
  readonly proxy: string;
  readonly models: number;
  readonly negative: number;
  /** Models where E[g_α] and ∂f/∂α have opposite signs. */
  readonly alphaNegative: number;
  /** The least cosine, and the model that has it. */
  readonly worst: number;
  readonly student: QuantizedTwoLayer;
  readonly teacher: QuantizedTwoLayer;
}

/** A model where the coarse gradient points uphill, once more by Monte Carlo through the engine. */
export interface Counterexample {
  readonly bits: number;
  readonly proxy: string;
  readonly student: QuantizedTwoLayer;
  readonly teacher: QuantizedTwoLayer;
  readonly cosine: number;
  /** ⟨E[g], ∂f/∂w⟩ by quadrature. */
  readonly formula: number;
  readonly mean: number;
  readonly error: number;
}

/**
 * From a search for models that oppose the clipped ReLU's coarse gradient to the exact one: none is among the random
 * ones of most seeds.
 */
const RARE: { readonly student: QuantizedTwoLayer; readonly teacher: QuantizedTwoLayer } = {
  student: { v: [-6.306, -0.142], w: [0.2089, -0.2103], alpha: 0.7196 },
  teacher: { v: [0.1873, -8.319], w: [-0.6491, 1.2748], alpha: 0.6884 },
};

/** w at angle θ to (1, 0), of a given length. */
export function atAngle(theta: number, length = 1): number[] {
  return [length * cos(theta), length * sin(theta)];
}

/** The teacher of the figures. */
export const CURVE_TEACHER: TwoLayer = { v: [1, 0.5], w: [1, 0] };
/** Overlaps little with v*, so that the parts along w decide. */
const MAP_V = [-0.3, 1];

function cosineOf(a: readonly number[], b: readonly number[]): number {
  return dot(a, b) / (norm(a) * norm(b));
}

/** The step used at a width: the best one for N(0, 1), and 1 for one bit, where only the sign matters. */
function stepFor(bits: number): number {
  return bits === 1 ? 1 : halfGaussianStep(bits, "ceil");
}

/** Cosines over the angle and the length of w. */
export function cosineMap(): CosinePoint[] {
  const points: CosinePoint[] = [];
  for (const bits of [2, 4]) {
    for (const proxy of PROXIES) {
      for (let i = 1; i < 12; i++) {
        for (let k = -3; k <= 4; k++) {
          const [theta, length] = [(i * Math.PI) / 12, powerOfRootTwo(k)];
          const alpha = stepFor(bits);
          const student = { v: MAP_V, w: atAngle(theta, length), alpha };
          const { w, coarseW } = quantizedGradients(
            student,
            { ...CURVE_TEACHER, alpha },
            { bits, proxy, tolerance: 1e-8 },
          );
          points.push({ bits, proxy: proxy.name, theta, length, cosine: cosineOf(coarseW, w) });
        }
      }
    }
  }
  return points;
}

function powerOfRootTwo(k: number): number {
  return k % 2 === 0 ? 2 ** (k / 2) : 2 ** ((k - 1) / 2) * Math.SQRT2;
}

/** Cosines of random models: the same models for every proxy. */
export function survey(rng: Rng, models: number): CosineSurvey[] {
  return [1, 2, 4].flatMap((bits) => {
    const count = bits === 4 ? Math.ceil(models / 5) : models;
    const pairs = Array.from({ length: count }, () => {
      const [m, n] = [1 + rng.int(4), 2 + rng.int(3)];
      const alpha = stepFor(bits);
      const scale = (): number => 2 ** Math.floor(rng.range(-2, 3));
      return {
        student: { v: gaussians(rng, m), w: direction(rng, n, scale()), alpha: alpha * rng.range(0.5, 2) },
        teacher: { v: gaussians(rng, m), w: direction(rng, n), alpha },
      };
    });
    return PROXIES.map((proxy) => {
      const samples = pairs.map(({ student, teacher }) => {
        const g = quantizedGradients(student, teacher, { bits, proxy, tolerance: 1e-8 });
        return { cosine: cosineOf(g.coarseW, g.w), alpha: g.coarseAlpha * g.alpha };
      });
      const worst = samples.reduce((least, { cosine }, i) => (cosine < samples[least].cosine ? i : least), 0);
      return {
        bits,
        proxy: proxy.name,
        models: count,
        negative: samples.filter(({ cosine }) => cosine < 0).length,
        alphaNegative: samples.filter(({ alpha }) => alpha < 0).length,
        worst: samples[worst].cosine,
        ...pairs[worst],
      };
    });
  });
}

/** A model is put through the engine: are its samples' mean coarse gradient and the exact gradient really opposed? */
function confirm(
  bits: number,
  proxy: CoarseProxy,
  student: QuantizedTwoLayer,
  teacher: QuantizedTwoLayer,
  seed: string,
): Counterexample {
  const { w, coarseW } = quantizedGradients(student, teacher, { bits, proxy });
  const estimate = quantizedMonteCarlo(student, teacher, { bits, proxy }, { batches: 40, batch: 2000, seed });
  return {
    ...{ bits, proxy: proxy.name, student, teacher },
    cosine: cosineOf(coarseW, w),
    formula: dot(coarseW, w),
    mean: dot(estimate.w.mean, w),
    error: w.reduce((sum, x, i) => sum + Math.abs(x) * estimate.w.error[i], 0),
  };
}

/**
 * Models that oppose the two gradients, put through the engine: the one from the search, and the worst of the survey.
 */
export function counterexamplesOf(surveys: readonly CosineSurvey[]): Counterexample[] {
  return [
    confirm(2, clippedReLU, RARE.student, RARE.teacher, "rare"),
    ...surveys
      .filter(({ worst }) => worst < -0.1)
      .map(({ bits, proxy, student, teacher }) =>
        confirm(bits, PROXIES.find(({ name }) => name === proxy)!, student, teacher, `${bits} ${proxy}`),
      ),
  ];
}
