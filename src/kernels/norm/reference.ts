/**
 * @file Reference kernels: per-channel statistics, affine maps, and batch normalization with the activation behind it,
 * of [rows, channels].
 */

import type { Context, RealArray } from "../context.js";
import type { KernelsOf, Ptr } from "../contract.js";
import { staircaseRules } from "../staircase/rules.js";
import type { NORM } from "./abi.js";
import { mapKernels } from "./maps.js";

/** Σ of f over the rows of each channel, in f64. */
function columnSums(channels: number, x: RealArray, f: (value: number, i: number) => number): Float64Array {
  const sums = new Float64Array(channels);
  for (let i = 0; i < x.length; i++) sums[i % channels] += f(x[i], i);
  return sums;
}

/** Twins of the kernels of channels. Sums are accumulated in f64 and rounded once. */
export function normKernels(context: Context): KernelsOf<typeof NORM> {
  const { heap, real, round } = context;
  const rules = staircaseRules(round);
  const width = real(0, 0).BYTES_PER_ELEMENT;

  /** Vectors of sums, divided and rounded into the outputs, or, if `sumsPtr` is not 0, as they are. */
  const put = (sumsPtr: Ptr, vectors: readonly Float64Array[], outputs: readonly Ptr[], divisor: number): void => {
    vectors.forEach((sums, i) => {
      const { length } = sums;
      if (sumsPtr !== 0) heap.f64(sumsPtr + 8 * 4 * Math.ceil(length / 4) * i, length).set(sums);
      else real(outputs[i], length).set(sums.map((sum) => sum / divisor));
    });
  };

  /** The pre-activation of each element. */
  const preActivations = (
    [xPtr, shortcutPtr, normPtr]: readonly [Ptr, Ptr, Ptr],
    step: number,
    rows: number,
    channels: number,
  ): ((i: number) => number) => {
    const x = real(xPtr, rows * channels);
    const norm = real(normPtr, 4 * channels);
    const [mean, invStd, gamma, beta] = [0, 1, 2, 3].map((row) => norm.subarray(row * channels, (row + 1) * channels));
    const scale = round(step);
    const reals = shortcutPtr !== 0 && step === 0 ? real(shortcutPtr, x.length) : null;
    const codes = shortcutPtr !== 0 && step !== 0 ? heap.u8(shortcutPtr, x.length) : null;
    return (i) => {
      const c = i % channels;
      const y = round(round(round(round(x[i] - mean[c]) * invStd[c]) * gamma[c]) + beta[c]);
      if (reals !== null) return round(y + reals[i]);
      return codes === null ? y : round(y + round(scale * codes[i]));
    };
  };

  /** Σ dy·xhat and Σ dy of each channel. */
  const gradients = (
    [xPtr, dyPtr, meanPtr, invStdPtr]: readonly [Ptr, Ptr, Ptr, Ptr],
    rows: number,
    channels: number,
    outputs: readonly [Ptr, Ptr],
    sumsPtr: Ptr,
  ): void => {
    const x = real(xPtr, rows * channels);
    const dy = real(dyPtr, rows * channels);
    const mean = real(meanPtr, channels);
    const invStd = real(invStdPtr, channels);
    const dots = columnSums(channels, dy, (g, i) => {
      const c = i % channels;
      return g * round(round(x[i] - mean[c]) * invStd[c]);
    });
    put(sumsPtr, [dots, columnSums(channels, dy, (g) => g)], outputs, 1);
  };

  return {
    ...mapKernels(context),
    f32_channel_mean(xPtr, rows, channels, meanPtr, sumsPtr = 0) {
      const x = real(xPtr, rows * channels);
      put(sumsPtr, [columnSums(channels, x, (v) => v)], [meanPtr], rows);
    },
    f32_channel_variance(xPtr, rows, channels, meanPtr, varPtr, sumsPtr = 0) {
      const x = real(xPtr, rows * channels);
      const mean = real(meanPtr, channels);
      const squares = columnSums(channels, x, (v, i) => {
        const distance = round(v - mean[i % channels]);
        return distance * distance;
      });
      put(sumsPtr, [squares], [varPtr], rows);
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
    f32_batchnorm_bwd_input(xPtr, dyPtr, dxPtr, rows, channels, meanPtr, invStdPtr, gammaPtr, ...gradients) {
      const [dgammaPtr, dbetaPtr, rowsInAll] = gradients;
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
        const centred = round(dy[i] - round(dbeta[c] / rowsInAll));
        dx[i] = round(gamma[c] * invStd[c]) * round(centred - round(xhat * round(dgamma[c] / rowsInAll)));
      }
    },
    f32_batchnorm_bwd_reduce(
      xPtr,
      dyPtr,
      rows,
      channels,
      meanPtr,
      invStdPtr,
      dgammaPtr,
      dbetaPtr,
      _workPtr,
      sumsPtr = 0,
    ) {
      gradients([xPtr, dyPtr, meanPtr, invStdPtr], rows, channels, [dgammaPtr, dbetaPtr], sumsPtr);
    },
    f32_batchnorm_relu(xPtr, shortcutPtr, step, yPtr, rows, channels, normPtr) {
      const z = preActivations([xPtr, shortcutPtr, normPtr], step, rows, channels);
      const y = real(yPtr, rows * channels);
      for (let i = 0; i < y.length; i++) y[i] = Math.max(z(i), 0);
    },
    f32_batchnorm_relu_bwd(
      xPtr,
      yPtr,
      dyPtr,
      gPtr,
      rows,
      channels,
      normPtr,
      dgammaPtr,
      dbetaPtr,
      _workPtr,
      sumsPtr = 0,
    ) {
      const y = real(yPtr, rows * channels);
      const dy = real(dyPtr, rows * channels);
      const g = real(gPtr, rows * channels);
      for (let i = 0; i < g.length; i++) g[i] = y[i] > 0 ? dy[i] : 0;
      gradients([xPtr, gPtr, normPtr, normPtr + channels * width], rows, channels, [dgammaPtr, dbetaPtr], sumsPtr);
    },
    f32_batchnorm_staircase(xPtr, shortcutPtr, step, codesPtr, rows, channels, normPtr, alpha, top, nearest) {
      const z = preActivations([xPtr, shortcutPtr, normPtr], step, rows, channels);
      const codes = heap.u8(codesPtr, rows * channels);
      for (let i = 0; i < codes.length; i++) codes[i] = rules.code(z(i), round(alpha), top, nearest);
    },
    f32_batchnorm_staircase_bwd(
      ...[
        xPtr,
        shortcutPtr,
        step,
        codesPtr,
        dyPtr,
        gPtr,
        rows,
        channels,
        normPtr,
        alpha,
        top,
        proxy,
        rule,
        dgammaPtr,
        dbetaPtr,
        _workPtr,
        sumsPtr = 0,
      ]
    ) {
      const z = preActivations([xPtr, shortcutPtr, normPtr], step, rows, channels);
      const codes = heap.u8(codesPtr, rows * channels);
      const dy = real(dyPtr, rows * channels);
      const g = real(gPtr, rows * channels);
      const limit = round(round(alpha) * top);
      const [dalpha, passes] = [rules.dalpha(rule), rules.passes(proxy)];
      let sum = 0;
      for (let i = 0; i < g.length; i++) {
        const value = z(i);
        const factor = dalpha(value, codes[i], limit, top);
        if (factor !== 0) sum += dy[i] * factor;
        g[i] = passes(value, limit) ? dy[i] : 0;
      }
      gradients([xPtr, gPtr, normPtr, normPtr + channels * width], rows, channels, [dgammaPtr, dbetaPtr], sumsPtr);
      return sum;
    },
    f32_batchnorm_work: () => 0,
  };
}
