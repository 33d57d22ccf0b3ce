/** @file Creation of tensors. */
import { type DType, isFloat, type TypedArray } from "../../core/dtype.js";
import { ArgumentError } from "../../core/errors.js";
import type { Rng } from "../../core/rng.js";
import type { Shape } from "../../core/shape.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { defaultRng } from "../random.js";
import { type NestedArray, Tensor, tensorFrom } from "../tensor.js";

/** Choices that every maker takes. */
export interface CreationOptions {
  /** Element type; default f32. */
  dtype?: DType;
  /** Ask for a gradient; real tensors only. Default false. */
  requiresGrad?: boolean;
}

/** Choices of random makers. */
export interface RandomOptions extends CreationOptions {
  /** Where numbers come from; default the generator that `manualSeed` sets. */
  rng?: Rng;
}

function made(data: NDArray, options: CreationOptions): Tensor {
  const tensor = new Tensor(data);
  return options.requiresGrad ? tensor.requireGrad() : tensor;
}

/**
 * A tensor with given elements.
 *
 * @param values numbers nested as deep as the rank, or a typed array (flat), which also gives the default type
 * @param options `shape` (default: that of the nesting), `dtype` (default f32 for numbers), `requiresGrad`
 * @returns a copy, owned by the open scope or the caller
 * @throws ArgumentError on ragged nesting; ShapeError if the values do not fill the shape
 * @example
 * const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
 */
export function tensor(values: NestedArray | TypedArray, options: CreationOptions & { shape?: Shape } = {}): Tensor {
  const out = tensorFrom(values, options.shape, options.dtype);
  return options.requiresGrad ? out.requireGrad() : out;
}

/**
 * A tensor of zeros.
 * @returns [...shape], owned by the open scope or the caller
 * @throws ShapeError on extents that are not non-negative integers
 */
export function zeros(shape: Shape, options: CreationOptions = {}): Tensor {
  return full(shape, 0, options);
}

/**
 * A tensor of ones.
 * @returns [...shape], owned by the open scope or the caller
 * @throws ShapeError on extents that are not non-negative integers
 */
export function ones(shape: Shape, options: CreationOptions = {}): Tensor {
  return full(shape, 1, options);
}

/**
 * A tensor of one repeated value.
 * @returns [...shape], owned by the open scope or the caller
 * @throws ShapeError on extents that are not non-negative integers
 */
export function full(shape: Shape, value: number, options: CreationOptions = {}): Tensor {
  return made(NDArray.full(shape, value, options.dtype ?? "f32"), options);
}

/**
 * Equally spaced numbers start, start + step, … below stop (above it for a negative step), each computed in f64 as start + k·step.
 *
 * @param start first number; with one argument it is `stop`, counting from 0
 * @param step default 1
 * @returns [⌈(stop − start)/step⌉]
 * @throws ArgumentError if step is 0 or a number is not finite
 * @example
 * arange(3); // [0. 1. 2.]
 */
export function arange(start: number, stop?: number, step = 1, options: CreationOptions = {}): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0 || ![from, to, step].every(Number.isFinite)) {
    throw new ArgumentError({
      op: "arange",
      what: "bad range",
      expected: "finite start and stop, step ≠ 0",
      got: `${from}, ${to}, ${step}`,
    });
  }
  const count = Math.max(0, Math.ceil((to - from) / step));
  return made(
    NDArray.from(
      Array.from({ length: count }, (_, k) => from + k * step),
      [count],
      options.dtype ?? "f32",
    ),
    options,
  );
}

/**
 * `count` equally spaced numbers from start to stop, both included: start + k·(stop − start)/(count − 1), in f64.
 *
 * @param count default 50
 * @returns [count]
 * @throws ArgumentError if count is not an integer ≥ 0
 */
export function linspace(start: number, stop: number, count = 50, options: CreationOptions = {}): Tensor {
  if (!Number.isInteger(count) || count < 0) {
    throw new ArgumentError({ op: "linspace", what: "bad count", expected: "an integer ≥ 0", got: `${count}` });
  }
  const at = (k: number): number => (k === count - 1 && k > 0 ? stop : start + (k * (stop - start)) / (count - 1 || 1));
  return made(
    NDArray.from(
      Array.from({ length: count }, (_, k) => at(k)),
      [count],
      options.dtype ?? "f32",
    ),
    options,
  );
}

/**
 * Ones on the diagonal, zeros elsewhere.
 * @param columns default: as many as rows
 * @returns [rows, columns]
 */
export function eye(rows: number, columns: number = rows, options: CreationOptions = {}): Tensor {
  const out = NDArray.zeros([rows, columns], options.dtype ?? "f32");
  const view = out.view();
  for (let i = 0; i < Math.min(rows, columns); i++) view[i * columns + i] = 1;
  return made(out, options);
}

function random(op: string, shape: Shape, options: RandomOptions, fill: (rng: Rng, to: Float32Array) => void): Tensor {
  const dtype = options.dtype ?? "f32";
  if (!isFloat(dtype)) {
    throw new ArgumentError({ op, what: "type", expected: "f32 or f64", got: dtype });
  }
  const out = NDArray.empty(shape, dtype);
  fill(options.rng ?? defaultRng(), out.view() as Float32Array);
  return made(out, options);
}

/**
 * Independent uniform numbers on [0, 1).
 * @returns [...shape], the same for the same seed on every machine
 * @throws ArgumentError for an integer type
 */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  return random("rand", shape, options, (rng, to) => rng.fillUniform(to, 0, 1));
}

/**
 * Independent standard normal numbers, N(0, 1).
 * @returns [...shape], the same for the same seed on every machine
 * @throws ArgumentError for an integer type
 */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  return random("randn", shape, options, (rng, to) => rng.fillNormal(to, 0, 1));
}
