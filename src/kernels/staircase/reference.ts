/** @file Reference kernels: the activation staircase, its coarse derivatives, and histograms of codes (BCGD §3). */
import type { Kernels } from "../abi.js";
import type { Context } from "../context.js";
import { roundHalfEven } from "../elementwise/reference.js";

type Names = "f32_staircase" | "f32_staircase_bwd" | "f32_staircase_dalpha" | "u8_histogram";

/** The staircase's rules for one real, in the arithmetic of a context. `alpha` and `limit` = top·alpha are rounded. */
export function staircaseRules(round: Context["round"]) {
  return {
    code(x: number, alpha: number, top: number, nearest: number): number {
      if (!(x > 0)) return 0;
      const quotient = round(x / alpha);
      return Math.min(nearest ? roundHalfEven(quotient) : Math.ceil(quotient), top);
    },
    passes: (x: number, limit: number, proxy: number): boolean => proxy === 2 || (x > 0 && (proxy === 1 || x <= limit)),
    /** ∂σ/∂α; rule 0 is three-valued (2^(bits−1) in the middle), 1 the code itself, 2 zero in the middle. */
    dalpha(x: number, code: number, limit: number, top: number, rule: number): number {
      if (rule === 1) return code;
      if (x > limit) return top;
      return x > 0 && rule === 0 ? (top + 1) / 2 : 0;
    },
  };
}

/** Twins of the staircase kernels. */
export function staircaseKernels({ heap, round, real }: Context): Pick<Kernels, Names> {
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
      for (let i = 0; i < len; i++) dx[i] = rules.passes(x[i], limit, proxy) ? dy[i] : 0;
    },
    f32_staircase_dalpha(xPtr, codesPtr, dyPtr, len, alpha, top, rule) {
      const x = real(xPtr, len);
      const codes = heap.u8(codesPtr, len);
      const dy = real(dyPtr, len);
      const limit = round(round(alpha) * top);
      let sum = 0;
      for (let i = 0; i < len; i++) {
        const factor = rules.dalpha(x[i], codes[i], limit, top, rule);
        if (factor !== 0) sum += dy[i] * factor;
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
