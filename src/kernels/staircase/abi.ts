/**
 * @file The kernels of this family: the activation staircase (BCGD §3), its coarse derivatives, and codes of exact
 * sums; top = L = 2^bits − 1.
 */
import { kernel, result } from "../contract.js";
import { dense, HEAVY, LIGHT, MEDIUM, rowsOf } from "../split.js";

/** Lines of the ABI. */
export const STAIRCASE = {
  /**
   * codes[i] = x ≤ 0 ? 0 : min(ceil(x/alpha), top), by true division; NaN gives 0. nearest ≠ 0: k with |x/alpha − k| ≤
   * ½, half to even.
   */
  f32_staircase: kernel(["xPtr", "codesPtr", "len", "alpha", "top", "nearest"], dense({ xPtr: 4, codesPtr: 1 }, LIGHT)),
  /**
   * dx = dy·μ′(x): proxy 0 clipped-relu (0 < x ≤ top·alpha), 1 relu (x > 0), 2 identity. top·alpha is one real product.
   */
  f32_staircase_bwd: kernel(
    ["xPtr", "dyPtr", "dxPtr", "len", "alpha", "top", "proxy"],
    dense({ xPtr: 4, dyPtr: 4, dxPtr: 4 }, LIGHT),
  ),
  /**
   * Σ dy·∂σ/∂α in f64 over the elements where ∂σ/∂α ≠ 0, returned. rule 0 three-valued, 1 a.e., 2 PACT. The a.e. rule
   * uses `codes`.
   */
  f32_staircase_dalpha: result(["xPtr", "codesPtr", "dyPtr", "len", "alpha", "top", "rule"], {
    kind: "total",
    count: "len",
    moves: { xPtr: 4, codesPtr: 1, dyPtr: 4 },
  }),
  /** Adds the number of occurrences of each code 0…255 into 256 i32. */
  u8_histogram: kernel(["codesPtr", "len", "countsPtr"], null),
  /**
   * codes[r,c] (u8) = how many of the `top` thresholds of channel c are reached: acc ≥ t if flip[c] = 0, acc ≤ t if
   * flip[c] = 1. thresholds [channels, top] i32.
   */
  i32_threshold: kernel(
    ["accPtr", "codesPtr", "rows", "channels", "thresholdsPtr", "flipPtr", "top"],
    rowsOf({ accPtr: 4, codesPtr: 1 }, 2 * HEAVY),
  ),
  /**
   * codes[r,c] (u8) = f32(acc[r,c])·scale[c] + shift[c], two roundings, held in 0…top, then rounded half to even. top ≤
   * 255; nothing may be NaN.
   */
  i32_line_codes: kernel(
    ["accPtr", "codesPtr", "rows", "channels", "scalePtr", "shiftPtr", "top"],
    rowsOf({ accPtr: 4, codesPtr: 1 }, MEDIUM),
  ),
  /**
   * codes[r,c] (u8) = the staircase of f32_staircase at y + residual[r,c], y = (f32(acc[r,c])·s + b)·t + u, each
   * operation rounded; `constantsPtr` holds s, b, t, u, [4, channels] f32. The residual is f32, or, if residualStep ≠
   * 0, u8 codes that stand for residualStep·code.
   */
  i32_residual_codes: kernel(
    [
      "accPtr",
      "residualPtr",
      "codesPtr",
      "rows",
      "channels",
      "constantsPtr",
      "residualStep",
      "alpha",
      "top",
      "nearest",
    ],
    null,
  ),
};
