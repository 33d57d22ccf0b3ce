/** @file Reference kernels: per-channel statistics, affine maps and batch normalization of [rows, channels]. */
import type { Kernels } from "../abi.js";
import type { Context } from "../context.js";

type Names =
  | "f32_channel_stats"
  | "f32_channel_affine"
  | "f32_batchnorm"
  | "f32_batchnorm_bwd_reduce"
  | "f32_batchnorm_bwd_input";

/** Twins of the per-channel kernels. Sums are accumulated in f64 and rounded once. */
export function channelKernels({ round, real }: Context): Pick<Kernels, Names> {
  return {
    f32_channel_stats(xPtr, rows, channels, meanPtr, varPtr) {
      const x = real(xPtr, rows * channels);
      const mean = real(meanPtr, channels);
      const variance = real(varPtr, channels);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = c; i < x.length; i += channels) sum += x[i];
        const centre = round(sum / rows);
        let squares = 0;
        for (let i = c; i < x.length; i += channels) {
          const distance = round(x[i] - centre);
          squares += distance * distance;
        }
        mean[c] = centre;
        variance[c] = squares / rows;
      }
    },
    f32_channel_affine(xPtr, outPtr, rows, channels, scalePtr, shiftPtr) {
      const x = real(xPtr, rows * channels);
      const out = real(outPtr, rows * channels);
      const scale = real(scalePtr, channels);
      const shift = real(shiftPtr, channels);
      for (let i = 0; i < x.length; i++) out[i] = round(x[i] * scale[i % channels]) + shift[i % channels];
    },
    f32_batchnorm(xPtr, outPtr, rows, channels, meanPtr, invStdPtr, gammaPtr, betaPtr) {
      const x = real(xPtr, rows * channels);
      const out = real(outPtr, rows * channels);
      const mean = real(meanPtr, channels);
      const invStd = real(invStdPtr, channels);
      const gamma = real(gammaPtr, channels);
      const beta = real(betaPtr, channels);
      for (let i = 0; i < x.length; i++) {
        const c = i % channels;
        out[i] = round(round(round(x[i] - mean[c]) * invStd[c]) * gamma[c]) + beta[c];
      }
    },
    f32_batchnorm_bwd_reduce(xPtr, dyPtr, rows, channels, meanPtr, invStdPtr, dgammaPtr, dbetaPtr) {
      const x = real(xPtr, rows * channels);
      const dy = real(dyPtr, rows * channels);
      const mean = real(meanPtr, channels);
      const invStd = real(invStdPtr, channels);
      const dgamma = real(dgammaPtr, channels);
      const dbeta = real(dbetaPtr, channels);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let dot = 0;
        for (let i = c; i < x.length; i += channels) {
          sum += dy[i];
          dot += dy[i] * round(round(x[i] - mean[c]) * invStd[c]);
        }
        dbeta[c] = sum;
        dgamma[c] = dot;
      }
    },
    f32_batchnorm_bwd_input(xPtr, dyPtr, dxPtr, rows, channels, meanPtr, invStdPtr, gammaPtr, dgammaPtr, dbetaPtr) {
      const x = real(xPtr, rows * channels);
      const dy = real(dyPtr, rows * channels);
      const dx = real(dxPtr, rows * channels);
      const mean = real(meanPtr, channels);
      const invStd = real(invStdPtr, channels);
      const gamma = real(gammaPtr, channels);
      const dgamma = real(dgammaPtr, channels);
      const dbeta = real(dbetaPtr, channels);
      for (let i = 0; i < x.length; i++) {
        const c = i % channels;
        const xhat = round(round(x[i] - mean[c]) * invStd[c]);
        const centred = round(dy[i] - round(dbeta[c] / rows));
        dx[i] = round(gamma[c] * invStd[c]) * round(centred - round(xhat * round(dgamma[c] / rows)));
      }
    },
  };
}
