/** @file Reference kernels: the activation staircase (BCGD §3), its coarse derivatives, and codes of exact sums. */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import { roundHalfEven } from "../elementwise/reference.js";
import type { STAIRCASE } from "./abi.js";
import { staircaseRules } from "./rules.js";

/** Twins of the staircase kernels. */
export function staircaseKernels({ heap, round, real }: Context): KernelsOf<typeof STAIRCASE> {
  const rules = staircaseRules(round);
  return {
    f32_staircase(xPtr, codesPtr, len, alpha, top, nearest) {
      const x = real(xPtr, len);
      const codes = heap.u8(codesPtr, len);
      const step = round(alpha);
      for (let i = 0; i < len; i++) codes[i] = rules.code(x[i], step, top, nearest);
    },
    f32_staircase_bwd(xPtr, dyPtr, dxPtr, len, alpha, top, proxy) {
      const x = real(xPtr, len);
      const dy = real(dyPtr, len);
      const dx = real(dxPtr, len);
      const limit = round(round(alpha) * top);
      const passes = rules.passes(proxy);
      for (let i = 0; i < len; i++) dx[i] = passes(x[i], limit) ? dy[i] : 0;
    },
    f32_staircase_dalpha(xPtr, codesPtr, dyPtr, len, alpha, top, rule) {
      const x = real(xPtr, len);
      const codes = heap.u8(codesPtr, len);
      const dy = real(dyPtr, len);
      const limit = round(round(alpha) * top);
      const dalpha = rules.dalpha(rule);
      let sum = 0;
      for (let i = 0; i < len; i++) {
        const factor = dalpha(x[i], codes[i], limit, top);
        if (factor !== 0) sum += dy[i] * factor;
      }
      return sum;
    },
    u8_histogram(codesPtr, len, countsPtr) {
      const codes = heap.u8(codesPtr, len);
      const counts = heap.i32(countsPtr, 256);
      for (const code of codes) counts[code]++;
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
