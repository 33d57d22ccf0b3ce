/** @file Does the expected coarse gradient correlate with the true one? Closed forms, Monte Carlo, and more bits. */
import { cos, sin } from "../../core/math.js";
import { Rng } from "../../core/rng.js";
import { halfGaussianStep } from "../../quant/half-gaussian.js";
import { type CoarseProxy, clippedReLU, identityProxy, reluProxy } from "../../quant/proxy.js";
import { clippedReluCorrelation, expectedCoarseGradient, identityCorrelation, reluCorrelation } from "../coarse.js";
import type { TwoLayer } from "../model.js";
import { type Estimate, monteCarlo } from "../monte-carlo.js";
import { populationGradientV, populationGradientW, populationLoss } from "../population.js";
import { type QuantizedTwoLayer, quantizedGradients } from "../quantized.js";
import { quantizedMonteCarlo } from "../quantized-sample.js";
import { dot, norm } from "../vector.js";
import { digits, direction, gaussians, type Outcome, percentage } from "./experiment.js";

/** The library's proxies, in the order of the figures. */
export const PROXIES: readonly CoarseProxy[] = [clippedReLU, reluProxy, identityProxy];

/** One comparison of a formula with Monte Carlo. */
export interface Agreement {
  readonly proxy: string;
  readonly quantity: "loss" | "∂f/∂v" | "E[g]";
  readonly m: number;
  readonly n: number;
  /** Formula, mean and standard error per coordinate. */
  readonly formula: readonly number[];
  readonly mean: readonly number[];
  readonly error: readonly number[];
}

/** A point of the correlation against the angle. */
export interface CorrelationPoint {
  readonly proxy: string;
  /** θ in radians. */
  readonly theta: number;
  /** ⟨E[g], ∂f/∂w⟩, closed form. */
  readonly formula: number;
  /** The same by Monte Carlo, with its standard error; only at some angles. */
  readonly mean?: number;
  readonly error?: number;
}

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

/** Numbers of the correlation experiment. */
export interface CorrelationData {
  readonly agreements: readonly Agreement[];
  readonly curve: readonly CorrelationPoint[];
  readonly map: readonly CosinePoint[];
  readonly surveys: readonly CosineSurvey[];
  readonly counterexamples: readonly Counterexample[];
}

/** Sizes of the experiment; smaller ones for quick looks. */
export interface CorrelationSizes {
  /** Random networks compared with Monte Carlo. */
  readonly networks: number;
  /** Samples for each. */
  readonly samples: number;
  /** Random models per proxy at 1 and 2 bits; a fifth of them at 4 bits. */
  readonly models: number;
}

const FULL: CorrelationSizes = { networks: 12, samples: 8_000, models: 300 };

/**
 * Runs the experiment.
 *
 * @param seed of everything random
 * @returns numbers and claims; the same for the same seed on every engine
 */
export function correlationExperiment(seed: number, sizes: CorrelationSizes = FULL): Outcome<CorrelationData> {
  const rng = new Rng(seed).fork("correlation");
  const agreements = agree(rng.fork("networks"), sizes);
  const curve = curveOf(rng.fork("curve"), sizes.samples);
  const map = cosineMap();
  const surveys = survey(rng.fork("models"), sizes.models);
  const counterexamples = [
    confirm(2, clippedReLU, RARE.student, RARE.teacher, "rare"),
    ...surveys
      .filter(({ worst }) => worst < -0.1)
      .map(({ bits, proxy, student, teacher }) =>
        confirm(bits, PROXIES.find(({ name }) => name === proxy)!, student, teacher, `${bits} ${proxy}`),
      ),
  ];

  const scores = agreements.flatMap(({ formula, mean, error }) =>
    formula.map((x, i) => Math.abs(mean[i] - x) / error[i]),
  );
  const beyond = scores.filter((score) => score > 2).length;
  const worst = Math.max(...scores);
  const least = Math.min(...curve.filter(({ theta }) => theta > 0 && theta < Math.PI).map(({ formula }) => formula));
  const ratio = maximumOf(curve, "identity") / maximumOf(curve, "relu");
  const named = (proxy: CoarseProxy, bits: number) => surveys.find((s) => s.proxy === proxy.name && s.bits === bits)!;
  return {
    topic: "correlation",
    seed,
    claims: [
      {
        claim: "the closed forms of f, ∂f/∂v and E[g] are the means of what the engine computes",
        figure: "correlation",
        evidence: `${scores.length} comparisons: ${percentage(beyond, scores.length)} beyond 2 standard errors, the farthest ${digits(worst)}`,
        // Under the formulas, 5 standard errors among some hundred comparisons happen once in ten thousand seeds.
        holds: worst < 5,
      },
      {
        claim: "1 bit: ⟨E[g], ∂f/∂w⟩ > 0 for all three proxies, and identity's is twice relu's",
        figure: "correlation",
        evidence: `least on the curve ${digits(least)}; ratio ${digits(ratio)}`,
        holds: least > 0 && Math.abs(ratio - 2) < 1e-9 && PROXIES.every((proxy) => named(proxy, 1).negative === 0),
      },
      ...PROXIES.map((proxy) => ({
        claim: `2 and 4 bits: ${proxy.name} stays positively correlated`,
        figure: "bits",
        evidence: [
          ...[2, 4].map((bits) => surveyed(named(proxy, bits))),
          ...counterexamples.filter((one) => one.proxy === proxy.name).map(confirmed),
        ].join("; "),
        holds:
          [2, 4].every((bits) => named(proxy, bits).negative === 0) &&
          !counterexamples.some((one) => one.proxy === proxy.name && one.mean < -4 * one.error),
      })),
      {
        claim: "2 and 4 bits: the three-valued E[g_α] has the sign of ∂f/∂α",
        figure: null,
        evidence: [2, 4]
          .map((bits) => named(clippedReLU, bits))
          .map(
            ({ bits, alphaNegative, models }) =>
              `${bits} bits: opposite in ${alphaNegative} of ${models} random models`,
          )
          .join("; "),
        holds: [2, 4].every((bits) => named(clippedReLU, bits).alphaNegative === 0),
      },
    ],
    data: { agreements, curve, map, surveys, counterexamples },
  };
}

function surveyed({ bits, negative, models, worst }: CosineSurvey): string {
  return `${bits} bits: negative in ${negative} of ${models} random models, least cosine ${digits(worst)}`;
}

function confirmed({ bits, mean, error, formula, cosine }: Counterexample): string {
  return `a ${bits}-bit model with cosine ${digits(cosine)}: ⟨E[g], ∂f/∂w⟩ = ${digits(formula)}, by Monte Carlo ${digits(mean)} ± ${digits(error, 2)}`;
}

/** From a search for models that oppose the clipped ReLU's coarse gradient to the exact one: none is among the random ones of most seeds. */
const RARE: { readonly student: QuantizedTwoLayer; readonly teacher: QuantizedTwoLayer } = {
  student: { v: [-6.306, -0.142], w: [0.2089, -0.2103], alpha: 0.7196 },
  teacher: { v: [0.1873, -8.319], w: [-0.6491, 1.2748], alpha: 0.6884 },
};

function maximumOf(curve: readonly CorrelationPoint[], proxy: string): number {
  return Math.max(...curve.filter((point) => point.proxy === proxy).map(({ formula }) => formula));
}

function agree(rng: Rng, { networks, samples }: CorrelationSizes): Agreement[] {
  return Array.from({ length: networks }, (_, k) => {
    const [m, n] = [1 + rng.int(4), 2 + rng.int(3)];
    const student = { v: gaussians(rng, m), w: gaussians(rng, n) };
    const teacher = { v: gaussians(rng, m), w: direction(rng, n) };
    const proxy = PROXIES[k % PROXIES.length];
    const found = monteCarlo(student, teacher, proxy, { samples, seed: rng.u32() });
    const against = (quantity: Agreement["quantity"], formula: readonly number[], { mean, error }: Estimate) => ({
      ...{ proxy: proxy.name, quantity, m, n, formula, mean, error },
    });
    return [
      against("loss", [populationLoss(student, teacher)], found.loss),
      against("∂f/∂v", populationGradientV(student, teacher), found.v),
      against("E[g]", expectedCoarseGradient(student, teacher, proxy), found.w),
    ];
  }).flat();
}

/** w at angle θ to (1, 0), of a given length. */
function atAngle(theta: number, length = 1): number[] {
  return [length * cos(theta), length * sin(theta)];
}

const CURVE_TEACHER: TwoLayer = { v: [1, 0.5], w: [1, 0] };
const CURVE_V = [0.8, 1];
/** Overlaps little with v*, so that the parts along w decide. */
const MAP_V = [-0.3, 1];

function curveOf(rng: Rng, samples: number): CorrelationPoint[] {
  const closed = [clippedReluCorrelation, reluCorrelation, identityCorrelation];
  return PROXIES.flatMap((proxy, k) =>
    Array.from({ length: 49 }, (_, i) => {
      const theta = (i * Math.PI) / 48;
      const student = { v: CURVE_V, w: atAngle(theta) };
      const point = { proxy: proxy.name, theta, formula: closed[k](student, CURVE_TEACHER) };
      if (i % 8 !== 4) return point;
      const { w } = monteCarlo(student, CURVE_TEACHER, proxy, { samples, seed: rng.u32() });
      const along = populationGradientW(student, CURVE_TEACHER);
      // Coordinates of g are correlated: the sum of the errors is a bound that holds whatever the correlation.
      const error = along.reduce((sum, x, j) => sum + Math.abs(x) * w.error[j], 0);
      return { ...point, mean: dot(w.mean, along), error };
    }),
  );
}

function cosineOf(a: readonly number[], b: readonly number[]): number {
  return dot(a, b) / (norm(a) * norm(b));
}

/** The step used at a width: the best one for N(0, 1), and 1 for one bit, where only the sign matters. */
function stepFor(bits: number): number {
  return bits === 1 ? 1 : halfGaussianStep(bits, "ceil");
}

function cosineMap(): CosinePoint[] {
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

function survey(rng: Rng, models: number): CosineSurvey[] {
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
      const found = pairs.map(({ student, teacher }) => {
        const g = quantizedGradients(student, teacher, { bits, proxy, tolerance: 1e-8 });
        return { cosine: cosineOf(g.coarseW, g.w), alpha: g.coarseAlpha * g.alpha };
      });
      const worst = found.reduce((least, { cosine }, i) => (cosine < found[least].cosine ? i : least), 0);
      return {
        bits,
        proxy: proxy.name,
        models: count,
        negative: found.filter(({ cosine }) => cosine < 0).length,
        alphaNegative: found.filter(({ alpha }) => alpha < 0).length,
        worst: found[worst].cosine,
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
  const found = quantizedMonteCarlo(student, teacher, { bits, proxy }, { batches: 40, batch: 2000, seed });
  return {
    ...{ bits, proxy: proxy.name, student, teacher },
    cosine: cosineOf(coarseW, w),
    formula: dot(coarseW, w),
    mean: dot(found.w.mean, w),
    error: w.reduce((sum, x, i) => sum + Math.abs(x) * found.w.error[i], 0),
  };
}
