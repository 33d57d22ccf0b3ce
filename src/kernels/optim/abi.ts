/** @file The kernels of this family: optimizer steps, real, in place. */
import { kernel } from "../contract.js";
import { dense, LIGHT, MEDIUM } from "../split.js";

/** Lines of the ABI. */
export const OPTIM = {
  /** w[i] = (1 − rho)·w[i] + rho·(delta·codes[i]); delta·codes is rounded first, then both products, then the sum. */
  f32_blend: kernel(["wPtr", "codesPtr", "len", "delta", "rho"], dense({ wPtr: 4, codesPtr: 1 }, LIGHT)),
  /**
   * g = grad + weightDecay·w; v = first ? g : momentum·v + g; d = nesterov ? g + momentum·v : v; w −= lr·d. With
   * momentum = 0, v is not touched.
   */
  f32_sgd_step: kernel(
    ["wPtr", "gradPtr", "velocityPtr", "len", "lr", "momentum", "weightDecay", "nesterov", "first"],
    dense({ wPtr: 4, gradPtr: 4, velocityPtr: 4 }, LIGHT),
  ),
  /** PyTorch's Adam: m, v are moments; correction1 = 1−β1^t, correction2 = 1−β2^t; decoupled ≠ 0 is AdamW. */
  f32_adam_step: kernel(
    [
      "wPtr",
      "gradPtr",
      "mPtr",
      "vPtr",
      "len",
      "lr",
      "beta1",
      "beta2",
      "eps",
      "weightDecay",
      "decoupled",
      "correction1",
      "correction2",
    ],
    dense({ wPtr: 4, gradPtr: 4, mPtr: 4, vPtr: 4 }, MEDIUM),
  ),
};
