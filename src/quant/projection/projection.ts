/** @file What a projection of weights onto a level set is, and the parts that the rules share. */
import { checkBits, isWeightCode, weightTop } from "../../codes/levels.js";
import type { Rule } from "../../core/checks.js";
import { QuantError, ShapeError } from "../../core/errors.js";
import type { Kernels, Ptr } from "../../kernels/abi.js";
import { heap, kernelsFor } from "../../kernels/engine.js";
import { withScratch } from "../../ndarray/scratch.js";

const { fround } = Math;

/** A row of weights (a layer, or one output channel) and its codes in the heap. */
export interface WeightRow {
  /** f32, `length` elements. */
  readonly weights: Ptr;
  /** i8, `length` elements; contents undefined on entry. */
  readonly codes: Ptr;
  /** Number of weights. */
  readonly length: number;
}

/** A rule as plain data, for reports and configurations. */
export type ProjectionInfo = { readonly name: string; readonly bits: number } & Readonly<
  Record<string, string | number>
>;

/**
 * A projection w ↦ δ·q onto a scaled level set δ·Qⁿ, as a value. Users may pass their own: only `project` is needed.
 *
 * The level set is {−1, +1} for 1 bit, and {−top, …, top} otherwise. Weights are finite; δ ≥ 0 is an f32 number.
 * All-zero weights give δ = 0.
 *
 * @see BCGD §2
 */
export interface Projection {
  /** Name in messages and in configurations. */
  readonly name: string;
  /** Width of a code, 1…8. */
  readonly bits: number;
  /** Largest |code|: 1 for 1 bit, else 2^(bits−1) − 1. */
  readonly top: number;
  /** Fills `codes` from `weights` (equal lengths) and returns δ. */
  project(weights: Float32Array, codes: Int8Array): number;
  /** The same on a row in the heap; made from `project` if it is left out. */
  projectRow?(row: WeightRow): number;
  /** Name and options as plain data. */
  describe(): ProjectionInfo;
}

/** A rule that projects weights, the user's own too. */
export const isProjection: Rule = (value) => {
  const { name, bits, project } = (value ?? {}) as Partial<Projection>;
  const good = typeof name === "string" && typeof bits === "number" && typeof project === "function";
  return good ? null : "a width or a projection";
};

/** Largest |code| of b-bit weights: 1 for b = 1 (codes ±1), else 2^(b−1) − 1. */
export function topOfBits(bits: number): number {
  checkBits("topOfBits", bits);
  return weightTop(bits);
}

/** A projection whose work is done on rows in the heap; arrays outside are copied there and back. */
export function rowProjection(info: ProjectionInfo, projectRow: (row: WeightRow) => number): Projection {
  const { name, bits } = info;
  return {
    name,
    bits,
    top: topOfBits(bits),
    projectRow,
    describe: () => info,
    project(weights, codes) {
      const { length } = weights;
      if (codes.length !== length) {
        throw new ShapeError({ op: name, what: "number of codes", expected: `${length}`, got: `${codes.length}` });
      }
      // Copied first: taking scratch may grow the heap and so detach a view.
      const values = weights.slice();
      if (!values.every(Number.isFinite)) {
        throw new QuantError({ op: name, what: "weights that are not finite", expected: "finite numbers" });
      }
      return withScratch(4 * length, (source) =>
        withScratch(length, (target) => {
          heap().f32(source, length).set(values);
          const delta = projectRow({ weights: source, codes: target, length });
          codes.set(heap().i8(target, length));
          return delta;
        }),
      );
    },
  };
}

/** Applies a rule to a row in the heap. @returns δ as f32 */
export function projectRow(rule: Projection, row: WeightRow): number {
  if (rule.projectRow !== undefined) return rule.projectRow(row);
  const codes = new Int8Array(row.length);
  const delta = fround(rule.project(heap().f32(row.weights, row.length).slice(), codes));
  const allowed = (code: number): boolean => isWeightCode(code, rule.bits, rule.top);
  if (!(delta >= 0) || delta === Number.POSITIVE_INFINITY || !codes.every(allowed)) {
    throw new QuantError({
      op: rule.name,
      what: "the rule left its level set",
      expected: `a finite delta ≥ 0 and codes ${rule.bits === 1 ? "-1 or 1" : `in [${-rule.top}, ${rule.top}]`}`,
      got: `delta ${delta}, codes ${codes.find((code) => !allowed(code)) ?? "in the set"}`,
    });
  }
  heap().i8(row.codes, row.length).set(codes);
  return delta;
}

/** The kernels that projections run on. */
export function rowKernels(): Kernels {
  return kernelsFor("f32");
}

/** δ = ⟨q,w⟩/⟨q,q⟩, the best scale for given codes; 0 for all-zero codes. Sums in f64, rounded to f32 once. */
export function refit({ weights, codes, length }: WeightRow): number {
  const kernels = rowKernels();
  const squares = kernels.i8_sum_squares(codes, length);
  return squares === 0 ? 0 : fround(kernels.i8_dot_f32(codes, weights, length) / squares);
}

/** Codes of an all-zero row: zeros. @returns δ = 0 */
export function zeroRow({ codes, length }: WeightRow): number {
  heap().i8(codes, length).fill(0);
  return 0;
}
