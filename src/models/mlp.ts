/** @file Multilayer perceptron. */
import type { Tensor } from "../autograd/tensor.js";
import { checkOptions, flag, instanceOf, integer, listOf } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { ReLU } from "../nn/activation.js";
import { BatchNorm1d } from "../nn/batch-norm.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { normActivation } from "../nn/norm-activation.js";
import { Flatten } from "../nn/pool.js";
import { checkWeights } from "./options.js";

/** Options of {@link mlp}. */
export interface MlpOptions {
  /** Widths from the input's values to the classes, at least two. */
  sizes: readonly number[];
  /** Batch norm between each hidden layer and its activation. Default true. */
  batchNorm?: boolean;
  /** Draws the initial weights. Default: the generator that `manualSeed` sets. */
  rng?: Rng;
}

/** Flatten, then for each hidden layer k: `fc.k`, `bn.k`, `act.k`; then the last `fc`. */
export class Mlp extends Module {
  flatten: Module = new Flatten();
  fc: Module[];
  bn: Module[];
  act: Module[];

  constructor(options: MlpOptions) {
    super();
    checkOptions<MlpOptions>(
      "mlp",
      options,
      { sizes: listOf(integer(1)), batchNorm: flag, rng: instanceOf(Rng, "an Rng") },
      ["sizes"],
    );
    const { sizes, batchNorm = true, rng } = options;
    if (sizes.length < 2) {
      throw new ArgumentError({ op: "mlp", what: "bad sizes", expected: "two or more widths", got: `[${sizes}]` });
    }
    checkWeights(
      "mlp",
      sizes.slice(1).map((width, k) => width * sizes[k]),
    );
    const hidden = sizes.slice(1, -1);
    this.fc = sizes.slice(1).map((width, k) => {
      const bias = !batchNorm || k === hidden.length;
      return new Linear(sizes[k], width, { bias, rng });
    });
    this.bn = batchNorm ? hidden.map((width) => new BatchNorm1d(width)) : [];
    this.act = hidden.map(() => new ReLU());
    this.nameParameters();
  }

  /** @param x [N, …] with sizes[0] values each @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    let h = this.flatten.forward(x);
    this.act.forEach((act, k) => {
      h = this.fc[k].forward(h);
      h = k < this.bn.length ? normActivation(this.bn[k], act, h) : act.forward(h);
    });
    return this.fc[this.fc.length - 1].forward(h);
  }
}

/**
 * Multilayer perceptron with ReLU.
 *
 * @param options `sizes` such as [784, 256, 10]; `batchNorm` default true
 * @throws ArgumentError on fewer than two widths or widths that are not positive integers
 */
export function mlp(options: MlpOptions): Mlp {
  return new Mlp(options);
}
