/** @file Histograms of tensors and layers, with the levels that quantization gives them. */
import { Variable } from "../autograd/graph.js";
import { staircaseTop } from "../codes/levels.js";
import { check, checkOptions, either, integer, listOf, real, refuse } from "../core/checks.js";
import { INSPECT } from "../core/inspect.js";
import { count, significant } from "../core/quantities.js";
import { table } from "../core/table.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Module } from "../nn/module.js";
import { Parameter } from "../nn/parameter.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import type { LayerActivation } from "./activations.js";
import { type Numbers, realNumbers } from "./numbers.js";
import { type LevelCount, weightCodes } from "./weight-codes.js";

/** What a histogram may be of. */
export type HistogramSource = Numbers | Module | LayerActivation;

/** Counts of numbers in bins; prints as bars. */
export class Histogram {
  /** Ends of the bins, ascending: bin i is [edges[i], edges[i + 1]), the last one closed. */
  readonly edges: Float64Array;
  /** Numbers in each bin. */
  readonly counts: Float64Array;
  /** Finite numbers below the first edge, and above the last. */
  readonly below: number;
  /** How many lie above the last bin. */
  readonly above: number;
  /** NaN and infinite numbers. */
  readonly nonFinite: number;
  /** Levels of quantized weights and of coded activations, and how often each occurs; null for real numbers. */
  readonly levels: readonly LevelCount[] | null;

  constructor(values: Float64Array, edges: Float64Array, levels: readonly LevelCount[] | null) {
    const bins = edges.length - 1;
    const counts = new Float64Array(bins);
    let [below, above, nonFinite] = [0, 0, 0];
    for (const value of values) {
      if (!Number.isFinite(value)) nonFinite++;
      else if (value < edges[0]) below++;
      else if (value > edges[bins]) above++;
      else counts[binOf(value, edges)]++;
    }
    this.edges = edges;
    this.counts = counts;
    this.below = below;
    this.above = above;
    this.nonFinite = nonFinite;
    this.levels = levels;
  }

  /** The bars as text. */
  toString(): string {
    const most = this.counts.reduce((a, b) => Math.max(a, b), 1);
    const bar = (height: number): string => "█".repeat(Math.ceil((height / most) * 40));
    const rows = Array.from(this.counts, (height, i) => [
      significant(this.edges[i]),
      significant(this.edges[i + 1]),
      count(height),
      bar(height),
    ]);
    const right = true;
    const others = { below: this.below, above: this.above, "not finite": this.nonFinite };
    const lines = [
      table([{ head: "from", right }, { head: "to", right }, { head: "count", right }, { head: "" }], rows),
    ];
    for (const [name, value] of Object.entries(others)) if (value > 0) lines.push(`${name}: ${count(value)}`);
    if (this.levels !== null) {
      const levels = this.levels.map((level) => [
        `${level.code}`,
        level.value === null ? "" : significant(level.value),
        count(level.count),
      ]);
      lines.push(
        "",
        table(
          [
            { head: "level", right },
            { head: "value", right },
            { head: "count", right },
          ],
          levels,
        ),
      );
    }
    return lines.join("\n");
  }
  [INSPECT](): string {
    return this.toString();
  }
}

/** The last bin whose lower edge is not above `value`, which lies within the edges. */
function binOf(value: number, edges: Float64Array): number {
  let [low, high] = [0, edges.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Equal bins over a range, as NumPy makes them: one of width 1 around where all numbers are equal. */
function equalBins(values: Float64Array, bins: number, range: readonly [number, number] | undefined): Float64Array {
  let [lo, hi] = range ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  if (range === undefined) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < lo) lo = value;
      if (value > hi) hi = value;
    }
    if (lo > hi) [lo, hi] = [0, 1];
  }
  if (lo === hi) [lo, hi] = [lo - 0.5, hi + 0.5];
  // A range of more than all numbers: parts of it are numbers, if it has several.
  const step = Number.isFinite(hi - lo) ? (hi - lo) / bins : hi / bins - lo / bins;
  const edge = (i: number): number => (i === 0 ? lo : i === bins ? hi : Math.min(lo + i * step, hi));
  return Float64Array.from({ length: bins + 1 }, (_, i) => edge(i));
}

interface Content {
  readonly values: Float64Array;
  readonly levels: readonly LevelCount[] | null;
}

const isActivation = (source: unknown): source is LayerActivation =>
  typeof source === "object" && source !== null && "values" in source && "codes" in source && "step" in source;

function contentOf(source: HistogramSource): Content {
  const op = "histogram";
  if (source instanceof Module) {
    const { weight } = source as { weight?: unknown };
    if (weight instanceof Parameter) return contentOf(weight);
    return refuse(op, "source", "a layer with a weight, or numbers", source, "activations(net, input) gives outputs");
  }
  if (source instanceof QuantParameter) {
    return { values: realNumbers(op, "source", source), levels: weightCodes(source).levels };
  }
  if (isActivation(source)) {
    const { codes, step, bits } = source;
    const values = realNumbers(op, "source.values", source.values);
    if (codes === null) return { values, levels: null };
    check(op, "source.bits", bits, integer(1, 8));
    check(op, "source.step", step, real);
    return { values, levels: codeLevels(realNumbers(op, "source.codes", codes), step as number, staircaseTop(bits)) };
  }
  const values = realNumbers(op, "source", source);
  const array = source instanceof Variable ? source.data : source;
  if (!(array instanceof NDArray) || array.step === null) return { values, levels: null };
  const codes = Float64Array.from(array.view());
  return {
    values,
    levels: codeLevels(
      codes,
      array.step,
      codes.reduce((a, b) => Math.max(a, b), 0),
    ),
  };
}

function codeLevels(codes: Float64Array, step: number, top: number): LevelCount[] {
  const counts = new Float64Array(top + 1);
  for (const code of codes) if (code <= top) counts[code]++;
  return Array.from(counts, (times, code) => ({ code, value: Math.fround(step * code), count: times }));
}

/**
 * Counts numbers in bins, as NumPy's `histogram` does: bin i is [edges[i], edges[i + 1]), the last one closed.
 *
 * @param source a tensor (of codes: the real values), a list of numbers, a layer (its weights; of a quantized one the
 *   latent weights, with the levels that they are projected onto), or a layer's output of {@link activations}
 * @param bins how many of equal width, 1 … 2^20, or their edges, ascending
 * @param options `range`: [lo, hi] of equal bins; default from the least finite number to the largest
 * @returns edges, counts, what lies outside, and quantization levels with how often each occurs
 * @throws ArgumentError on bad bins or a source without numbers; QuantError if a quantized weight is not finite
 * @example
 * console.log(histogram(net.get("conv2"), 40));
 * const { levels } = histogram(activations(net, images).get("relu1"));
 */
export function histogram(
  source: HistogramSource,
  bins: number | ArrayLike<number> = 64,
  options: { readonly range?: readonly [lo: number, hi: number] } = {},
): Histogram {
  const op = "histogram";
  checkOptions(op, options, { range: listOf(real, 2) });
  const { range } = options;
  if (range !== undefined && range[0] > range[1]) refuse(op, "range", "[lo, hi] with lo ≤ hi", `[${range}]`);
  const { values, levels } = contentOf(source);
  if (typeof bins === "number") {
    check(op, "bins", bins, either(integer(1, 2 ** 20)));
    return new Histogram(values, equalBins(values, bins, range), levels);
  }
  if (range !== undefined) refuse(op, "range", "none beside edges", `[${range}]`);
  const edges = realNumbers(op, "bins", bins);
  const ascend = edges.every((edge, i) => Number.isFinite(edge) && (i === 0 || edge > edges[i - 1]));
  if (edges.length < 2 || !ascend) refuse(op, "bins", "at least two edges, finite and ascending", bins);
  return new Histogram(values, edges, levels);
}
