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
  /** Number of modules. */
  get length(): number {
    return this.children().length;
  }
  override forward(x: Tensor): Tensor {
    return this.children().reduce((value, module) => module.forward(value), x);
  }
}
