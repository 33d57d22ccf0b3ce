/** @file Modules one after the other. */
import type { Tensor } from "../autograd/tensor.js";
import { BatchNorm } from "./batch-norm.js";
import { Module } from "./module.js";
import { normActivation } from "./norm-activation.js";

/**
 * Applies modules in order; their keys are `0`, `1`, …, as in PyTorch.
 *
 * @example
 * const net = new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 2));
 * net[1] = new Tanh();
 */
export class Sequential extends Module {
  [index: number]: Module;

  constructor(...modules: readonly Module[]) {
    super();
    modules.forEach((module, i) => {
      this[i] = module;
    });
  }
  /** The modules under numbers: properties of other names (a normalization put in front) are not among them. */
  #modules(): Module[] {
    return [...this.namedChildren()].flatMap(([key, module]) => (/^\d+$/.test(key) ? [module] : []));
  }
  /** Number of modules. */
  get length(): number {
    return this.#modules().length;
  }
  override forward(x: Tensor): Tensor {
    const modules = this.#modules();
    let value = x;
    for (let i = 0; i < modules.length; i++) {
      const joined = modules[i] instanceof BatchNorm && i + 1 < modules.length;
      value = joined ? normActivation(modules[i], modules[++i], value) : modules[i].forward(value);
    }
    return value;
  }
}
