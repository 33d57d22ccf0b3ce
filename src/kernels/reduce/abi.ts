/**
 * @file The kernels of this family: reductions over the middle axis of [outer, n, inner], real, output [outer, inner];
 * sums over whole arrays; softmax over rows of [rows, n].
 */
import { kernel, result } from "../contract.js";
import { dense, HEAVY, LIGHT, rowsOf } from "../split.js";

/** By outer index. */
const OUTER = {
  kind: "range",
  count: "outer",
  moves: { xPtr: [4, "n", "inner"], outPtr: [4, "inner"] },
  time: [0.4, "n", "inner"],
} as const;

/** Lines of the ABI. */
export const REDUCE = {
  /** Σ x. `sumsPtr?` of outer = 1 and inner > 1. */
  f32_sum: kernel(
    ["xPtr", "outPtr", "outer", "n", "inner", "sumsPtr?"],
    [
      OUTER,
      {
        kind: "columns",
        one: "outer",
        rows: "n",
        columns: "inner",
        moves: { xPtr: [4, "inner"] },
        sums: "sumsPtr",
        outputs: ["outPtr"],
      },
    ],
  ),
  f32_max: kernel(["xPtr", "outPtr", "outer", "n", "inner"], OUTER),
  f32_min: kernel(["xPtr", "outPtr", "outer", "n", "inner"], OUTER),
  /** Index (i32) of the first largest; a NaN counts as largest. */
  f32_argmax: kernel(["xPtr", "outPtr", "outer", "n", "inner"], OUTER),
  f32_argmin: kernel(["xPtr", "outPtr", "outer", "n", "inner"], OUTER),
  /** Σ x², accumulated in f64, returned. */
  f32_sum_squares: result(["xPtr", "len"], { kind: "total", count: "len", moves: { xPtr: 4 } }),
  /** Σ |x|, accumulated in f64, returned. */
  f32_abs_sum: result(["xPtr", "len"], { kind: "total", count: "len", moves: { xPtr: 4 } }),
  /** max |x|, 0 if empty, returned; NaN if any x is NaN. */
  f32_abs_max: result(["xPtr", "len"], dense({ xPtr: 4 }, LIGHT, "max")),
  /** Number of elements that are NaN or infinite. */
  f32_count_nonfinite: result(["xPtr", "len"], dense({ xPtr: 4 }, LIGHT, "sum")),
  f32_softmax: kernel(["xPtr", "outPtr", "rows", "n"], rowsOf({ xPtr: 4, outPtr: 4 }, 2 * HEAVY, "n")),
  f32_log_softmax: kernel(["xPtr", "outPtr", "rows", "n"], rowsOf({ xPtr: 4, outPtr: 4 }, 2 * HEAVY, "n")),
  /** dx = y ⊙ (dy − Σ dy·y). */
  f32_softmax_bwd: kernel(["yPtr", "dyPtr", "dxPtr", "rows", "n"], rowsOf({ yPtr: 4, dyPtr: 4, dxPtr: 4 }, HEAVY, "n")),
  /** dx = dy − exp(y)·Σ dy, y = log-softmax. */
  f32_log_softmax_bwd: kernel(
    ["yPtr", "dyPtr", "dxPtr", "rows", "n"],
    rowsOf({ yPtr: 4, dyPtr: 4, dxPtr: 4 }, HEAVY, "n"),
  ),
};
