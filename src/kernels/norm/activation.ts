/** @file Reference kernels: batch normalization, a shortcut and an activation in one. */
import type { Kernels, Ptr } from "../abi.js";
import type { Context } from "../context.js";
import { staircaseRules } from "../staircase/reference.js";
import { channelKernels } from "./channel.js";

type Names =
  | "f32_batchnorm_relu"
  | "f32_batchnorm_relu_bwd"
  | "f32_batchnorm_staircase"
  | "f32_batchnorm_staircase_bwd"
  | "f32_batchnorm_activation_work";

/** Twins of the kernels that join a batch norm to its activation. */
export function normActivationKernels(context: Context): Pick<Kernels, Names> {
  const { heap, real, round } = context;
  const { f32_batchnorm_bwd_reduce } = channelKernels(context);
  const rules = staircaseRules(round);
  const width = real(0, 0).BYTES_PER_ELEMENT;

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

  const reduce = (
    [xPtr, gPtr, normPtr]: readonly [Ptr, Ptr, Ptr],
    rows: number,
    channels: number,
    outputs: readonly [Ptr, Ptr],
  ) => {
    f32_batchnorm_bwd_reduce(xPtr, gPtr, rows, channels, normPtr, normPtr + channels * width, ...outputs);
  };

  return {
    f32_batchnorm_relu(xPtr, shortcutPtr, step, yPtr, rows, channels, normPtr) {
      const z = preActivations([xPtr, shortcutPtr, normPtr], step, rows, channels);
      const y = real(yPtr, rows * channels);
      for (let i = 0; i < y.length; i++) y[i] = Math.max(z(i), 0);
    },
    f32_batchnorm_relu_bwd(xPtr, yPtr, dyPtr, gPtr, rows, channels, normPtr, dgammaPtr, dbetaPtr) {
      const y = real(yPtr, rows * channels);
      const dy = real(dyPtr, rows * channels);
      const g = real(gPtr, rows * channels);
      for (let i = 0; i < g.length; i++) g[i] = y[i] > 0 ? dy[i] : 0;
      reduce([xPtr, gPtr, normPtr], rows, channels, [dgammaPtr, dbetaPtr]);
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
      ]
    ) {
      const z = preActivations([xPtr, shortcutPtr, normPtr], step, rows, channels);
      const codes = heap.u8(codesPtr, rows * channels);
      const dy = real(dyPtr, rows * channels);
      const g = real(gPtr, rows * channels);
      const limit = round(round(alpha) * top);
      let sum = 0;
      for (let i = 0; i < g.length; i++) {
        const value = z(i);
        const factor = rules.dalpha(value, codes[i], limit, top, rule);
        if (factor !== 0) sum += dy[i] * factor;
        g[i] = rules.passes(value, limit, proxy) ? dy[i] : 0;
      }
      reduce([xPtr, gPtr, normPtr], rows, channels, [dgammaPtr, dbetaPtr]);
      return sum;
    },
    f32_batchnorm_activation_work: () => 0,
  };
}
