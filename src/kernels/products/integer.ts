/** @file Reference kernels: the packed runtime's integer arithmetic. */
import type { Kernels } from "../abi.js";
import type { Context } from "../context.js";
import { roundHalfEven } from "../elementwise/reference.js";

/** Twins of the integer kernels. */
export function integerKernels({
  heap,
}: Context): Pick<
  Kernels,
  "u8_i8_gemm" | "i32_threshold" | "i32_line_codes" | "i32_scale_bias" | "i32_residual_codes"
> {
  return {
    u8_i8_gemm(aPtr, bPtr, cPtr, M, N, K, lda, ldb) {
      const a = heap.u8(aPtr, M * lda);
      const b = heap.i8(bPtr, N * ldb);
      const c = heap.i32(cPtr, M * N);
      for (let i = 0; i < M; i++) {
        for (let j = 0; j < N; j++) {
          let sum = 0;
          for (let k = 0; k < K; k++) sum += a[i * lda + k] * b[j * ldb + k];
          c[i * N + j] = sum;
        }
      }
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
    i32_scale_bias(accPtr, outPtr, rows, channels, scalePtr, biasPtr) {
      const acc = heap.i32(accPtr, rows * channels);
      const out = heap.f32(outPtr, rows * channels);
      const scale = heap.f32(scalePtr, channels);
      const bias = biasPtr === 0 ? null : heap.f32(biasPtr, channels);
      for (let i = 0; i < acc.length; i++) {
        const product = Math.fround(Math.fround(acc[i]) * scale[i % channels]);
        out[i] = bias === null ? product : product + bias[i % channels];
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
