/** @file Modules one after the other. */
import type { Tensor } from "../autograd/tensor.js";
import { Module } from "./module.js";

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
    return this.#modules().reduce((value, module) => module.forward(value), x);
  }
}
