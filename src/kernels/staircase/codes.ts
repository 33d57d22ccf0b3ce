/**
 * @file Reference kernels: codes of the activation staircase (BCGD §3) and of exact sums, which the packed runtime has
 * too.
 */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import { roundHalfEven } from "../elementwise/rounding.js";
import type { STAIRCASE } from "./abi.js";

/** The staircase's code of one real, in the arithmetic of a context; `alpha` is rounded. */
export function staircaseCode(round: Context["round"]) {
  return (x: number, alpha: number, top: number, nearest: number): number => {
    if (!(x > 0)) return 0;
    const quotient = round(x / alpha);
    return Math.min(nearest ? roundHalfEven(quotient) : Math.ceil(quotient), top);
  };
}

type Names = "f32_staircase" | "i32_threshold" | "i32_line_codes" | "i32_residual_codes";

/** Twins of the kernels of codes. */
export function staircaseCodes({ heap, round, real }: Context): Pick<KernelsOf<typeof STAIRCASE>, Names> {
  const code = staircaseCode(round);
  return {
    f32_staircase(xPtr, codesPtr, len, alpha, top, nearest) {
      const x = real(xPtr, len);
      const codes = heap.u8(codesPtr, len);
      const step = round(alpha);
      for (let i = 0; i < len; i++) codes[i] = code(x[i], step, top, nearest);
    },
    i32_threshold(accPtr, codesPtr, rows, channels, thresholdsPtr, flipPtr, top) {
      const acc = heap.i32(accPtr, rows * channels);
      const codes = heap.u8(codesPtr, rows * channels);
      const thresholds = heap.i32(thresholdsPtr, channels * top);
      const flip = heap.u8(flipPtr, channels);
      for (let i = 0; i < acc.length; i++) {
        const c = i % channels;
        let reached = 0;
        for (let t = c * top; t < (c + 1) * top; t++) {
          if (flip[c] !== 0 ? acc[i] <= thresholds[t] : acc[i] >= thresholds[t]) reached++;
        }
        codes[i] = reached;
      }
    },
    i32_line_codes(accPtr, codesPtr, rows, channels, scalePtr, shiftPtr, top) {
      const acc = heap.i32(accPtr, rows * channels);
      const codes = heap.u8(codesPtr, rows * channels);
      const scale = heap.f32(scalePtr, channels);
      const shift = heap.f32(shiftPtr, channels);
      for (let i = 0; i < acc.length; i++) {
        const product = Math.fround(Math.fround(acc[i]) * scale[i % channels]);
        const held = Math.min(Math.max(Math.fround(product + shift[i % channels]), 0), top);
        codes[i] = Math.fround(held + 12582912) - 12582912; // 1.5·2^23: the sum's last bit is worth 1
      }
    },
    i32_residual_codes(accPtr, residualPtr, codesPtr, rows, channels, constantsPtr, residualStep, alpha, top, nearest) {
      const { fround } = Math;
      const acc = heap.i32(accPtr, rows * channels);
      const codes = heap.u8(codesPtr, rows * channels);
      const coded = residualStep !== 0;
      const residual = coded ? heap.u8(residualPtr, rows * channels) : heap.f32(residualPtr, rows * channels);
      const constants = heap.f32(constantsPtr, 4 * channels);
      const constant = (which: number, c: number): number => constants[which * channels + c];
      const a = fround(alpha);
      for (let i = 0; i < acc.length; i++) {
        const c = i % channels;
        const z = fround(fround(fround(acc[i]) * constant(0, c)) + constant(1, c));
        const y = fround(fround(z * constant(2, c)) + constant(3, c));
        const r = coded ? fround(residual[i] * fround(residualStep)) : residual[i];
        const x = fround(y + r);
        const quotient = fround(x / a);
        const code = nearest !== 0 ? roundHalfEven(quotient) : Math.ceil(quotient);
        codes[i] = x > 0 ? (code < top ? code : top) : 0;
      }
    },
  };
}
