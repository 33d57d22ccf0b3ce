/**
 * @file What a run must not go on with: numbers that are not finite, losses beyond return, parameters that nobody
 * trains.
 */

import { describe } from "../core/checks.js";
import { isFloat } from "../core/dtype.js";
import { ArgumentError, DivergenceError, StateError } from "../core/errors.js";
import { log } from "../core/math.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { countNonFinite } from "../ndarray/reduce.js";
import type { Module } from "../nn/module.js";
import { Parameter } from "../nn/parameter.js";
import type { OptimizerLike } from "../optim/types.js";
import { some, warn } from "./warning.js";

/** How far above the first loss (or that of guessing) a loss may stand. */
const WORSE = 1000;
/** Steps that a loss may stand there at least, however short an epoch is. */
const LEAST_STEPS = 3;

/** The error of a run that left the finite numbers. */
export function diverged(
  place: string,
  got: string,
  expected = "finite numbers",
  kept = "earlier checkpoints are untouched",
): DivergenceError {
  return new DivergenceError({
    op: "fit",
    what: `training diverged ${place}`,
    expected,
    got,
    hint: `${kept}; try a lower learning rate (lr), a warm-up, gradient clipping, or trained weights to start from (--init)`,
  });
}

function nonFinite(array: NDArray): number {
  return isFloat(array.dtype) ? countNonFinite(array) : 0;
}

/** Refuses weights that are not finite. @throws DivergenceError naming the first such parameter */
export function checkWeights(net: Module, place: string): void {
  for (const [name, { data }] of net.namedParameters()) {
    const bad = nonFinite(data);
    if (bad > 0) throw diverged(place, `${bad} NaN or infinite in ${name}`);
  }
}

/**
 * Refuses a network that is broken before its first step.
 * @throws StateError naming the first such parameter or running statistic
 */
export function checkStart(net: Module): void {
  const statistics = [...net.namedBuffers()].filter(([name]) => /(^|\.)running_(mean|var)$/.test(name));
  for (const [name, { data }] of [...net.namedParameters(), ...statistics]) {
    const bad = nonFinite(data);
    if (bad === 0) continue;
    throw new StateError({
      op: "fit",
      what: "the network is broken before its first step",
      expected: "finite numbers",
      got: `${bad} NaN or infinite in ${name}`,
      hint: "images that are normalized by far too small a deviation do that, and states of runs that diverged",
    });
  }
}

/**
 * Watches buffers (running statistics): a step that overflows one shows neither in the loss nor in the weights. A
 * buffer that held such numbers from the start, as a mask may, may keep as many.
 */
export class BufferGuard {
  readonly #arrays: readonly { name: string; data: NDArray; known: number }[];
  constructor(net: Module) {
    this.#arrays = [...net.namedBuffers()]
      .filter(([, { data }]) => isFloat(data.dtype))
      .map(([name, { data }]) => ({ name, data, known: nonFinite(data) }));
  }
  /** @throws DivergenceError naming the buffer */
  check(place: string): void {
    for (const { name, data, known } of this.#arrays) {
      if (!data.alive) continue;
      const bad = nonFinite(data);
      if (bad > known) throw diverged(place, `${bad} NaN or infinite in ${name}`);
    }
  }
}

/**
 * Watches the loss. Weights that one step threw far away give losses that are finite and mean nothing. A run may start
 * badly and may have peaks; it has diverged if for half an epoch, and three steps at least, every loss is more than
 * 1,000 times the larger of the first loss and that of guessing, ln classes.
 */
export class LossGuard {
  readonly #patience: number;
  #limit: number | null = null;
  /** Steps in a row above the limit, and the epoch in which the first of them was. */
  #above = 0;
  #since = 0;
  constructor(stepsPerEpoch: number) {
    this.#patience = Math.max(LEAST_STEPS, Math.ceil(stepsPerEpoch / 2));
  }
  /**
   * @param epoch of the step, from 1
   * @throws DivergenceError that says which checkpoints are good
   */
  check(loss: number, classes: number, epoch: number, place: string): void {
    if (!Number.isFinite(loss)) throw diverged(place, `loss ${loss}`);
    this.#limit ??= WORSE * Math.max(loss, log(Math.max(2, classes)));
    if (loss <= this.#limit) {
      this.#above = 0;
      return;
    }
    if (this.#above === 0) this.#since = epoch;
    this.#above++;
    if (this.#above < this.#patience) return;
    const good = this.#since - 1;
    throw diverged(
      place,
      `loss ${loss.toPrecision(3)}, above it for ${this.#above} steps`,
      `a loss below ${this.#limit.toPrecision(3)}, ${WORSE} times the first or that of guessing`,
      good === 0 ? "no checkpoint is good" : `checkpoints up to that of epoch ${good} are untouched`,
    );
  }
}

/** Refuses a factor, or a rate with it, that would destroy the weights. @throws ArgumentError before the step */
export function checkRate(optimizer: OptimizerLike, step: number, factor: number): void {
  const { lr } = optimizer;
  if (Number.isFinite(factor) && factor >= 0 && !(typeof lr === "number" && !Number.isFinite(lr * factor))) return;
  throw new ArgumentError({
    op: "fit",
    what: `bad factor of the learning rate at step ${step}`,
    expected: "a finite number ≥ 0 from the schedule",
    got: Number.isFinite(factor) ? `${describe(factor)} at a rate of ${describe(lr)}` : describe(factor),
    hint: "the step was not taken",
  });
}

/**
 * Compares what an optimizer steps with what a network has. Warns of trainable parameters that it does not step
 * (fine-tuning leaves some out on purpose).
 *
 * @throws StateError if the optimizer has parameters that are not the network's, or were disposed of
 */
export function checkOwnership(net: Module, optimizer: OptimizerLike): void {
  const own = net.namedParameters();
  const known = new Set<unknown>(own.values());
  const stepped = new Set<unknown>(optimizer.parameters());
  const foreign = [...stepped].filter((parameter) => !known.has(parameter) || !(parameter as Parameter).data.alive);
  if (foreign.length > 0) {
    throw new StateError({
      op: "fit",
      what: "the optimizer steps parameters that the network does not have",
      expected: "parameters of this network alone, all alive",
      got: some(foreign.map(nameOf)),
      hint: "make the optimizer after prepare() or whatever else replaces layers; keep layers where the network finds them",
    });
  }
  const left = [...own].filter(([, parameter]) => parameter.requiresGrad && !stepped.has(parameter));
  if (left.length === 0) return;
  warn(`the optimizer does not step ${some(left.map(([name]) => name))}; requireGrad(false) says that this is meant`);
}

function nameOf(parameter: unknown): string {
  if (!(parameter instanceof Parameter)) return describe(parameter);
  return `${parameter.name || "one without a name"} [${parameter.shape.join(",")}]${parameter.data.alive ? "" : " (disposed of)"}`;
}

/**
 * Watches which trainable parameters get a gradient other than 0 in an epoch; those that got one are not looked at
 * again.
 */
export class GradientWatch {
  readonly #silent: Map<string, Parameter>;
  constructor(net: Module, optimizer: OptimizerLike) {
    const stepped = new Set<unknown>(optimizer.parameters());
    this.#silent = new Map(
      [...net.namedParameters()].filter(([, parameter]) => stepped.has(parameter) && parameter.size > 0),
    );
  }
  /** Names of parameters that got none so far. */
  get silent(): string[] {
    return [...this.#silent.keys()];
  }
  /** Goes on where an interrupted epoch ended. @param names as `silent` gave them */
  keep(names: readonly string[]): void {
    for (const name of this.silent) if (!names.includes(name)) this.#silent.delete(name);
  }
  /** To be called between backward and the optimizer's step. */
  look(): void {
    for (const [name, { gradient }] of this.#silent) {
      if (gradient?.alive && gradient.view().some((value) => value !== 0)) this.#silent.delete(name);
    }
  }
  /** Parameters that got none so far and should. */
  names(): string[] {
    return [...this.#silent].flatMap(([name, { requiresGrad }]) => (requiresGrad ? [name] : []));
  }
}
