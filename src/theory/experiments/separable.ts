/** @file Several classes in orthogonal subspaces: which proxies learn them perfectly. */
import { halfGaussianStep } from "../../quant/half-gaussian.js";
import { type CoarseProxy, clippedReLU, identityProxy, reluProxy } from "../../quant/proxy.js";
import { type SeparablePoint, separableData, separableDescent } from "../separable.js";
import { type Outcome, percentage } from "./experiment.js";

/** One training run. */
export interface SeparableRun {
  readonly bits: number;
  readonly proxy: string;
  readonly points: readonly SeparablePoint[];
  /** First recorded step at which every training point is right; null if there is none. */
  readonly perfectAt: number | null;
}

/** Numbers of the separable experiment. */
export interface SeparableData {
  readonly classes: number;
  readonly subspace: number;
  readonly train: number;
  readonly test: number;
  readonly runs: readonly SeparableRun[];
}

/** 1/(1 + x) on x > 0: monotone like the ReLUs (μ′ ≥ 0, and 0 on x < 0), but fading. */
export const fading: CoarseProxy = { name: "1/(1 + x)", dx: (x) => (x > 0 ? 1 / (1 + x) : 0) };

const SIZES = { classes: 4, subspace: 2, train: 400, test: 400 };
const MONOTONE = [clippedReLU, reluProxy, fading];

/**
 * Runs the experiment.
 *
 * @param seed of everything random
 * @returns numbers and claims; the same for the same seed on every engine
 */
export function separableExperiment(seed: number): Outcome<SeparableData> {
  const data = separableData({ ...SIZES, seed });
  const runs = [2, 4].flatMap((bits) =>
    [...MONOTONE, identityProxy].map((proxy): SeparableRun => {
      const points: SeparablePoint[] = [];
      const alpha = halfGaussianStep(bits, "ceil");
      const options = { bits, proxy, units: 6, lr: 0.3, steps: bits === 2 ? 240 : 80, every: 4, alpha, seed };
      separableDescent(data, options, (point) => points.push(point));
      return { bits, proxy: proxy.name, points, perfectAt: points.find(({ train }) => train === 1)?.step ?? null };
    }),
  );
  const final = (run: SeparableRun): SeparablePoint => run.points[run.points.length - 1];
  const told = (run: SeparableRun): string =>
    `${run.proxy} ${percentage(final(run).train, 1)}${run.perfectAt === null ? "" : ` (all right from step ${run.perfectAt})`}, unseen points ${percentage(final(run).test, 1)}`;
  const of = (bits: number, monotone: boolean) =>
    runs.filter((run) => run.bits === bits && (run.proxy !== identityProxy.name) === monotone);
  return {
    topic: "separable",
    seed,
    claims: [2, 4].flatMap((bits) => [
      {
        claim: `${bits} bits: coarse gradient descent with proxies that vanish on x < 0 classifies every training point`,
        figure: "separable",
        evidence: of(bits, true).map(told).join("; "),
        holds: of(bits, true).every((run) => run.perfectAt !== null),
      },
      {
        claim: `${bits} bits: so does identity`,
        figure: "separable",
        evidence: of(bits, false).map(told).join("; "),
        holds: of(bits, false).every((run) => run.perfectAt !== null),
      },
    ]),
    data: { ...SIZES, runs },
  };
}
