/** @file Reference kernels: the activation staircase, its coarse derivatives, and histograms of codes (BCGD §3). */
import type { Kernels } from "../abi.js";
import type { Context } from "./context.js";
import { roundHalfEven } from "./elementwise.js";

type Names = "f32_staircase" | "f32_staircase_bwd" | "f32_staircase_dalpha" | "u8_histogram";

/** Twins of the staircase kernels. */
export function staircaseKernels({ heap, round, real }: Context): Pick<Kernels, Names> {
  return {
    f32_staircase(xPtr, codesPtr, len, alpha, top, nearest) {
      const x = real(xPtr, len);
      const codes = heap.u8(codesPtr, len);
      const step = round(alpha);
      for (let i = 0; i < len; i++) {
        if (!(x[i] > 0)) {
          codes[i] = 0;
          continue;
        }
        const quotient = round(x[i] / step);
        codes[i] = Math.min(nearest ? roundHalfEven(quotient) : Math.ceil(quotient), top);
      }
    },
    f32_staircase_bwd(xPtr, dyPtr, dxPtr, len, alpha, top, proxy) {
      const x = real(xPtr, len);
      const dy = real(dyPtr, len);
      const dx = real(dxPtr, len);
      const limit = round(round(alpha) * top);
      for (let i = 0; i < len; i++) {
        const passes = proxy === 2 || (x[i] > 0 && (proxy === 1 || x[i] <= limit));
        dx[i] = passes ? dy[i] : 0;
      }
    },
    f32_staircase_dalpha(xPtr, codesPtr, dyPtr, len, alpha, top, rule) {
      const x = real(xPtr, len);
      const codes = heap.u8(codesPtr, len);
      const dy = real(dyPtr, len);
      const limit = round(round(alpha) * top);
      const middle = rule === 0 ? (top + 1) / 2 : 0; // three-valued: 2^(bits−1)
      let sum = 0;
      for (let i = 0; i < len; i++) {
        if (rule === 1) sum += dy[i] * codes[i];
        else if (x[i] > limit) sum += dy[i] * top;
        else if (x[i] > 0) sum += dy[i] * middle;
      }
      return sum;
    },
    u8_histogram(codesPtr, len, countsPtr) {
      const codes = heap.u8(codesPtr, len);
      const counts = heap.i32(countsPtr, 256);
      for (const code of codes) counts[code]++;
    },
  };
}
