/** @file Modules one after the other. */
import type { Tensor } from "../autograd/tensor.js";
import { check, instanceOf } from "../core/checks.js";
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

  /** @param modules one after the other, or as one list @throws ArgumentError on anything but modules */
  constructor(...modules: readonly Module[] | readonly [readonly Module[]]) {
    super();
    const list = modules.length === 1 && Array.isArray(modules[0]) ? modules[0] : modules;
    // A hole in a list is undefined.
    Array.from(list as readonly Module[]).forEach((module, i) => {
      check("Sequential", `module ${i}`, module, instanceOf(Module as never, "a Module"));
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
