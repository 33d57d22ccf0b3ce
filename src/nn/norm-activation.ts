/**
 * @file A batch norm and the activation behind it, joined where both allow it: the same values in fewer passes over
 * memory.
 */
import { Tensor } from "../autograd/tensor.js";
import { check, instanceOf, nullable } from "../core/checks.js";
import { BatchNorm } from "./batch-norm.js";
import { Module } from "./module.js";

const aModule = instanceOf(Module, "a module");
const aTensor = instanceOf(Tensor, "a tensor");

/** An activation that can be computed together with the batch norm before it. */
export abstract class JoiningActivation extends Module {
  /**
   * The `forward` that {@link forwardNormalized} stands for: a subclass or an object with another one is called, not
   * looked through.
   */
  abstract get joinedForward(): (x: Tensor) => Tensor;
  /**
   * The activation of norm(x) + shortcut, with the bits of the separate modules, for a norm in training; the running
   * statistics move as by `norm.forward`.
   *
   * @returns null if this activation, as it is set, wants to see its input
   */
  abstract forwardNormalized(x: Tensor, norm: BatchNorm, shortcut: Tensor | null): Tensor | null;
}

/** True if the joined form stands for the very `forward` that the module has. */
function joins(module: Module): module is JoiningActivation {
  return module instanceof JoiningActivation && module.forward === module.joinedForward;
}

/** True if what a batch norm does is what the joined ops do. */
function isPlain(norm: Module): norm is BatchNorm {
  const { forward, normalizeBatch } = BatchNorm.prototype;
  return norm instanceof BatchNorm && norm.forward === forward && norm.normalizeBatch === normalizeBatch;
}

/**
 * activation(norm(x) + shortcut).
 *
 * @param norm any module; a batch norm in training is joined to the activation if that can be
 * @param shortcut of the shape of x, or null
 * @returns the shape of x
 */
export function normActivation(norm: Module, activation: Module, x: Tensor, shortcut: Tensor | null = null): Tensor {
  if (!(norm instanceof Module)) check("normActivation", "norm", norm, aModule);
  if (!(activation instanceof Module)) check("normActivation", "activation", activation, aModule);
  if (!(x instanceof Tensor)) check("normActivation", "x", x, aTensor);
  if (shortcut !== null && !(shortcut instanceof Tensor))
    check("normActivation", "shortcut", shortcut, nullable(aTensor));
  if (isPlain(norm) && norm.training && joins(activation) && !x.data.coded) {
    const joined = activation.forwardNormalized(x, norm, shortcut);
    if (joined !== null) return joined;
  }
  const normalized = norm.forward(x);
  return activation.forward(shortcut === null ? normalized : normalized.add(shortcut));
}
