/** @file What a module owns besides other modules: trained parameters, and buffers that are saved but not trained. */

import { Tensor } from "../autograd/tensor.js";
import { check, instanceOf, refuse } from "../core/checks.js";
import { writeElements } from "../core/dtype.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import type { Shape } from "../core/shape.js";
import { untrack } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";

/**
 * What every optimizer honours for one parameter, in this order: clip the gradient, step with the scaled rate, clamp
 * the result. The steps α of staircases use it (BCGD §3, authors' practice).
 */
export interface ParameterConstraint {
  /** The parameter's learning rate as a multiple of its group's. Default 1. */
  lrScale?: number;
  /** Each component of the gradient is clamped to this closed interval before the step. */
  gradClip?: readonly [lo: number, hi: number];
  /** The parameter is clamped to this closed interval after the step. */
  range?: readonly [lo: number, hi: number];
  /** False exempts it from weight decay. Default true. */
  weightDecay?: boolean;
}

/** Choices for a new parameter. */
export interface ParameterOptions {
  /** Dotted path as in the state dict; for messages. */
  name?: string;
  /** What its values are brought back to after each step. */
  constraint?: ParameterConstraint;
  /** False freezes it. Default true. */
  requiresGrad?: boolean;
}

/**
 * A tensor that is trained. It belongs to no scope: it lives until it (or its module) is disposed of, and so does its
 * gradient.
 *
 * @param data f32 or f64; taken over, not copied
 * @throws ArgumentError if `data` is not real
 */
export class Parameter extends Tensor {
  /** Dotted path in the network, empty until somebody names it (`Module.nameParameters`). */
  name: string;
  /** What its values are brought back to after each step. */
  constraint: ParameterConstraint | undefined;

  constructor(data: NDArray, options: ParameterOptions = {}) {
    checkLive("parameter", data);
    if (data.dtype !== "f32" && data.dtype !== "f64") {
      throw new ArgumentError({ op: "parameter", what: "not a real array", expected: "f32 or f64", got: data.dtype });
    }
    untrack(data);
    super(data, options.requiresGrad ?? true);
    this.name = options.name ?? "";
    this.constraint = options.constraint;
  }

  /**
   * Grows with every change of the values; caches of what is derived from them (codes of quantized weights) compare it.
   */
  get version(): number {
    return this.data.storage.version;
  }
  /** To be called by whoever writes into `data` in place; `writer` is named if a graph still needs the old values. */
  markChanged(writer = "markChanged"): void {
    this.data.touch(writer);
  }
  /** Copies values in, converting between f32 and f64. Same size. @throws ShapeError */
  set(values: NDArray | ArrayLike<number>): void {
    writeInto(this.data, values);
  }
}

/**
 * An array that belongs to a module's state but is not trained (running statistics). It belongs to no scope.
 *
 * @param data taken over, not copied
 */
export class Buffer {
  /** The values. */
  readonly data: NDArray;
  /** False leaves it out of the state dict. */
  readonly persistent: boolean;

  constructor(data: NDArray, options: { persistent?: boolean } = {}) {
    checkLive("buffer", data);
    untrack(data);
    this.data = data;
    this.persistent = options.persistent ?? true;
  }
  /** Extents, outermost first. */
  get shape(): Shape {
    return this.data.shape;
  }
  /** Copies values in. Same size. @throws ShapeError */
  set(values: NDArray | ArrayLike<number>): void {
    writeInto(this.data, values);
  }
  /** Frees the values. */
  dispose(): void {
    this.data.dispose();
  }
}

/** Refuses what is no array of the heap, and one that was disposed of. @throws ArgumentError, DisposedError */
function checkLive(op: string, data: NDArray): void {
  check(op, "data", data, instanceOf(NDArray, "an NDArray"), "NDArray.from(values, shape) makes one");
  data.expectLive();
}

function writeInto(target: NDArray, values: NDArray | ArrayLike<number>): void {
  const list = values instanceof NDArray ? values.view() : values;
  if (!ArrayBuffer.isView(list) && !Array.isArray(list))
    refuse("set", "values", "numbers, a typed array or an NDArray", values);
  if (list.length !== target.size) {
    throw new ShapeError({ op: "set", what: "number of values", expected: `${target.size}`, got: `${list.length}` });
  }
  writeElements("set", target.view(), target.dtype, list);
  target.touch("set");
}
