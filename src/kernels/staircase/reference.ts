/** @file Reference kernels: the activation staircase (BCGD §3), its coarse derivatives, and codes of exact sums. */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { STAIRCASE } from "./abi.js";
import { staircaseCodes } from "./codes.js";
import { staircaseRules } from "./rules.js";

/** Twins of the staircase kernels. */
export function staircaseKernels(context: Context): KernelsOf<typeof STAIRCASE> {
  const { heap, round, real } = context;
  const rules = staircaseRules(round);
  return {
    ...staircaseCodes(context),
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
  };
}
