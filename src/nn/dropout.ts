/** @file Dropout. */
import { dropout } from "../autograd/functions.js";
import { defaultRng } from "../autograd/random.js";
import type { Tensor } from "../autograd/tensor.js";
import { below, check, checkOptions, instanceOf } from "../core/checks.js";
import { Rng } from "../core/rng.js";
import type { RandomSource } from "./init.js";
import { Module } from "./module.js";

/**
 * In training, zeroes each element with probability p and multiplies the rest by 1/(1 − p); in evaluation, passes its
 * input on.
 *
 * The layer has a random stream of its own, seeded when it is made from `rng` or the generator that `manualSeed` sets;
 * checkpoints save it.
 *
 * @gradient exact for the mask that was drawn
 */
export class Dropout extends Module {
  /** Share of values that are dropped in training. */
  readonly p: number;
  /** Where the draws come from. */
  rng: Rng;

  /**
   * @param p probability of zeroing, in [0, 1). Default 0.5
   * @throws ArgumentError if `p` is outside
   */
  constructor(p = 0.5, options: RandomSource = {}) {
    super();
    check("Dropout", "probability", p, below(0, 1));
    checkOptions<RandomSource>("Dropout", options, { rng: instanceOf(Rng, "an Rng") });
    this.p = p;
    this.rng = new Rng((options.rng ?? defaultRng()).u32());
  }

  override forward(x: Tensor): Tensor {
    return this.training && this.p > 0 ? dropout(x, this.p, this.rng) : x;
  }
  protected override describe(): string {
    return `${this.p}`;
  }
}
