/** @file Does the expected coarse gradient correlate with the true one? Closed forms, Monte Carlo, and more bits. */
import { Rng } from "../../core/rng.js";
import { type CoarseProxy, clippedReLU } from "../../quant/proxy.js";
import { clippedReluCorrelation, expectedCoarseGradient, identityCorrelation, reluCorrelation } from "../coarse.js";
import { type Estimate, monteCarlo } from "../monte-carlo.js";
import { populationGradientV, populationGradientW, populationLoss } from "../population.js";
import { dot } from "../vector.js";
import {
  atAngle,
  type CosinePoint,
  type CosineSurvey,
  type Counterexample,
  CURVE_TEACHER,
  cosineMap,
  counterexamplesOf,
  PROXIES,
  survey,
} from "./bits.js";
import { digits, direction, gaussians, type Outcome, percentage } from "./experiment.js";

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
  const counterexamples = counterexamplesOf(surveys);

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

function maximumOf(curve: readonly CorrelationPoint[], proxy: string): number {
  return Math.max(...curve.filter((point) => point.proxy === proxy).map(({ formula }) => formula));
}

function agree(rng: Rng, { networks, samples }: CorrelationSizes): Agreement[] {
  return Array.from({ length: networks }, (_, k) => {
    const [m, n] = [1 + rng.int(4), 2 + rng.int(3)];
    const student = { v: gaussians(rng, m), w: gaussians(rng, n) };
    const teacher = { v: gaussians(rng, m), w: direction(rng, n) };
    const proxy = PROXIES[k % PROXIES.length];
    const estimate = monteCarlo(student, teacher, proxy, { samples, seed: rng.u32() });
    const against = (quantity: Agreement["quantity"], formula: readonly number[], { mean, error }: Estimate) => ({
      ...{ proxy: proxy.name, quantity, m, n, formula, mean, error },
    });
    return [
      against("loss", [populationLoss(student, teacher)], estimate.loss),
      against("∂f/∂v", populationGradientV(student, teacher), estimate.v),
      against("E[g]", expectedCoarseGradient(student, teacher, proxy), estimate.w),
    ];
  }).flat();
}

const CURVE_V = [0.8, 1];

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
