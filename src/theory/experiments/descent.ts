/** @file Sufficient descent of BCGD: the inequality, how sharp it is, what ρ = 0 loses, and what ρ costs. */
import { Rng } from "../../core/rng.js";
import { binary } from "../../quant/projection/binary.js";
import type { Projection } from "../../quant/projection/projection.js";
import { ternary } from "../../quant/projection/ternary.js";
import { uniform } from "../../quant/projection/uniform.js";
import { bcgdState, bcgdStep, sharpExample } from "../bcgd.js";
import { randomLeastSquares } from "../least-squares.js";
import { digits, gaussians, type Outcome, percentage } from "./experiment.js";

/** Steps of many runs on random problems, counted. */
export interface DescentCount {
  readonly quantizer: string;
  readonly bits: number;
  /** True for runs with ρ = 0 and η < 1/L; else 0 < ρ ≤ 1 and η < ρ/L. */
  readonly unblended: boolean;
  readonly problems: number;
  /** Steps in which the quantized weights changed. */
  readonly moves: number;
  /** Steps that break the inequality. */
  readonly violations: number;
  /** Steps that raise f. */
  readonly ascents: number;
  /** Largest (f(w⁺) − f(w))/f(w). */
  readonly worstAscent: number;
}

/** The example that comes close to equality. */
export interface SharpPoint {
  readonly gap: number;
  /** (f(w) − f(w⁺)) over the guaranteed ½(ρ/η − L)‖d‖². */
  readonly ratio: number;
  /** The same start with ρ = 0: f(w⁺) − f(w) over (L/2)‖d‖², the most that is possible. */
  readonly unblendedRise: number;
}

/** Runs at one ρ, η = 0.02/L. */
export interface RhoPoint {
  readonly rho: number;
  /** Share of the steps that raise f. */
  readonly ascentShare: number;
  /** Medians over the problems of f(w) over the best found at any ρ: at the end, and the best of the run. */
  readonly finalLoss: number;
  readonly bestLoss: number;
  /** Mean number of signs of w that change in a run. */
  readonly flips: number;
}

/** Mean loss of runs, relative to the best found. */
export interface RhoCurve {
  readonly rho: number;
  readonly step: number;
  readonly loss: number;
}

/** Numbers of the descent experiment. */
export interface DescentData {
  readonly counts: readonly DescentCount[];
  readonly sharp: readonly SharpPoint[];
  readonly rhos: readonly RhoPoint[];
  readonly curves: readonly RhoCurve[];
}

const PROBLEMS = 200;
const STEPS = 60;
const ETA = 0.02;
const RHOS = [0, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.03, 0.1, 0.3, 1];
const CURVES = [0, 1e-3, 0.01, 0.03, 0.3];

/**
 * Runs the experiment.
 *
 * @param seed of everything random
 * @returns numbers and claims; the same for the same seed on every engine
 */
export function descentExperiment(seed: number): Outcome<DescentData> {
  const rng = new Rng(seed).fork("descent");
  const quantizers = [binary(), ternary(), uniform({ bits: 3 })];
  const counts = quantizers.flatMap((projection) =>
    [false, true].map((unblended) => countSteps(rng.fork(`${projection.name} ${unblended}`), projection, unblended)),
  );
  const sharp = [1, 2, 3, 4, 5].map(sharpPoint);
  const { rhos, curves } = sweep(rng.fork("rho"));

  const exact = counts.filter(({ bits, unblended }) => bits < 3 && !unblended);
  const free = counts.filter(({ unblended, bits }) => unblended && bits < 3);
  const lloyd = counts.find(({ bits, unblended }) => bits === 3 && !unblended)!;
  const sum = (of: readonly DescentCount[], what: "moves" | "violations" | "ascents") =>
    of.reduce((all, count) => all + count[what], 0);
  const tight = sharp[sharp.length - 1];
  const safe = rhos.filter(({ rho }) => rho > ETA);
  const [none, most] = [rhos[0], rhos[rhos.length - 1]];
  const best = rhos.reduce((least, point) => (point.finalLoss < least.finalLoss ? point : least));
  return {
    topic: "descent",
    seed,
    claims: [
      {
        claim: "0 < η < ρ/L, 1 and 2 bits: f(w⁺) ≤ f(w) − ½(ρ/η − L)‖w⁺ − w‖²",
        figure: null,
        evidence: `${sum(exact, "moves")} moves, ${sum(exact, "violations")} violations, ${sum(exact, "ascents")} ascents`,
        holds: sum(exact, "violations") === 0 && sum(exact, "ascents") === 0,
      },
      {
        claim: "the inequality is sharp",
        figure: "sharp",
        evidence: `descent / guaranteed descent ${digits(tight.ratio, 5)} at gap ${tight.gap}`,
        holds: tight.ratio < 1.01 && tight.ratio >= 1,
      },
      {
        claim: "ρ = 0 guarantees nothing: there are ascents however small η is",
        figure: "sharp",
        evidence: `${percentage(sum(free, "ascents"), sum(free, "moves"))} of ${sum(free, "moves")} moves rise; in the example by ${digits(tight.unblendedRise, 4)} of the possible (L/2)‖d‖²`,
        holds: sum(free, "ascents") > 0 && tight.unblendedRise > 0.9,
      },
      {
        claim: "3 bits: the inequality holds for Lloyd's projection too, which is not exact",
        figure: null,
        evidence: `${lloyd.moves} moves, ${lloyd.violations} violations, ${lloyd.ascents} ascents`,
        holds: lloyd.violations === 0,
      },
      {
        claim: "ρ trades speed for stability",
        figure: "rho",
        evidence: `η = ${ETA}/L: ascents ${percentage(none.ascentShare, 1)} at ρ = 0, ${percentage(Math.max(...safe.map(({ ascentShare }) => ascentShare)), 1)} above ρ = ηL; ${digits(none.flips)} signs change in a run at ρ = 0, ${digits(most.flips)} at ρ = 1; least median final loss, ${digits(best.finalLoss)} times the best found, at ρ = ${best.rho} (ρ = 0: ${digits(none.finalLoss)}, ρ = 1: ${digits(most.finalLoss)})`,
        holds: none.ascentShare > 0 && safe.every(({ ascentShare }) => ascentShare === 0) && most.flips < none.flips,
      },
    ],
    data: { counts, sharp, rhos, curves },
  };
}

function countSteps(rng: Rng, projection: Projection, unblended: boolean): DescentCount {
  let [moves, violations, ascents, worstAscent] = [0, 0, 0, 0];
  for (let k = 0; k < PROBLEMS; k++) {
    const n = 2 + rng.int(9);
    const problem = randomLeastSquares(rng, n, n + rng.int(20));
    const rho = unblended ? 0 : 2 ** -rng.int(11);
    const lr = ((unblended ? 2 ** -rng.int(9) : rho) * rng.range(0.02, 0.99)) / problem.lipschitz;
    let state = bcgdState(gaussians(rng, n), projection);
    for (let step = 0; step < STEPS; step++) {
      const taken = bcgdStep(problem, state, { projection, rho, lr });
      state = taken.state;
      if (taken.moved === 0) continue;
      moves++;
      if (taken.after > taken.bound + taken.slack) violations++;
      if (taken.after > taken.before + taken.slack) {
        ascents++;
        worstAscent = Math.max(worstAscent, (taken.after - taken.before) / taken.before);
      }
    }
  }
  const { name: quantizer, bits } = projection;
  return { quantizer, bits, unblended, problems: PROBLEMS, moves, violations, ascents, worstAscent };
}

function sharpPoint(exponent: number): SharpPoint {
  const gap = Number(`1e-${exponent}`);
  const options = { rho: 0.1, lr: 0.05, lipschitz: 1 };
  const step = (rho: number) => {
    const { problem, latent } = sharpExample(gap, { ...options, rho });
    return bcgdStep(problem, bcgdState(latent, binary()), { projection: binary(), rho, lr: options.lr });
  };
  const [blended, unblended] = [step(options.rho), step(0)];
  return {
    gap,
    ratio: (blended.before - blended.after) / (blended.before - blended.bound),
    unblendedRise: (unblended.after - unblended.before) / (unblended.bound - unblended.before),
  };
}

function sweep(rng: Rng): { rhos: RhoPoint[]; curves: RhoCurve[] } {
  const steps = 400;
  const projection = binary();
  const problems = Array.from({ length: 30 }, () => {
    const problem = randomLeastSquares(rng, 10, 40);
    return { problem, start: gaussians(rng, 10) };
  });
  const runs = RHOS.map((rho) =>
    problems.map(({ problem, start }) => {
      let state = bcgdState(start, projection);
      let [flips, ascents] = [0, 0];
      const losses: number[] = [];
      for (let step = 0; step < steps; step++) {
        const taken = bcgdStep(problem, state, { projection, rho, lr: ETA / problem.lipschitz });
        losses.push(taken.before);
        const before = state.quantized;
        flips += taken.state.quantized.filter((w, i) => w > 0 !== before[i] > 0).length;
        if (taken.after > taken.before + taken.slack) ascents++;
        state = taken.state;
      }
      return { flips, ascents, losses, best: Math.min(...losses) };
    }),
  );
  const best = problems.map((_, k) => Math.min(...runs.map((run) => run[k].best)));
  const rhos = RHOS.map((rho, r) => {
    const total = (what: "flips" | "ascents") => runs[r].reduce((sum, run) => sum + run[what], 0);
    return {
      rho,
      ascentShare: total("ascents") / (steps * problems.length),
      finalLoss: median(runs[r].map(({ losses }, k) => losses[steps - 1] / best[k])),
      bestLoss: median(runs[r].map((run, k) => run.best / best[k])),
      flips: total("flips") / problems.length,
    };
  });
  const curves = CURVES.flatMap((rho) => {
    const run = runs[RHOS.indexOf(rho)];
    return Array.from({ length: steps / 2 }, (_, i) => ({
      rho,
      step: 2 * i,
      loss: run.reduce((sum, { losses }, k) => sum + losses[2 * i] / best[k], 0) / run.length,
    }));
  });
  return { rhos, curves };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
