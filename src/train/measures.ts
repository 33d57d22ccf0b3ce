/** @file Metrics by name, or your own: figures of outputs and targets over a whole epoch or data set. */
import { check, integer, listOf, numeric, record, refuse } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";

/** Outputs or targets of a batch, in plain memory. Class numbers are an Int32Array. */
export interface MetricArray {
  /** Extents, examples first. */
  readonly shape: Shape;
  /** Values, row by row. */
  readonly data: ArrayLike<number>;
}

/** A figure that is being gathered. */
export interface Gathering {
  /** Takes the outputs and targets of one batch. */
  add(output: MetricArray, target: MetricArray): void;
  /** Of all that was added; NaN for nothing. */
  value(): number;
}

/** A figure with a name. */
export interface Metric {
  /** Name in results. */
  readonly name: string;
  /** Begins to gather over a data set. */
  start(): Gathering;
}

/** A figure of one batch, averaged over the examples; its name is the function's. */
export type MetricFunction = (output: MetricArray, target: MetricArray) => number;

/** Mean of per-element terms. */
const meanOf = (term: (x: number, t: number) => number) => (): Gathering => {
  let [sum, count] = [0, 0];
  return {
    add: ({ data: x, shape }, { data: t, shape: other }) => {
      checkPair(shape, x.length, other, t.length);
      for (let i = 0; i < x.length; i++) sum += term(x[i], t[i]);
      count += x.length;
    },
    value: () => sum / count,
  };
};

function checkPair(shape: Shape, size: number, other: Shape, count: number): void {
  if (size === count) return;
  throw new ShapeError({
    op: "metrics",
    what: "targets do not fit the outputs",
    expected: shapeText(shape),
    got: shapeText(other),
  });
}

/** True for one class number a row of logits; false for targets of the outputs' own size. */
function areClasses(output: MetricArray, target: MetricArray): boolean {
  const classes = output.shape.at(-1) ?? 1;
  return classes > 1 && target.data.length * classes === output.data.length;
}

/** Place of a label among its row's logits, 0 for the largest; NaN ranks above all, the first of equals counts. */
function rankOf(x: ArrayLike<number>, row: number, classes: number, label: number): number {
  const own = x[row * classes + label];
  if (Number.isNaN(own)) return Number.POSITIVE_INFINITY;
  let above = 0;
  for (let c = 0; c < classes; c++) {
    const other = x[row * classes + c];
    if (c !== label && !(other < own || (other === own && c > label))) above++;
  }
  return above;
}

/**
 * Share of rows whose label is among the `most` largest logits; for outputs that are each true or false, of outputs on
 * the right side of 0.
 */
const hits = (most: number) => (): Gathering => {
  let [right, count] = [0, 0];
  return {
    add: (output, target) => {
      const [x, t] = [output.data, target.data];
      if (areClasses(output, target)) {
        const classes = output.shape.at(-1) as number;
        for (let row = 0; row < t.length; row++) if (rankOf(x, row, classes, t[row]) < most) right++;
      } else {
        checkPair(output.shape, x.length, target.shape, t.length);
        for (let i = 0; i < x.length; i++) if (!Number.isNaN(x[i]) && x[i] > 0 === t[i] > 0.5) right++;
      }
      count += t.length;
    },
    value: () => right / count,
  };
};

/**
 * Mean over classes (or outputs) of 2·TP / (2·TP + FP + FN); classes that never occur and are never told do not count.
 */
function f1(): Gathering {
  const counts: { hit: number; told: number; real: number }[] = [];
  const at = (c: number) => {
    counts[c] ??= { hit: 0, told: 0, real: 0 };
    return counts[c];
  };
  return {
    add: (output, target) => {
      const [x, t] = [output.data, target.data];
      const classes = output.shape.at(-1) ?? 1;
      if (areClasses(output, target)) {
        for (let row = 0; row < t.length; row++) {
          let best = 0;
          for (let c = 1; c < classes; c++) if (x[row * classes + c] > x[row * classes + best]) best = c;
          at(best).told++;
          at(t[row]).real++;
          if (best === t[row]) at(best).hit++;
        }
        return;
      }
      checkPair(output.shape, x.length, target.shape, t.length);
      const width = output.shape.length > 1 ? classes : 1;
      for (let i = 0; i < x.length; i++) {
        const count = at(i % width);
        const [told, real] = [x[i] > 0, t[i] > 0.5];
        if (told) count.told++;
        if (real) count.real++;
        if (told && real) count.hit++;
      }
    },
    value: () => {
      const seen = counts.filter((count) => count !== undefined && count.told + count.real > 0);
      return seen.reduce((sum, { hit, told, real }) => sum + (2 * hit) / (told + real), 0) / seen.length;
    },
  };
}

/** R² = 1 − Σ(x − t)² / Σ(t − t̄)², the mean over outputs. */
function r2(): Gathering {
  const sums: { count: number; mean: number; spread: number; error: number }[] = [];
  return {
    add: ({ data: x, shape }, { data: t, shape: other }) => {
      checkPair(shape, x.length, other, t.length);
      const width = shape.length > 1 ? x.length / shape[0] : 1;
      for (let i = 0; i < x.length; i++) {
        sums[i % width] ??= { count: 0, mean: 0, spread: 0, error: 0 };
        const column = sums[i % width];
        // Welford: no cancellation for targets far from 0.
        const off = t[i] - column.mean;
        column.count++;
        column.mean += off / column.count;
        column.spread += off * (t[i] - column.mean);
        column.error += (x[i] - t[i]) * (x[i] - t[i]);
      }
    },
    value: () => sums.reduce((sum, { error, spread }) => sum + 1 - error / spread, 0) / sums.length,
  };
}

const METRICS = {
  accuracy: hits(1),
  top5: hits(5),
  f1,
  mse: meanOf((x, t) => (x - t) * (x - t)),
  mae: meanOf((x, t) => Math.abs(x - t)),
  r2,
} as const;

/** Names of built-in metrics. */
export type MetricName = keyof typeof METRICS;
/** A metric: a name, an object, or a function. */
export type MetricChoice = MetricName | Metric | MetricFunction;

/** @throws ArgumentError on what is no metric, and on two of one name */
export function resolveMetrics(op: string, choices: readonly MetricChoice[]): Metric[] {
  const metrics = choices.map((choice): Metric => {
    if (typeof choice === "string" && Object.hasOwn(METRICS, choice)) return { name: choice, start: METRICS[choice] };
    if (typeof choice === "function") return { name: choice.name || "metric", start: () => averaging(choice) };
    const { name, start } = (choice ?? {}) as Partial<Metric>;
    if (typeof choice !== "string" && typeof name === "string" && typeof start === "function") return choice as Metric;
    return refuse(op, "metrics", `names (${Object.keys(METRICS).join(", ")}), functions, or { name, start }`, choice);
  });
  const names = metrics.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) refuse(op, "metrics", "names that differ", twice);
  return metrics;
}

function averaging(of: MetricFunction): Gathering {
  let [sum, count] = [0, 0];
  return {
    add: (output, target) => {
      const examples = output.shape[0] ?? 1;
      const figure = of(output, target);
      check("metrics", of.name || "metric", figure, numeric);
      sum += figure * examples;
      count += examples;
    },
    value: () => sum / count,
  };
}

/** How often a class (row) was taken for another (column). @throws ArgumentError, ShapeError on what does not fit */
export function confusionMatrix(output: MetricArray, labels: ArrayLike<number>): number[][] {
  const op = "confusionMatrix";
  check(op, "outputs", output, record);
  const { data, shape } = output;
  if (kindOf(labels) === null && !Array.isArray(labels)) refuse(op, "labels", "class numbers", labels);
  check(op, "labels", Array.from(labels), listOf(integer(0)));
  check(op, "shape of the outputs", shape, listOf(integer(1), 2), "logits [N, classes]");
  if (shape[0] !== labels.length) refuse(op, "labels", `${shape[0]}, one for each row`, `${labels.length}`);
  if ((kindOf(data) === null && !Array.isArray(data)) || data.length !== shape[0] * shape[1]) {
    refuse(op, "outputs", `${shape[0] * shape[1]} numbers`, data);
  }
  const classes = shape[1];
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row];
    if (!(Number.isInteger(label) && label >= 0 && label < classes)) {
      refuse("confusionMatrix", `label ${row}`, `0 to ${classes - 1}`, label);
    }
    let best = 0;
    for (let c = 1; c < classes; c++) if (data[row * classes + c] > data[row * classes + best]) best = c;
    matrix[label][best]++;
  }
  return matrix;
}
