/** @file Reductions and softmax against their twins; sums within a few roundings of an f64 sum. */
import fc from "fast-check";
import { Rng } from "../../../src/core/rng.js";
import type { KernelName } from "../../../src/kernels/abi.js";
import {
  agree,
  both,
  type Check,
  expectClose,
  input,
  lengths,
  output,
  property,
  reals,
  splitsAlike,
  TALL,
  ulp,
} from "../harness.js";

const blocks = fc.record({
  outer: fc.constantFrom(0, 1, 2, 3),
  n: fc.constantFrom(0, 1, 2, 3, 7, 8, 9, 17, 40),
  inner: fc.constantFrom(0, 1, 1, 2, 3, 4, 5, 15, 16, 17, 33),
});
const rows = fc.record({ rows: fc.constantFrom(0, 1, 2, 5), n: fc.constantFrom(1, 2, 3, 4, 5, 8, 10, 100) });

const extreme = (name: "f32_max" | "f32_min" | "f32_argmax" | "f32_argmin"): Check => {
  return () =>
    property(blocks, (rng, { outer, n, inner }) => {
      const length = outer * inner;
      const out = name.startsWith("f32_arg") ? new Int32Array(length) : new Float32Array(length);
      const flavour = rng.int(3) === 0 ? "integer" : rng.bool(0.5) ? "tame" : "any"; // integers give ties
      agree(name, input(reals(rng, outer * n * inner, flavour)), output(out), outer, n, inner);
    });
};

/** A returned f64 sum: the order of f64 additions differs, nothing else. */
const scalar = (name: "f32_sum_squares" | "f32_abs_sum"): Check => {
  return () =>
    property(lengths, (rng, len) => {
      const flavour = rng.bool(0.7) ? "tame" : "any";
      const result = both(name, input(reals(rng, len, flavour)), len);
      const want = result.twin.returned as number; // a sum of non-negative terms: its own magnitude bounds the error
      expectClose(name, [result.wasm.returned as number], [want], () => 2 ** -52 * (len + 2) * want);
    });
};

const counting = (name: "f32_abs_max" | "f32_count_nonfinite"): Check => {
  return () =>
    property(lengths, (rng, len) => {
      agree(name, input(reals(rng, len, rng.bool(0.5) ? "tame" : "any")), len);
    });
};

/** Softmax family: intermediate results may differ by an ulp of an exponential each. */
function rowKernel(name: KernelName, inputs: 1 | 2, magnitude: (n: number) => number): Check {
  return () =>
    property(rows, (rng, { rows: r, n }) => {
      const arrays = Array.from({ length: inputs }, () => reals(rng, r * n, "tame"));
      if (r > 0 && rng.bool(0.3)) arrays[0][rng.int(r * n)] = [NaN, Infinity, -Infinity][rng.int(3)];
      const result = both(name, ...arrays.map((x) => input(x)), output(new Float32Array(r * n)), r, n);
      expectClose(name, result.wasm.outputs[0], result.twin.outputs[0], () => 2 ** -22 * magnitude(n));
    });
}

/** Arrays of several blocks, the last one short. */
const LONG = 200_003;

/** Sums of long arrays in parts. */
const long = (name: "f32_sum_squares" | "f32_abs_sum") => {
  const short = scalar(name);
  return () => {
    short();
    splitsAlike(name, input(reals(new Rng(name), LONG, "tame")), LONG);
  };
};

export const reduce = {
  f32_sum: () => {
    property(blocks, (rng, { outer, n, inner }) => {
      const x = reals(rng, outer * n * inner, rng.bool(0.7) ? "tame" : "integer");
      const result = both("f32_sum", input(x), output(new Float32Array(outer * inner)), outer, n, inner);
      // Both round an f64 sum whose error is below n·2^-52·Σ|x|: at most one f32 step apart.
      const want = result.twin.outputs[0];
      expectClose("f32_sum", result.wasm.outputs[0], want, (i) => ulp(want[i]) + 2 ** -50 * 4 * n);
      // Sums of columns, unrounded.
      if (inner < 2 || n === 0) return;
      const wide = 4 * inner;
      const columns = input(reals(rng, n * wide, "tame"));
      agree("f32_sum", columns, output(new Float32Array(0)), 1, n, wide, output(new Float64Array(wide)));
    });
    for (const [rows, columns] of TALL) {
      const x = input(reals(new Rng("f32_sum"), rows * columns, "tame"));
      splitsAlike("f32_sum", x, output(new Float32Array(columns)), 1, rows, columns);
    }
  },
  f32_max: extreme("f32_max"),
  f32_min: extreme("f32_min"),
  f32_argmax: extreme("f32_argmax"),
  f32_argmin: extreme("f32_argmin"),
  f32_sum_squares: long("f32_sum_squares"),
  f32_abs_sum: long("f32_abs_sum"),
  f32_abs_max: counting("f32_abs_max"),
  f32_count_nonfinite: counting("f32_count_nonfinite"),
  f32_softmax: rowKernel("f32_softmax", 1, () => 1),
  f32_log_softmax: rowKernel("f32_log_softmax", 1, () => 16),
  f32_softmax_bwd: rowKernel("f32_softmax_bwd", 2, (n) => 128 * n),
  f32_log_softmax_bwd: rowKernel("f32_log_softmax_bwd", 2, (n) => 256 * n),
} satisfies Record<string, Check>;
