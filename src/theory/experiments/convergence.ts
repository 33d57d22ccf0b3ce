/** @file Where coarse gradient descent ends: at a critical point, from every start; and how it gets there. */
import { Rng } from "../../core/rng.js";
import { halfGaussianStep } from "../../quant/half-gaussian.js";
import { clippedReLU, identityProxy, reluProxy } from "../../quant/proxy.js";
import { type DescentPoint, type Ending, populationDescent, sampleDescent } from "../descent.js";
import type { TwoLayer } from "../model.js";
import { quantizedGradients } from "../quantized.js";
import { quantizedDescent } from "../quantized-sample.js";
import { type Claim, digits, direction, gaussians, type Outcome, percentage } from "./experiment.js";

/** One descent from a random start. */
export interface RandomStart {
  readonly proxy: string;
  readonly m: number;
  readonly n: number;
  readonly ending: Ending;
  readonly steps: number;
  readonly loss: number;
  readonly theta: number;
  readonly criticality: number;
}

/** A trajectory with its name in the figure. */
export interface Trajectory {
  readonly name: string;
  readonly proxy: string;
  readonly sampled: boolean;
  readonly points: readonly DescentPoint[];
}

/** A point of a descent with more bits and a trained step. */
export interface QuantizedPoint {
  readonly bits: number;
  readonly proxy: string;
  readonly step: number;
  /** Population loss, by quadrature, over its value at the start. */
  readonly loss: number;
  /** α over the teacher's. */
  readonly alpha: number;
}

/** Numbers of the convergence experiment. */
export interface ConvergenceData {
  readonly starts: readonly RandomStart[];
  readonly trajectories: readonly Trajectory[];
  readonly quantized: readonly QuantizedPoint[];
}

const TOLERANCE = 1e-6;
const STARTS = 60;
const STEPS = 20_000;

/** A random student and teacher: v* of length √m, w* of length 1; m, n from 2 to 6. */
export function randomProblem(rng: Rng): { student: TwoLayer; teacher: TwoLayer } {
  const [m, n] = [2 + rng.int(5), 2 + rng.int(5)];
  return {
    student: { v: gaussians(rng, m), w: gaussians(rng, n) },
    teacher: { v: direction(rng, m, Math.sqrt(m)), w: direction(rng, n) },
  };
}

/** Descents of some proxies from the same random starts, to criticality 1e-6. */
export function randomStarts(rng: Rng, count: number, proxies = [clippedReLU, reluProxy]): RandomStart[] {
  const problems = Array.from({ length: count }, () => randomProblem(rng));
  return proxies.flatMap((proxy) =>
    problems.map(({ student, teacher }) => {
      // Identity's descents that do not settle would run to the end.
      const steps = proxy === identityProxy ? STEPS / 4 : STEPS;
      const options = { proxy, lr: 0.5, steps, tolerance: TOLERANCE, every: steps };
      const { ending, points, steps: taken } = populationDescent(student, teacher, options);
      const { loss, theta, criticality } = points[points.length - 1];
      const [m, n] = [student.v.length, student.w.length];
      return { proxy: proxy.name, m, n, ending, steps: taken, loss, theta, criticality };
    }),
  );
}

/**
 * Runs the experiment.
 *
 * @param seed of everything random
 * @returns numbers and claims; the same for the same seed on every engine
 */
export function convergenceExperiment(seed: number): Outcome<ConvergenceData> {
  const rng = new Rng(seed).fork("convergence");
  const starts = randomStarts(rng.fork("starts"), STARTS);
  const trajectories = trajectoriesOf(rng.fork("trajectories"));
  const quantized = quantizedPoints(rng.fork("quantized"));
  const sampled = trajectories.find((one) => one.sampled)!.points;
  const [first, last] = [sampled[0], sampled[sampled.length - 1]];
  const last4 = (bits: number) =>
    quantized.filter((point) => point.bits === bits && point.proxy === "clipped-relu").at(-1)!;
  return {
    topic: "convergence",
    seed,
    claims: [
      ...[clippedReLU, reluProxy].map(({ name }): Claim => {
        const own = starts.filter((start) => start.proxy === name);
        const settled = own.filter(({ ending }) => ending !== "not converged");
        const worst = Math.max(...own.map(({ criticality }) => criticality));
        return {
          claim: `${name} descent reaches a critical point of f from every random start`,
          figure: "starts",
          evidence: `${settled.length} of ${own.length} below 1e-6 (worst ${digits(worst)}); ${shares(own)}`,
          holds: settled.length === own.length,
        };
      }),
      {
        claim: "the descent on samples follows the one on expectations",
        figure: "trajectories",
        evidence: `relu on batches: loss ${digits(first.loss)} → ${digits(last.loss)}, θ ${digits(first.theta)} → ${digits(last.theta)}`,
        holds: last.loss < 0.02 * first.loss && last.theta < 0.1,
      },
      {
        claim: "2 and 4 bits with a trained step: clipped-relu descends on samples",
        figure: "quantized",
        evidence: [2, 4]
          .map(
            (bits) =>
              `${bits} bits: loss to ${percentage(last4(bits).loss, 1)} of its start, α/α* ${digits(last4(bits).alpha)}`,
          )
          .join("; "),
        holds: [2, 4].every((bits) => last4(bits).loss < 0.05),
      },
    ],
    data: { starts, trajectories, quantized },
  };
}

/** Shares of the endings. */
export function shares(starts: readonly RandomStart[]): string {
  const endings: Ending[] = ["global", "spurious", "other critical point", "not converged"];
  const names = ["global minimum", "spurious minimum", "other critical point", "not converged"];
  return endings
    .map((ending, i) => [names[i], starts.filter((start) => start.ending === ending).length] as const)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${percentage(count, starts.length)}`)
    .join(", ");
}

const EXAMPLE = {
  student: { v: [0.2, 1.2, -0.3], w: [-0.6, 0.8, 0.5] },
  teacher: { v: [1, 0.8, 0.6], w: [1, 0, 0] },
};

function trajectoriesOf(rng: Rng): Trajectory[] {
  const { student, teacher } = EXAMPLE;
  const options = { lr: 0.2, steps: 150, every: 1 };
  const exact = [clippedReLU, reluProxy, identityProxy].map((proxy) => ({
    name: proxy.name,
    proxy: proxy.name,
    sampled: false,
    points: populationDescent(student, teacher, { ...options, proxy }).points,
  }));
  const sampled = sampleDescent(student, teacher, { ...options, proxy: reluProxy, batch: 256, seed: rng.u32() });
  return [...exact, { name: "relu, on samples", proxy: "relu", sampled: true, points: sampled.points }];
}

function quantizedPoints(rng: Rng): QuantizedPoint[] {
  return [2, 4].flatMap((bits) =>
    [clippedReLU, reluProxy, identityProxy].flatMap((proxy) => {
      const alpha = halfGaussianStep(bits, "ceil");
      const student = { ...EXAMPLE.student, alpha: 2 * alpha };
      const teacher = { ...EXAMPLE.teacher, alpha };
      const points: QuantizedPoint[] = [];
      const options = { bits, proxy, lr: 0.1, alphaScale: 0.1, steps: 400, batch: 64, seed: rng.u32() };
      quantizedDescent(student, teacher, options, (step, at) => {
        if (step % 10 !== 0) return;
        const { loss } = quantizedGradients(at, teacher, { bits, proxy, tolerance: 1e-8 });
        points.push({ bits, proxy: proxy.name, step, loss, alpha: at.alpha / alpha });
      });
      const start = points[0].loss;
      return points.map((point) => ({ ...point, loss: point.loss / start }));
    }),
  );
}
