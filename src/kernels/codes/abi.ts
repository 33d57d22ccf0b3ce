/** @file The kernels of this family: integer codes of weights (BCGD §2). */
import { kernel, result } from "../contract.js";
import { dense, LIGHT, MEDIUM } from "../split.js";

/** Lines of the ABI. */
export const CODES = {
  /** codes[i] (i8) = x ≥ 0 ? +1 : −1 (sign(0) = +1, sign(−0) = +1, NaN → −1). */
  f32_sign_codes: kernel(["xPtr", "codesPtr", "len"], dense({ xPtr: 4, codesPtr: 1 }, LIGHT)),
  /** codes[i] (i8) = |x| > threshold ? sign(x) : 0. */
  f32_ternary_codes: kernel(["xPtr", "codesPtr", "len", "threshold"], dense({ xPtr: 4, codesPtr: 1 }, LIGHT)),
  /**
   * codes[i] (i8) = clip(round_half_away(x/delta), −top, top), by true division; NaN (also 0/0) gives 0. Returns how
   * many codes changed.
   */
  f32_uniform_codes: result(
    ["xPtr", "codesPtr", "len", "delta", "top"],
    dense({ xPtr: 4, codesPtr: 1 }, MEDIUM, "sum"),
  ),
  /** Σ codes·x in f64, returned. */
  i8_dot_f32: result(["codesPtr", "xPtr", "len"], null),
  /** Σ codes² as an integer (f64), returned. */
  i8_sum_squares: result(["codesPtr", "len"], dense({ codesPtr: 1 }, LIGHT, "sum")),
  /** Number of positions where two code arrays differ. */
  i8_count_different: result(["aPtr", "bPtr", "len"], dense({ aPtr: 1, bPtr: 1 }, LIGHT, "sum")),
};
