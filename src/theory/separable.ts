/**
 * @file Several classes in orthogonal subspaces, a quantized hidden layer, hinge loss: coarse gradient descent to
 * perfect classification.
 */

import { tensor } from "../autograd/functions/creation.js";
import { indexSelect } from "../autograd/functions/indexing.js";
import { apply, type Tensor } from "../autograd/tensor.js";
import {
  above,
  anything,
  callable,
  check,
  checkOptions,
  integer,
  listOf,
  type OptionRules,
  record,
  refuse,
} from "../core/checks.js";
import { ArgumentError, DivergenceError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { kindOf } from "../core/typed-arrays.js";
import { scope } from "../memory/scope.js";
import { threeValued } from "../quant/alpha-rule.js";
import { staircaseOp } from "../quant/ops/staircase.js";
import type { CoarseProxy } from "../quant/proxy.js";
import { dot, isProxy, norm, plus, scaled } from "./vector.js";

/** Labelled points. */
export interface SeparableSet {
  /** [count, dimension] row-major, f32 as in training. */
  readonly points: Float32Array;
  /** Class of each, 0 … classes − 1. */
  readonly labels: readonly number[];
}

/** Choices of {@link separableData}. */
export interface SeparableOptions {
  /** Number of classes. */
  readonly classes: number;
  /** Dimension of each class's subspace. */
  readonly subspace: number;
  /** Number of training samples. */
  readonly train: number;
  /** Number of test samples. */
  readonly test: number;
  /** Seed of everything random. */
  readonly seed: number | string;
}

/** Choices of {@link separableDescent}. */
export interface SeparableDescentOptions {
  /** Bits of an activation. */
  readonly bits: number;
  /** Coarse derivative of the staircase. */
  readonly proxy: CoarseProxy;
  /** Hidden units per class. */
  readonly units: number;
  /** Learning rate. */
  readonly lr: number;
  /** Number of steps. */
  readonly steps: number;
  /** Seed of everything random. */
  readonly seed: number | string;
  /** Step α of the staircase; fixed. Default 0.5. */
  readonly alpha?: number;
  /** Every how many steps the state is taken; the last always is. Default 1. */
  readonly every?: number;
}

/** State of a descent after some steps. */
export interface SeparablePoint {
  /** Number of the step. */
  readonly step: number;
  /** Mean hinge loss over the training set. */
  readonly loss: number;
  /** Shares of right answers. */
  readonly train: number;
  /** The same on test samples. */
  readonly test: number;
}

/**
 * Classes in pairwise orthogonal subspaces of equal dimension, under a random rotation. A point is a random direction
 * of its class's subspace, of length 1 to 2; x and −x have the same class, so that no linear classifier without a bias
 * does better than chance on both.
 *
 * @throws ArgumentError on fewer than two classes or sizes below 1
 * @see arXiv:2011.11256, the setting of separable data
 */
export function separableData(options: SeparableOptions): {
  train: SeparableSet;
  test: SeparableSet;
  dimension: number;
} {
  const size = integer(1, 2 ** 24);
  checkOptions<SeparableOptions>(
    "separableData",
    options,
    { classes: size, subspace: size, train: size, test: size, seed: anything },
    ["classes", "subspace", "train", "test", "seed"],
  );
  const { classes, subspace, train, test, seed } = options;
  check("separableData", "dimension classes·subspace", classes * subspace, integer(1, 4096));
  if (classes < 2 || ![classes, subspace, train, test].every((size) => Number.isInteger(size) && size >= 1)) {
    throw new ArgumentError({ op: "separableData", what: "bad sizes", expected: "two or more classes, sizes ≥ 1" });
  }
  const rng = new Rng(seed);
  const dimension = classes * subspace;
  const basis = orthonormal(rng, dimension);
  const draw = (count: number): SeparableSet => {
    const points = new Float32Array(count * dimension);
    const labels = Array.from({ length: count }, (_, i) => i % classes);
    labels.forEach((label, i) => {
      const inside = Array.from({ length: subspace }, () => rng.normal());
      const length = rng.range(1, 2) / norm(inside);
      const point = inside.reduce<number[]>(
        (sum, x, k) => plus(sum, basis[label * subspace + k], x * length),
        new Array(dimension).fill(0),
      );
      points.set(point, i * dimension);
    });
    return { points, labels };
  };
  return { train: draw(train), test: draw(test), dimension };
}

const DESCENT_RULES: OptionRules<SeparableDescentOptions> = {
  bits: integer(1, 8),
  proxy: isProxy,
  units: integer(1, 2 ** 20),
  lr: above(0),
  steps: integer(0),
  seed: anything,
  alpha: above(0),
  every: integer(1),
};

function checkSet(op: string, name: string, set: SeparableSet, dimension: number): void {
  check(op, name, set, record);
  check(op, `${name}.labels`, set.labels, listOf(integer(0, 2 ** 16)));
  const { length } = set.labels;
  const good = kindOf(set.points) === "Float32Array" && set.points.length === length * dimension && length > 0;
  if (!good)
    refuse(op, `${name}.points`, `a Float32Array of ${length}·${dimension} numbers, one row or more`, set.points);
}

/** Rows of a random orthogonal matrix, by Gram and Schmidt, twice for accuracy. */
export function orthonormal(rng: Rng, dimension: number): number[][] {
  const rows: number[][] = [];
  while (rows.length < dimension) {
    let row = Array.from({ length: dimension }, () => rng.normal());
    for (const other of [...rows, ...rows]) row = plus(row, other, -dot(row, other));
    rows.push(scaled(row, 1 / norm(row)));
  }
  return rows;
}

/**
 * Full-batch coarse gradient descent on the first layer W of f(x) = Vσ(Wx), σ a b-bit staircase, V fixed: 1 from a
 * class's own units, −1 from the others'. Loss: max(0, 1 − f_y + max_{i≠y} f_i), averaged. All of it through the
 * engine.
 *
 * @param visit sees the state before every `every`-th step, and once more at the end
 * @returns the last state
 * @throws ArgumentError, ShapeError on bad sizes; DivergenceError if W leaves the finite range
 * @see arXiv:2011.11256
 */
export function separableDescent(
  data: { train: SeparableSet; test: SeparableSet; dimension: number },
  options: SeparableDescentOptions,
  visit: (point: SeparablePoint) => void = () => {},
): SeparablePoint {
  const op = "separableDescent";
  check(op, "data", data, record);
  check(op, "dimension", data.dimension, integer(1));
  for (const part of ["train", "test"] as const) checkSet(op, part, data[part], data.dimension);
  checkOptions<SeparableDescentOptions>(op, options, DESCENT_RULES, ["bits", "proxy", "units", "lr", "steps", "seed"]);
  check(op, "visit", visit, callable);
  const { bits, proxy, units, lr, steps, seed, alpha = 0.5, every = 1 } = options;
  const classes = Math.max(...data.train.labels) + 1;
  const hidden = classes * units;
  const rng = new Rng(seed);
  let weights = new Float32Array(hidden * data.dimension);
  rng.fillNormal(weights, 0, 1 / Math.sqrt(data.dimension));
  const second = Float32Array.from({ length: hidden * classes }, (_, i) =>
    Math.floor(Math.floor(i / classes) / units) === i % classes ? 1 : -1,
  );
  const attrs = { bits, proxy, rule: threeValued, rounding: "ceil" as const };

  const scores = (set: SeparableSet, w: Tensor): Tensor => {
    const x = tensor(set.points, { shape: [set.labels.length, data.dimension] });
    const codes = apply(staircaseOp, [x.matmul(w.transpose()), tensor([alpha])], attrs);
    return codes.matmul(tensor(second, { shape: [hidden, classes] }));
  };
  const leaf = (requiresGrad: boolean): Tensor => tensor(weights, { shape: [hidden, data.dimension], requiresGrad });

  for (let step = 0; ; step++) {
    const due = step % every === 0 || step === steps;
    const point = scope(() => {
      const w = leaf(true);
      const outputs = scores(data.train, w);
      const loss = hinge(outputs, data.train.labels);
      loss.backward();
      const train = due ? accuracy(outputs, data.train.labels) : 0;
      const test = due ? accuracy(scores(data.test, leaf(false)), data.test.labels) : 0;
      const gradient = w.grad?.toTypedArray();
      if (step < steps && gradient !== undefined) weights = weights.map((x, i) => x - lr * gradient[i]);
      return { step, loss: loss.item(), train, test };
    });
    if (!weights.every(Number.isFinite)) {
      throw new DivergenceError({ op: "separableDescent", what: "weights beyond the finite range" });
    }
    if (due) visit(point);
    if (step >= steps) return point;
  }
}

/** Mean of max(0, 1 − f_y + f_r), r the best of the other classes (the first of equals). */
function hinge(outputs: Tensor, labels: readonly number[]): Tensor {
  const [count, classes] = outputs.shape;
  const values = outputs.toTypedArray();
  const rivals = labels.map((label, i) => {
    let best = -1;
    for (let k = 0; k < classes; k++) {
      if (k !== label && (best < 0 || values[i * classes + k] > values[i * classes + best])) best = k;
    }
    return best;
  });
  const flat = outputs.reshape([count * classes]);
  const pick = (of: readonly number[]): Tensor =>
    indexSelect(
      flat,
      of.map((k, i) => i * classes + k),
    );
  const margin = pick(labels).sub(pick(rivals));
  return margin.neg().add(1).relu().mean();
}

/** Share of points whose own class scores strictly best. */
function accuracy(outputs: Tensor, labels: readonly number[]): number {
  const classes = outputs.shape[1];
  const values = outputs.toTypedArray();
  const right = labels.filter((label, i) => {
    const own = values[i * classes + label];
    for (let k = 0; k < classes; k++) if (k !== label && values[i * classes + k] >= own) return false;
    return true;
  });
  return right.length / labels.length;
}
