/**
 * @file The kernels of this family: the channels of x [rows, channels], real: statistics, affine maps, batch
 * normalization and the activation behind it.
 */
import { kernel, result } from "../contract.js";
import { LIGHT, MEDIUM, rowsOf, WORK } from "../split.js";

/** Nanoseconds of an element of a norm and its activation. */
const ACTIVATION = 1.2;
const SHORTCUT = [{ realOrCodes: "step" }, "channels"] as const;
const WORKSPACE = { ptr: "workPtr", bytes: "f32_batchnorm_work" } as const;
const BLOCKS = { kind: "columns", rows: "rows", columns: "channels", sums: "sumsPtr" } as const;

/** Lines of the ABI. */
export const NORM = {
  /** mean[c] of x over rows. */
  f32_channel_mean: kernel(["xPtr", "rows", "channels", "meanPtr", "sumsPtr?"], {
    ...BLOCKS,
    moves: { xPtr: [4, "channels"] },
    outputs: ["meanPtr"],
    divisor: "rows",
  }),
  /** Biased variance[c] over rows about the (rounded) mean. */
  f32_channel_variance: kernel(["xPtr", "rows", "channels", "meanPtr", "varPtr", "sumsPtr?"], {
    ...BLOCKS,
    moves: { xPtr: [4, "channels"] },
    outputs: ["varPtr"],
    divisor: "rows",
  }),
  /** y = x·scale[c] + shift[c], two roundings: multiply, then add. */
  f32_channel_affine: kernel(
    ["xPtr", "outPtr", "rows", "channels", "scalePtr", "shiftPtr"],
    rowsOf({ xPtr: 4, outPtr: 4 }, LIGHT),
  ),
  /** out[r,c] (f32) = f32(acc[r,c])·scale[c] (+ bias[c] if biasPtr ≠ 0), two roundings. */
  i32_scale_bias: kernel(
    ["accPtr", "outPtr", "rows", "channels", "scalePtr", "biasPtr"],
    rowsOf({ accPtr: 4, outPtr: 4 }, LIGHT),
  ),
  /** y = (x − mean[c])·invStd[c]·gamma[c] + beta[c], left to right. */
  f32_batchnorm: kernel(
    ["xPtr", "outPtr", "rows", "channels", "meanPtr", "invStdPtr", "gammaPtr", "betaPtr"],
    rowsOf({ xPtr: 4, outPtr: 4 }, LIGHT),
  ),
  /** dgamma[c] = Σ dy·(x − mean)·invStd, dbeta[c] = Σ dy. Scratch: `f32_batchnorm_work(channels)` bytes. */
  f32_batchnorm_bwd_reduce: kernel(
    ["xPtr", "dyPtr", "rows", "channels", "meanPtr", "invStdPtr", "dgammaPtr", "dbetaPtr", "workPtr", "sumsPtr?"],
    {
      ...BLOCKS,
      moves: { xPtr: [4, "channels"], dyPtr: [4, "channels"] },
      outputs: ["dgammaPtr", "dbetaPtr"],
      work: WORKSPACE,
    },
  ),
  /**
   * dx = gamma·invStd·(dy − dbeta/rowsInAll − xhat·dgamma/rowsInAll): dgamma and dbeta are sums over rowsInAll rows, of
   * which these are some.
   */
  f32_batchnorm_bwd_input: kernel(
    [
      "xPtr",
      "dyPtr",
      "dxPtr",
      "rows",
      "channels",
      "meanPtr",
      "invStdPtr",
      "gammaPtr",
      "dgammaPtr",
      "dbetaPtr",
      "rowsInAll",
    ],
    rowsOf({ xPtr: 4, dyPtr: 4, dxPtr: 4 }, MEDIUM),
  ),
  // `normPtr`: [4, channels], rows mean, invStd, gamma, beta. z = f32_batchnorm(x) + shortcut, each step rounded;
  // `shortcutPtr` 0: none; step 0: reals; else u8 codes of step·code. Scratch: `f32_batchnorm_work(channels)` bytes.
  // channels ≥ 1.
  /** y = f32_relu(z). */
  f32_batchnorm_relu: kernel(["xPtr", "shortcutPtr", "step", "yPtr", "rows", "channels", "normPtr"], {
    kind: "range",
    count: "rows",
    moves: { xPtr: [4, "channels"], shortcutPtr: SHORTCUT, yPtr: [4, "channels"] },
    time: [ACTIVATION, "channels"],
  }),
  /** g = f32_relu_bwd(y, dy); dgamma, dbeta as f32_batchnorm_bwd_reduce(x, g). g may be dy. */
  f32_batchnorm_relu_bwd: kernel(
    ["xPtr", "yPtr", "dyPtr", "gPtr", "rows", "channels", "normPtr", "dgammaPtr", "dbetaPtr", "workPtr", "sumsPtr?"],
    {
      ...BLOCKS,
      moves: { xPtr: [4, "channels"], yPtr: [4, "channels"], dyPtr: [4, "channels"], gPtr: [4, "channels"] },
      outputs: ["dgammaPtr", "dbetaPtr"],
      work: WORKSPACE,
    },
  ),
  /** codes = f32_staircase(z, alpha, top, nearest). */
  f32_batchnorm_staircase: kernel(
    ["xPtr", "shortcutPtr", "step", "codesPtr", "rows", "channels", "normPtr", "alpha", "top", "nearest", "workPtr"],
    {
      kind: "range",
      count: "rows",
      moves: { xPtr: [4, "channels"], shortcutPtr: SHORTCUT, codesPtr: ["channels"] },
      time: [ACTIVATION, "channels"],
      work: WORKSPACE,
    },
  ),
  /**
   * g = f32_staircase_bwd(z, dy, alpha, top, proxy); dgamma, dbeta as f32_batchnorm_bwd_reduce(x, g).
   * @returns f32_staircase_dalpha(z, codes, dy, alpha, top, rule),
   * summed in chunks of rows in order. g may be dy.
   */
  f32_batchnorm_staircase_bwd: result(
    [
      "xPtr",
      "shortcutPtr",
      "step",
      "codesPtr",
      "dyPtr",
      "gPtr",
      "rows",
      "channels",
      "normPtr",
      "alpha",
      "top",
      "proxy",
      "rule",
      "dgammaPtr",
      "dbetaPtr",
      "workPtr",
      "sumsPtr?",
    ],
    {
      ...BLOCKS,
      moves: {
        xPtr: [4, "channels"],
        shortcutPtr: SHORTCUT,
        codesPtr: ["channels"],
        dyPtr: [4, "channels"],
        gPtr: [4, "channels"],
      },
      outputs: ["dgammaPtr", "dbetaPtr"],
      work: WORKSPACE,
      combine: "sum",
    },
  ),
  /** Bytes of scratch that these need. */
  f32_batchnorm_work: result(["channels"], WORK),
};
