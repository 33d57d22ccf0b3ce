/** @file What the identity proxy does at spurious minima, where the proxies that vanish on x < 0 come to rest. */
import { Rng } from "../../core/rng.js";
import { type CoarseProxy, clippedReLU, identityProxy, reluProxy } from "../../quant/proxy.js";
import { expectedCoarseGradient } from "../coarse.js";
import { type DescentPoint, populationDescent } from "../descent.js";
import { SQRT_TWO_PI } from "../gaussian.js";
import { monteCarlo } from "../monte-carlo.js";
import { spuriousV } from "../population.js";
import { norm, scaled, total } from "../vector.js";
import { PROXIES } from "./bits.js";
import { type RandomStart, randomStarts, shares } from "./convergence.js";
import { digits, direction, gaussians, type Outcome, percentage } from "./experiment.js";

/** ‖E[g]‖ at a spurious minimizer. */
export interface SpuriousGradient {
  readonly proxy: string;
  readonly m: number;
  readonly coarseNorm: number;
  /** ⟨E[g], ŵ⟩ by Monte Carlo and its standard error. */
  readonly mean: number;
  readonly error: number;
}

/** ‖E[g]‖ at a spurious minimizer for the proxy 1 on x > 0, κ on x < 0. */
export interface LeakPoint {
  readonly leak: number;
  readonly coarseNorm: number;
  /** κ·(‖v‖² + vᵀv*)/√(2π). */
  readonly formula: number;
}

/** A descent started beside a spurious minimizer. */
export interface Escape {
  readonly proxy: string;
  readonly points: readonly DescentPoint[];
}

/** Numbers of the instability experiment. */
export interface InstabilityData {
  readonly gradients: readonly SpuriousGradient[];
  readonly leaks: readonly LeakPoint[];
  readonly escapes: readonly Escape[];
  readonly starts: readonly RandomStart[];
}

const SAMPLES = 12_000;

/**
 * Runs the experiment.
 *
 * @param seed of everything random
 * @returns numbers and claims; the same for the same seed on every engine
 */
export function instabilityExperiment(seed: number): Outcome<InstabilityData> {
  const rng = new Rng(seed).fork("instability");
  const gradients = [1, 2, 3, 4].flatMap((m) => atSpurious(rng.fork(m), m));
  const leaks = leakPoints();
  const escapes = PROXIES.map((proxy) => escapeOf(proxy));
  const starts = randomStarts(rng.fork("starts"), 60, [reluProxy, identityProxy]);

  const of = (proxy: CoarseProxy) => gradients.filter((one) => one.proxy === proxy.name);
  const largest = Math.max(...[...of(clippedReLU), ...of(reluProxy)].map(({ coarseNorm }) => coarseNorm));
  const identity = of(identityProxy).filter(({ m }) => m > 1);
  const smallest = Math.min(...identity.map(({ coarseNorm }) => coarseNorm));
  const scores = identity.map(({ mean, error }) => mean / error);
  const travel = escapes.map(({ proxy, points }) => ({
    proxy,
    drift: Math.max(...points.map(({ theta }) => Math.PI - theta)),
  }));
  const driftOf = (proxy: CoarseProxy) => travel.find((one) => one.proxy === proxy.name)!.drift;
  const unsettled = starts.filter(({ proxy, ending }) => proxy === "identity" && ending === "not converged");
  const own = (name: string) => starts.filter(({ proxy }) => proxy === name);
  const worstLeak = Math.max(...leaks.map(({ coarseNorm, formula }) => Math.abs(coarseNorm - formula)));
  return {
    topic: "instability",
    seed,
    claims: [
      {
        claim: "E[g] of relu and clipped-relu vanishes at spurious minimizers (θ = π)",
        figure: "leak",
        evidence: `largest norm ${digits(largest, 2)}`,
        holds: largest < 1e-12,
      },
      {
        claim: "E[g] of identity does not (m > 1)",
        figure: "leak",
        evidence: `smallest norm ${digits(smallest)}; by Monte Carlo ${digits(Math.min(...scores))} standard errors or more from 0`,
        holds: smallest > 1e-3 && Math.min(...scores) > 4,
      },
      {
        claim: "a proxy of weight κ on x < 0 has ‖E[g]‖ = κ(‖v‖² + vᵀv*)/√(2π) there",
        figure: "leak",
        evidence: `largest difference from quadrature ${digits(worstLeak, 2)}`,
        holds: worstLeak < 1e-9,
      },
      {
        claim: "beside a spurious minimizer relu and clipped-relu stay, identity is thrown out",
        figure: "escape",
        evidence: travel.map(({ proxy, drift }) => `${proxy}: θ leaves π by up to ${digits(drift)}`).join("; "),
        holds: driftOf(identityProxy) > 1 && driftOf(reluProxy) < 0.1 && driftOf(clippedReLU) < 0.1,
      },
      {
        claim: "identity's descent does not converge from a share of random starts",
        figure: "starts-identity",
        evidence: `${percentage(unsettled.length, own("identity").length)} not converged after 5,000 steps (${shares(own("identity"))}); relu: ${shares(own("relu"))}`,
        holds: unsettled.length > 0,
      },
    ],
    data: { gradients, leaks, escapes, starts },
  };
}

function atSpurious(rng: Rng, m: number): SpuriousGradient[] {
  const w = direction(rng, 3);
  const teacher = { v: gaussians(rng, m), w };
  // vᵀv* and 1ᵀv* away from 0, or identity's gradient would be small by accident.
  teacher.v[0] += total(teacher.v) < 0 ? -2 : 2;
  const student = { v: spuriousV(teacher.v), w: scaled(w, -1) };
  return PROXIES.map((proxy) => {
    const estimate = monteCarlo(student, teacher, proxy, { samples: SAMPLES, seed: rng.u32() });
    const mean = -estimate.w.mean.reduce((sum, x, i) => sum + x * w[i], 0);
    const error = estimate.w.error.reduce((sum, x, i) => sum + x * Math.abs(w[i]), 0);
    return { proxy: proxy.name, m, coarseNorm: norm(expectedCoarseGradient(student, teacher, proxy)), mean, error };
  });
}

const TEACHER = { v: [1, 2, -0.5, 1.5], w: [1, 0] };

function leakPoints(): LeakPoint[] {
  const v = spuriousV(TEACHER.v);
  const weight = v.reduce((sum, x, i) => sum + x * (x + TEACHER.v[i]), 0);
  return Array.from({ length: 11 }, (_, i) => {
    const leak = i / 10;
    const proxy = { name: "leaky", dx: (x: number) => (x > 0 ? 1 : leak) };
    const coarse = expectedCoarseGradient({ v, w: [-1, 0] }, TEACHER, proxy);
    return { leak, coarseNorm: norm(coarse), formula: (leak * Math.abs(weight)) / SQRT_TWO_PI };
  });
}

function escapeOf(proxy: CoarseProxy): Escape {
  const student = { v: spuriousV(TEACHER.v), w: [-1, 0.02] };
  return { proxy: proxy.name, points: populationDescent(student, TEACHER, { proxy, lr: 0.1, steps: 120 }).points };
}
