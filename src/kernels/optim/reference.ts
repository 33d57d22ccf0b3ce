/** @file Reference kernels: optimizer steps, in place. */

import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { OPTIM } from "./abi.js";

/** Twins of the optimizer kernels. Coefficients made from several scalars are computed in f64 and rounded once. */
export function optimKernels({ heap, round, real }: Context): KernelsOf<typeof OPTIM> {
  return {
    f32_blend(wPtr, codesPtr, len, delta, rho) {
      const w = real(wPtr, len);
      const codes = heap.i8(codesPtr, len);
      const scale = round(delta);
      const [keep, take] = [round(1 - rho), round(rho)];
      for (let i = 0; i < len; i++) w[i] = round(keep * w[i]) + round(take * round(scale * codes[i]));
    },
    f32_sgd_step(wPtr, gradPtr, velocityPtr, len, lr, momentum, weightDecay, nesterov, first) {
      const w = real(wPtr, len);
      const grad = real(gradPtr, len);
      const velocity = real(velocityPtr, momentum === 0 ? 0 : len);
      const [rate, mu, decay] = [round(lr), round(momentum), round(weightDecay)];
      for (let i = 0; i < len; i++) {
        const g = round(grad[i] + round(decay * w[i]));
        let direction = g;
        if (momentum !== 0) {
          const v = first ? g : round(round(mu * velocity[i]) + g);
          velocity[i] = v;
          direction = nesterov ? round(g + round(mu * v)) : v;
        }
        w[i] -= round(rate * direction);
      }
    },
    f32_adam_step(
      wPtr,
      gradPtr,
      mPtr,
      vPtr,
      len,
      lr,
      beta1,
      beta2,
      eps,
      weightDecay,
      decoupled,
      correction1,
      correction2,
    ) {
      const w = real(wPtr, len);
      const grad = real(gradPtr, len);
      const m = real(mPtr, len);
      const v = real(vPtr, len);
      const [b1, c1, b2, c2] = [beta1, 1 - beta1, beta2, 1 - beta2].map(round);
      const [rate, root, tiny] = [lr / correction1, Math.sqrt(correction2), eps].map(round);
      const [shrink, decay] = [1 - lr * weightDecay, weightDecay].map(round);
      for (let i = 0; i < len; i++) {
        const weight = decoupled ? round(w[i] * shrink) : w[i];
        const g = decoupled ? grad[i] : round(grad[i] + round(decay * weight));
        m[i] = round(b1 * m[i]) + round(c1 * g);
        v[i] = round(b2 * v[i]) + round(round(c2 * g) * g);
        const denominator = round(round(round(Math.sqrt(v[i])) / root) + tiny);
        w[i] = weight - round(round(rate * m[i]) / denominator);
      }
    },
  };
}
