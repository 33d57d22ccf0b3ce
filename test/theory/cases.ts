/**
 * @file Random two-layer networks for property tests, and an independent Monte Carlo of the model, one number at a
 * time.
 */
import fc from "fast-check";
import { Rng } from "../../src/core/rng.js";
import type { TwoLayer } from "../../src/theory/index.js";

/**
 * Seed of all property tests here: 4 standard errors are passed by chance once in 16,000 comparisons, so that the cases
 * must not vary.
 */
export const SEED = 20190;

/** A student and its teacher. */
export interface Pair {
  readonly student: TwoLayer;
  readonly teacher: TwoLayer;
}

const number = fc.double({ min: -2, max: 2, noNaN: true });
const vector = (size: number) =>
  fc
    .array(number, { minLength: size, maxLength: size })
    .filter((values) => values.some((value) => Math.abs(value) > 0.05));

/** Networks of any sizes up to `most`; teachers' w* of any length. */
export function pairs(most = 4): fc.Arbitrary<Pair> {
  return fc
    .tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }))
    .chain(([m, n]) => fc.tuple(vector(m), vector(n), vector(m), vector(n)))
    .map(([v, w, u, star]) => ({ student: { v, w }, teacher: { v: u, w: star } }));
}

/** Sums of samples: count, and per quantity its sum and its sum of squares. */
export interface Samples {
  readonly mean: Record<string, number[]>;
  readonly error: Record<string, number[]>;
}

const SLOPES: Record<string, (x: number) => number> = {
  relu: (x) => (x > 0 ? 1 : 0),
  identity: () => 1,
  "clipped-relu": (x) => (x > 0 && x <= 1 ? 1 : 0),
};

/** Gaussian numbers, drawn once: every case reads the same ones. */
const POOL = 3_000_000;
let pool: Float64Array | null = null;

function gaussians(): Float64Array {
  if (pool === null) {
    pool = new Float64Array(POOL);
    new Rng("theory tests").fillNormal(pool, 0, 1);
  }
  return pool;
}

/**
 * Means and standard errors of loss, ∂loss/∂v and the coarse gradients of all three proxies, written out from their
 * definition.
 */
export function sample({ student, teacher }: Pair, wanted: number): Samples {
  const [m, n] = [student.v.length, student.w.length];
  const normals = gaussians();
  const count = Math.min(wanted, Math.floor(POOL / (m * n)));
  const width = 1 + m + 3 * n;
  const sums = new Float64Array(width);
  const squares = new Float64Array(width);
  const row = new Float64Array(width);
  const on = new Float64Array(m);
  const pre = new Float64Array(m);
  const slopes = Object.values(SLOPES);
  for (let k = 0; k < count; k++) {
    const at = k * m * n;
    let residual = 0;
    for (let i = 0; i < m; i++) {
      let [x, y] = [0, 0];
      for (let j = 0; j < n; j++) {
        x += normals[at + i * n + j] * student.w[j];
        y += normals[at + i * n + j] * teacher.w[j];
      }
      pre[i] = x;
      on[i] = x > 0 ? 1 : 0;
      residual += student.v[i] * on[i] - (y > 0 ? teacher.v[i] : 0);
    }
    row.fill(0);
    row[0] = 0.5 * residual * residual;
    for (let i = 0; i < m; i++) {
      row[1 + i] = residual * on[i];
      for (let p = 0; p < 3; p++) {
        const factor = slopes[p](pre[i]) * student.v[i] * residual;
        for (let j = 0; j < n; j++) row[1 + m + p * n + j] += factor * normals[at + i * n + j];
      }
    }
    for (let c = 0; c < width; c++) {
      sums[c] += row[c];
      squares[c] += row[c] * row[c];
    }
  }
  const mean = Array.from(sums, (sum) => sum / count);
  const error = mean.map((x, c) => Math.sqrt(Math.max(squares[c] / count - x * x, 0) / (count - 1)));
  const split = (all: readonly number[]): Record<string, number[]> => ({
    loss: all.slice(0, 1),
    gradientV: all.slice(1, 1 + m),
    ...Object.fromEntries(Object.keys(SLOPES).map((name, p) => [name, all.slice(1 + m + p * n, 1 + m + (p + 1) * n)])),
  });
  return { mean: split(mean), error: split(error) };
}
