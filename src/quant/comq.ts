/**
 * @file COMQ: codes and scales of one layer by coordinate descent on its output error, without gradients through the
 * network (Zhang, Yang, Wang, Qin, Xin, Wang, Yin: "COMQ: A Backpropagation-Free Algorithm for Post-Training
 * Quantization", arXiv:2403.07134).
 */
import { checkOptions, either, integer, listOf, numeric, type OptionRules, oneOf, type Rule } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";
import { topOfBits } from "./projection/index.js";

const { fround } = Math;

/** One layer's problem. */
export interface ComqProblem {
  /** w, [rows, columns]: one row per output. */
  readonly weights: ArrayLike<number>;
  /** H = XᵀX over the layer's inputs, [columns, columns], symmetric. */
  readonly gram: Float32Array | Float64Array;
  /** Rows of the weight: outputs. */
  readonly rows: number;
  /** Columns of the weight: inputs. */
  readonly columns: number;
  /** Width of the codes, 1…8. */
  readonly bits: number;
  /** Where the descent starts, [rows, columns]; not changed. */
  readonly codes: Int8Array;
  /** Its scales: one, or one per row. */
  readonly delta: Float32Array;
}

/** Choices of the descent. */
export interface ComqOptions {
  /** Passes over all codes, each followed by the best scales. Default 4. */
  readonly sweeps?: number;
  /** "greedy" (default): coordinates of a row by |w_i|·√H_ii, largest first; "cyclic": as they lie. */
  readonly order?: "greedy" | "cyclic";
}

/** Rules of {@link ComqOptions}; a descent that long ends long before. */
export const COMQ_RULES: OptionRules<ComqOptions> = { sweeps: integer(1, 10_000), order: oneOf("greedy", "cyclic") };

const arrayOf = (...kinds: readonly string[]): Rule => {
  return (value) => (kinds.includes(kindOf(value) ?? "") ? null : `a ${kinds.join(" or ")}`);
};
const PROBLEM_RULES: OptionRules<ComqProblem> = {
  weights: either(arrayOf("Float32Array", "Float64Array"), listOf(numeric)),
  gram: arrayOf("Float32Array", "Float64Array"),
  rows: integer(0),
  columns: integer(0),
  bits: integer(1, 8),
  codes: arrayOf("Int8Array"),
  delta: arrayOf("Float32Array"),
};
const FIELDS = ["weights", "gram", "rows", "columns", "bits", "codes", "delta"] as const;

/** What the descent found. */
export interface ComqResult {
  /** Codes, row by row. */
  readonly codes: Int8Array;
  /** Scales of 16 significant bits, so that δ·q is exact in f32. */
  readonly delta: Float32Array;
  /** ‖X W − X W_q‖² at the start, after each sweep, and after rounding the scales (the last). */
  readonly objective: readonly number[];
}

/** δ to 16 significant bits: δ·q has at most 23. */
function short(delta: number): number {
  const high = fround(delta * 257);
  return fround(high - fround(high - fround(delta)));
}

/**
 * Minimizes Σ_rows (δq − w)ᵀ H (δq − w) over codes q and scales δ ≥ 0: every code in turn takes the best value in its
 * level set while all others stay (exactly: the objective is a parabola in each), then δ = qᵀHw / qᵀHq. Neither step
 * can raise the objective. No step is taken from a row whose δ is 0.
 *
 * Level set {−1, +1} for 1 bit, {−top, …, top} otherwise, rounding half away from zero.
 *
 * @returns new codes and scales, as many scales as `delta` has
 * @throws ArgumentError on sizes that do not fit, or bad options
 */
export function comqLayer(problem: ComqProblem, options: ComqOptions = {}): ComqResult {
  checkProblem(problem);
  checkOptions("comq", options, COMQ_RULES);
  const { sweeps = 4, order = "greedy" } = options;
  const { weights, gram, rows, columns, bits } = problem;
  const codes = problem.codes.slice();
  const delta = Float64Array.from(problem.delta);
  const perRow = delta.length === rows;
  const deltaOf = (row: number): number => delta[perRow ? row : 0];
  const top = topOfBits(bits);
  const level = (t: number): number =>
    bits === 1 ? (t < 0 ? -1 : 1) : Math.sign(t) * Math.min(top, Math.floor(Math.abs(t) + 0.5));
  // H(δq − w) = δ·Hq − Hw of every row: kept up to date, so that only changes of codes cost a pass over a column of H.
  const target = imageOf(gram, weights, rows, columns);
  const image = imageOf(gram, codes, rows, columns);
  const total = (): number => {
    let sum = 0;
    for (let at = 0; at < codes.length; at++) {
      const step = deltaOf(Math.floor(at / columns));
      sum += (step * image[at] - target[at]) * (step * codes[at] - weights[at]);
    }
    return sum;
  };
  const objective = [total()];
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (let row = 0; row < rows; row++) {
      const step = deltaOf(row);
      if (!(step > 0)) continue;
      const at = row * columns;
      for (const i of orderOf(problem, row, order)) {
        const curve = gram[i * columns + i];
        if (!(curve > 0)) continue;
        const before = codes[at + i];
        const after = level(before - (step * image[at + i] - target[at + i]) / (curve * step));
        if (after === before) continue;
        codes[at + i] = after;
        const change = after - before;
        for (let k = 0, h = i * columns; k < columns; k++, h++) image[at + k] += change * gram[h];
      }
    }
    fitScales(problem, { codes, image }, delta);
    objective.push(total());
  }
  delta.forEach((value, i) => {
    delta[i] = short(value);
  });
  objective.push(total());
  return { codes, delta: Float32Array.from(delta), objective };
}

/** H·v of every row v. */
function imageOf(gram: ArrayLike<number>, vectors: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const at = row * columns;
    for (let j = 0; j < columns; j++) {
      const factor = vectors[at + j];
      if (factor === 0) continue;
      for (let i = 0, h = j * columns; i < columns; i++, h++) out[at + i] += factor * gram[h];
    }
  }
  return out;
}

function orderOf({ weights, gram, columns }: ComqProblem, row: number, order: "greedy" | "cyclic"): number[] {
  const list = Array.from({ length: columns }, (_, i) => i);
  if (order === "cyclic") return list;
  const weight = list.map((i) => Math.abs(weights[row * columns + i]) * Math.sqrt(Math.max(0, gram[i * columns + i])));
  return list.sort((a, b) => weight[b] - weight[a] || a - b);
}

/** δ = qᵀHw / qᵀHq of each row, or of all; kept where that is not positive. `image` is Hq. */
function fitScales(
  { weights, rows, columns }: ComqProblem,
  { codes, image }: { codes: Int8Array; image: Float64Array },
  delta: Float64Array,
): void {
  const across = new Float64Array(delta.length);
  const along = new Float64Array(delta.length);
  for (let at = 0; at < codes.length; at++) {
    const which = delta.length === rows ? Math.floor(at / columns) : 0;
    across[which] += image[at] * weights[at];
    along[which] += image[at] * codes[at];
  }
  delta.forEach((_, i) => {
    const fitted = across[i] / along[i];
    if (fitted > 0 && Number.isFinite(fitted)) delta[i] = fitted;
  });
}

function checkProblem(problem: ComqProblem): void {
  checkOptions<ComqProblem>("comq", problem, PROBLEM_RULES, FIELDS);
  const { weights, gram, rows, columns, codes, delta } = problem;
  const mismatch = (what: string, expected: string, got: string): never => {
    throw new ArgumentError({ op: "comq", what, expected, got });
  };
  const count = rows * columns;
  if (weights.length !== count || codes.length !== count) {
    mismatch("weights and codes", `${count} of each`, `${weights.length} and ${codes.length}`);
  }
  if (gram.length !== columns * columns) mismatch("Gram matrix", `${columns * columns} values`, `${gram.length}`);
  if (delta.length !== 1 && delta.length !== rows) mismatch("scales", `1 or ${rows}`, `${delta.length}`);
}
