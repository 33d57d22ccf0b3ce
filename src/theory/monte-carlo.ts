/** @file Monte Carlo means with their standard errors. */

import { anything, check, checkOptions, integer, list } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { kindOf } from "../core/typed-arrays.js";
import type { CoarseProxy } from "../quant/proxy.js";
import { checkPair, type TwoLayer } from "./model.js";
import { sampleGradients } from "./sample.js";
import { isProxy } from "./vector.js";

/** A mean and the standard error of it, per coordinate. */
export interface Estimate {
  /** Mean over the samples. */
  readonly mean: readonly number[];
  /** Standard error of the mean. */
  readonly error: readonly number[];
  /** Number of samples. */
  readonly samples: number;
}

/** Running mean and variance of rows of numbers (Welford's update). */
export class RunningMean {
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  /** @param width numbers per row */
  constructor(width: number) {
    check("RunningMean", "width", width, integer(1, 2 ** 24));
    this.#mean = new Float64Array(width);
    this.#squares = new Float64Array(width);
  }

  /** Takes in rows that follow each other in `rows`. */
  add(rows: ArrayLike<number>): void {
    if (!Array.isArray(rows) && !/^Float/.test(kindOf(rows) ?? "")) check("RunningMean.add", "rows", rows, list);
    const width = this.#mean.length;
    for (let start = 0; start < rows.length; start += width) {
      this.#count++;
      for (let i = 0; i < width; i++) {
        const change = rows[start + i] - this.#mean[i];
        this.#mean[i] += change / this.#count;
        this.#squares[i] += change * (rows[start + i] - this.#mean[i]);
      }
    }
  }

  /** @throws ArgumentError from fewer than two rows, which have no standard error */
  estimate(): Estimate {
    const count = this.#count;
    if (count < 2) {
      throw new ArgumentError({ op: "RunningMean", what: "too few rows", expected: "2 or more", got: `${count}` });
    }
    const error = Array.from(this.#squares, (square) => Math.sqrt(square / (count - 1) / count));
    return { mean: Array.from(this.#mean), error, samples: count };
  }
}

/** Estimates from one stream of samples. */
export interface MonteCarlo {
  /** Population loss f, one number. */
  readonly loss: Estimate;
  /** ∂f/∂v, m numbers. */
  readonly v: Estimate;
  /** E[g_μ], n numbers. */
  readonly w: Estimate;
}

/** A year of samples: nobody means more. */
const MOST_SAMPLES = 2 ** 40;

/** Choices of {@link monteCarlo}. */
export interface MonteCarloOptions {
  /** Number of samples. */
  readonly samples: number;
  /** Seed of the samples. */
  readonly seed: number | string;
  /** Samples per backward pass. Default 4096. */
  readonly batch?: number;
}

/**
 * Means of loss, gradient in v and coarse gradient in w over Gaussian samples, with standard errors; every sample goes
 * through the engine.
 *
 * @param proxy μ′
 * @throws ArgumentError on fewer than two samples, and as `sampleGradients`
 * @example
 * const { w } = monteCarlo({ v: [1], w: [1, 0] }, { v: [1], w: [0, 1] }, reluProxy, { samples: 10_000, seed: 1 });
 */
export function monteCarlo(
  student: TwoLayer,
  teacher: TwoLayer,
  proxy: CoarseProxy,
  options: MonteCarloOptions,
): MonteCarlo {
  checkPair("monteCarlo", student, teacher);
  check("monteCarlo", "proxy", proxy, isProxy);
  checkOptions<MonteCarloOptions>(
    "monteCarlo",
    options,
    { samples: integer(2, MOST_SAMPLES), seed: anything, batch: integer(1, 2 ** 24) },
    ["samples", "seed"],
  );
  const { samples, seed, batch = 4096 } = options;
  const rng = new Rng(seed);
  const size = student.v.length * student.w.length;
  const loss = new RunningMean(1);
  const v = new RunningMean(student.v.length);
  const w = new RunningMean(student.w.length);
  for (let done = 0; done < samples; done += batch) {
    const inputs = new Float64Array(Math.min(batch, samples - done) * size);
    rng.fillNormal(inputs, 0, 1);
    const sample = sampleGradients(student, teacher, inputs, proxy);
    loss.add(sample.loss);
    v.add(sample.v);
    w.add(sample.w);
  }
  return { loss: loss.estimate(), v: v.estimate(), w: w.estimate() };
}
