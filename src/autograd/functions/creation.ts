/** @file Creation of tensors. */
import {
  anything,
  check,
  checkOptions,
  describe,
  flag,
  instanceOf,
  integer,
  type OptionRules,
  real,
} from "../../core/checks.js";
import { checkDType, type DType, elementOf, isFloat, type TypedArray } from "../../core/dtype.js";
import { ArgumentError } from "../../core/errors.js";
import { Rng } from "../../core/rng.js";
import { checkShape, type Shape } from "../../core/shape.js";
import { kindOf } from "../../core/typed-arrays.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { flattened } from "../nesting.js";
import { defaultRng } from "../random.js";
import { type NestedArray, Tensor } from "../tensor.js";

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

/** The rule of `dtype` is {@link checkDType}, which says so in an error of its own. */
const CREATION: OptionRules<CreationOptions> = { dtype: anything, requiresGrad: flag };
const TENSOR: OptionRules<CreationOptions & { shape?: Shape }> = { ...CREATION, shape: anything };
const RANDOM: OptionRules<RandomOptions> = { ...CREATION, rng: instanceOf(Rng, "an Rng") };

/** The dtype of options that a maker knows. @throws ArgumentError, DTypeError */
function dtypeIn<Options extends CreationOptions>(op: string, options: Options, rules: OptionRules<Options>): DType {
  checkOptions(op, options, rules);
  const { dtype = "f32" } = options;
  checkDType(op, dtype);
  return dtype;
}

/** Asks for a gradient where it is wanted; a tensor that cannot have one is let go. */
function finish(tensor: Tensor, options: CreationOptions): Tensor {
  if (!options.requiresGrad) return tensor;
  try {
    return tensor.requireGrad();
  } catch (error) {
    tensor.dispose();
    throw error;
  }
}

function filled(op: string, shape: Shape, value: number, options: CreationOptions): Tensor {
  const dtype = dtypeIn(op, options, CREATION);
  checkShape(op, shape);
  return finish(new Tensor(NDArray.full(shape, value, dtype)), options);
}

/**
 * The tensor [count] of `at(0)`, `at(1)`, …: written where it lies, since a list of JavaScript's would take four times
 * the memory.
 */
function sequence(
  op: string,
  count: number,
  at: (k: number) => number,
  dtype: DType,
  options: CreationOptions,
): Tensor {
  checkShape(op, [count]);
  const out = NDArray.empty([count], dtype);
  try {
    const view = out.view();
    if (isFloat(dtype)) for (let k = 0; k < count; k++) view[k] = at(k);
    else for (let k = 0; k < count; k++) view[k] = elementOf(op, dtype, at(k), k);
  } catch (error) {
    out.dispose();
    throw error;
  }
  return finish(new Tensor(out), options);
}

/**
 * A tensor with given elements.
 *
 * @param values numbers nested as deep as the rank, or a typed array (flat), which also gives the default type
 * @param options `shape` (default: that of the nesting), `dtype` (default f32 for numbers), `requiresGrad`
 * @returns a copy, owned by the open scope or the caller
 * @throws ArgumentError on ragged nesting, elements that are no numbers and unknown options; DTypeError on an unknown
 * type; ShapeError if the values do not fill the shape
 * @example
 * const x = tensor([[1, 2], [3, 4]], { requiresGrad: true });
 */
export function tensor(values: NestedArray | TypedArray, options: CreationOptions & { shape?: Shape } = {}): Tensor {
  checkOptions("tensor", options, TENSOR);
  if (options.dtype !== undefined) checkDType("tensor", options.dtype);
  const { shape, dtype } = options;
  if (kindOf(values) !== null) {
    const array = values as TypedArray;
    return finish(new Tensor(NDArray.from(array, shape ?? [array.length], dtype)), options);
  }
  const { flat, extents } = flattened(values);
  return finish(new Tensor(NDArray.from(flat, shape ?? extents, dtype ?? "f32")), options);
}

/**
 * A tensor of zeros.
 * @returns [...shape], owned by the open scope or the caller
 * @throws ShapeError on extents that are not non-negative integers
 */
export function zeros(shape: Shape, options: CreationOptions = {}): Tensor {
  return filled("zeros", shape, 0, options);
}

/**
 * A tensor of ones.
 * @returns [...shape], owned by the open scope or the caller
 * @throws ShapeError on extents that are not non-negative integers
 */
export function ones(shape: Shape, options: CreationOptions = {}): Tensor {
  return filled("ones", shape, 1, options);
}

/**
 * A tensor of one repeated value.
 * @returns [...shape], owned by the open scope or the caller
 * @throws ShapeError on extents that are not non-negative integers
 */
export function full(shape: Shape, value: number, options: CreationOptions = {}): Tensor {
  return filled("full", shape, value, options);
}

/**
 * Equally spaced numbers start, start + step, … below stop (above it for a negative step), each computed in f64 as
 * start + k·step.
 *
 * @param start first number; with one argument it is `stop`, counting from 0
 * @param step default 1
 * @returns [⌈(stop − start)/step⌉]
 * @throws ArgumentError if step is 0 or a number is not finite; ShapeError or MemoryError, before anything is computed,
 * if there are too many
 * @example
 * arange(3); // [0. 1. 2.]
 */
export function arange(start: number, stop?: number, step = 1, options: CreationOptions = {}): Tensor {
  const dtype = dtypeIn("arange", options, CREATION);
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0 || ![from, to, step].every(Number.isFinite)) {
    throw new ArgumentError({
      op: "arange",
      what: "bad range",
      expected: "finite start and stop, step ≠ 0",
      got: [from, to, step].map(describe).join(", "),
    });
  }
  const count = Math.max(0, Math.ceil((to - from) / step));
  return sequence("arange", count, (k) => from + k * step, dtype, options);
}

/**
 * `count` equally spaced numbers from start to stop, both included: start + k·(stop − start)/(count − 1), in f64.
 *
 * @param count default 50
 * @returns [count]
 * @throws ArgumentError if count is not an integer ≥ 0 or an end not finite; ShapeError or MemoryError, before anything
 * is computed, if there are too many
 */
export function linspace(start: number, stop: number, count = 50, options: CreationOptions = {}): Tensor {
  const dtype = dtypeIn("linspace", options, CREATION);
  check("linspace", "start", start, real);
  check("linspace", "stop", stop, real);
  check("linspace", "count", count, integer(0));
  const [parts, reach] = [count - 1 || 1, (count - 1) * (stop - start)];
  // Ends that lie too far apart for a number: parts of each.
  const inner = Number.isFinite(reach)
    ? (k: number): number => start + (k * (stop - start)) / parts
    : (k: number): number => start * (1 - k / parts) + stop * (k / parts);
  const at = (k: number): number => (k === count - 1 && k > 0 ? stop : inner(k));
  return sequence("linspace", count, at, dtype, options);
}

/**
 * Ones on the diagonal, zeros elsewhere.
 * @param columns default: as many as rows
 * @returns [rows, columns]
 */
export function eye(rows: number, columns: number = rows, options: CreationOptions = {}): Tensor {
  const dtype = dtypeIn("eye", options, CREATION);
  checkShape("eye", [rows, columns]);
  const out = NDArray.zeros([rows, columns], dtype);
  const view = out.view();
  for (let i = 0; i < Math.min(rows, columns); i++) view[i * columns + i] = 1;
  return finish(new Tensor(out), options);
}

function random(op: string, shape: Shape, options: RandomOptions, fill: (rng: Rng, to: Float32Array) => void): Tensor {
  const dtype = dtypeIn(op, options, RANDOM);
  if (!isFloat(dtype)) {
    throw new ArgumentError({ op, what: "type", expected: "f32 or f64", got: dtype });
  }
  checkShape(op, shape);
  const out = NDArray.empty(shape, dtype);
  fill(options.rng ?? defaultRng(), out.view() as Float32Array);
  return finish(new Tensor(out), options);
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
