/** @file Examples of any supervised task: inputs and targets as arrays of any shape, one example a row. */
import { Variable } from "../autograd/graph.js";
import {
  above,
  atLeast,
  check,
  checkOptions,
  describe,
  integer,
  list,
  listOf,
  nullable,
  refuse,
  text,
} from "../core/checks.js";
import type { DType } from "../core/dtype.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { NDArray } from "../ndarray/ndarray.js";
import { realValues } from "../nn/state.js";

/** Elements that examples may have. */
export type ExampleData = Float32Array | Float64Array | Int32Array | Uint8Array;

/** Arrays of all examples: extents with the number of examples first. */
export interface ExampleArray {
  /** Extents, examples first. */
  readonly shape: Shape;
  /** Values, row by row. */
  readonly data: ExampleData;
  /**
   * Value of code 1, for bytes that are codes: quantized layers multiply them exactly. Default none: bytes are
   * integers.
   */
  readonly step?: number;
}

/** Nested lists of numbers. */
export type NumberLists = number | readonly NumberLists[];

/**
 * What inputs and targets may be given as: arrays, tensors, lists, or a typed array with one number for each example.
 */
export type ExampleValues = ExampleArray | Variable | NDArray | readonly NumberLists[] | ExampleData;

/** Examples as they are given. */
export interface ExampleFields {
  /** The network's input, [N, …]. */
  readonly x?: ExampleValues;
  /** The network's inputs, for one that takes several; instead of `x`. */
  readonly inputs?: readonly ExampleValues[];
  /** Targets, [N, …] or N numbers. */
  readonly y: ExampleValues;
  /** How much each example counts, ≥ 0. Default 1. */
  readonly weights?: ArrayLike<number>;
  /** Names of an input's last axis, and of the classes: carried along, for reports. */
  readonly names?: readonly string[];
  /** Names of the classes, if the targets are classes. */
  readonly classes?: readonly string[] | null;
  /** For messages. Default `examples`. */
  readonly name?: string;
}

/** Examples in memory. */
export interface ExampleDataset {
  /** Name in messages. */
  readonly name: string;
  /** Number of examples. */
  readonly count: number;
  /** One array for each input of the network, examples first. */
  readonly inputs: readonly ExampleArray[];
  /** What the network should say, examples first. */
  readonly targets: ExampleArray;
  /** Weight of each example in the loss, or null: all count the same. */
  readonly weights: Float32Array | null;
  /** Names of the inputs' columns, if they have any. */
  readonly names?: readonly string[];
  /** Names of the classes, if the targets are classes. */
  readonly classes?: readonly string[] | null;
}

const typeOf = (data: ExampleData): DType => {
  const kind = kindOf(data);
  return kind === "Int32Array" ? "i32" : kind === "Uint8Array" ? "u8" : kind === "Float64Array" ? "f64" : "f32";
};

/** Values as an array of the library in the open scope. */
export function toNDArray({ shape, data, step }: ExampleArray): NDArray {
  return NDArray.from(data, shape, typeOf(data), step ?? null);
}

const WANTED = "a tensor, { shape, data }, nested lists, or a typed array of one number for each example";

/** Values in their one form; typed arrays are kept, not copied. @throws ArgumentError, ShapeError */
export function exampleArray(op: string, name: string, values: unknown): ExampleArray {
  const array = values instanceof Variable ? values.data : values;
  if (array instanceof NDArray) {
    if (array.coded) return { shape: array.shape, data: array.view().slice() as Uint8Array, step: array.step ?? 1 };
    return { shape: array.shape, data: array.toTypedArray() as ExampleData };
  }
  const kind = kindOf(array);
  if (kind !== null) {
    if (!/^(Float(32|64)|Int32|Uint8)Array$/.test(kind)) refuse(op, name, WANTED, values);
    return { shape: [(array as ExampleData).length], data: array as ExampleData };
  }
  const { shape, data, step } = (array ?? {}) as Partial<ExampleArray>;
  if (kindOf(data) !== null) {
    const own = exampleArray(op, `${name}.data`, data).data;
    check(op, `${name}.shape`, shape, listOf(integer(0)));
    const size = (shape as Shape).reduce((product, extent) => product * extent, 1);
    if (size !== own.length) {
      throw new ShapeError({
        op,
        what: `bad ${name}`,
        expected: `${size} numbers for ${shapeText(shape as Shape)}`,
        got: `${own.length}`,
      });
    }
    if (step !== undefined) {
      check(op, `${name}.step`, step, above(0));
      if (typeOf(own) !== "u8") refuse(op, `${name}.step`, "no step: only bytes are codes", step);
    }
    return { shape: shape as Shape, data: own, ...(step !== undefined && { step }) };
  }
  if (list(array) !== null) refuse(op, name, WANTED, values);
  const nested = realValues(array);
  if (typeof nested === "string") return refuse(op, name, WANTED, nested);
  return { shape: nested.shape, data: Float32Array.from(nested.read()) };
}

/**
 * Examples from arrays.
 *
 * @param fields inputs `x` [N, …] (or several, as `inputs`), targets `y` [N, …], `weights` [N]; real numbers become f32
 * @returns a data set that `fit`, `evaluate` and {@link ExampleLoader} read
 * @throws ArgumentError on what is no array, on weights that are negative or all 0, and on both or none of `x` and
 *   `inputs`; ShapeError if the numbers of examples differ
 * @example
 * const data = exampleDataset({ x: { shape: [100, 3], data: features }, y: prices });
 */
export function exampleDataset(fields: ExampleFields): ExampleDataset {
  const op = "exampleDataset";
  const anyRule = () => null;
  const names = nullable(listOf(text));
  checkOptions<ExampleFields>(
    op,
    fields,
    { x: anyRule, inputs: list, y: anyRule, weights: anyRule, names, classes: names, name: text },
    ["y"],
  );
  const { x, inputs = x === undefined ? [] : [x], name = "examples" } = fields;
  if ((x === undefined) === (fields.inputs === undefined) || inputs.length === 0) {
    refuse(op, "inputs", "x, or inputs: [one, another]", x === undefined ? fields.inputs : "both");
  }
  const arrays = inputs.map((values, i) => real32(exampleArray(op, inputs.length > 1 ? `inputs[${i}]` : "x", values)));
  const targets = real32(exampleArray(op, "y", fields.y));
  const count = arrays[0].shape[0];
  for (const [i, { shape }] of [...arrays, targets].entries()) {
    if (shape.length === 0 || shape[0] !== count) {
      throw new ShapeError({
        op,
        what: `${i === arrays.length ? "targets" : `input ${i}`} of another number of examples`,
        expected: `${count}`,
        got: shapeText(shape),
      });
    }
  }
  if (!(count > 0)) refuse(op, "examples", "at least one", shapeText(arrays[0].shape));
  const told = { ...(fields.names && { names: fields.names }), ...(fields.classes && { classes: fields.classes }) };
  return { name, count, inputs: arrays, targets, weights: weightsOf(op, fields.weights, count), ...told };
}

/** f64 as f32: what layers have; single numbers stay [N]. */
function real32(array: ExampleArray): ExampleArray {
  return kindOf(array.data) === "Float64Array" ? { ...array, data: Float32Array.from(array.data) } : array;
}

function weightsOf(op: string, weights: ArrayLike<number> | undefined, count: number): Float32Array | null {
  if (weights === undefined) return null;
  const values =
    kindOf(weights) !== null || Array.isArray(weights)
      ? Array.from(weights)
      : refuse(op, "weights", "a list of numbers", weights);
  check(op, "weights", values, listOf(atLeast(0), count));
  if (!values.some((value) => value > 0)) refuse(op, "weights", "one above 0", "zeros");
  return Float32Array.from(values);
}

/** True for {@link ExampleDataset}. */
export function isExampleDataset(data: unknown): data is ExampleDataset {
  const { inputs, targets, count } = (data ?? {}) as Partial<ExampleDataset>;
  return Array.isArray(inputs) && typeof targets === "object" && typeof count === "number";
}

/** Some examples, in order; plain arrays, which the receiver owns. */
export interface ExampleBatch {
  /** One array for each input of the network, examples first. */
  readonly inputs: readonly ExampleArray[];
  /** What the network should say, examples first. */
  readonly targets: ExampleArray;
  /** Weight of each example in the loss, or null: all count the same. */
  readonly weights: Float32Array | null;
  /** Number of examples. */
  readonly count: number;
  /** The epoch, counted from 0. */
  readonly epoch: number;
  /** The batch within the epoch, counted from 0. */
  readonly index: number;
}

/** Rows of an array, copied. */
export function rowsOf({ shape, data, ...rest }: ExampleArray, indices: ArrayLike<number>): ExampleArray {
  const size = data.length / shape[0];
  const rows = new (data.constructor as new (length: number) => ExampleData)(indices.length * size);
  for (let k = 0; k < indices.length; k++)
    rows.set(data.subarray(indices[k] * size, (indices[k] + 1) * size), k * size);
  return { ...rest, shape: [indices.length, ...shape.slice(1)], data: rows };
}

/**
 * Some examples of a data set, copied.
 *
 * @param which their indices, in order
 * @throws ArgumentError on an index out of range, or none
 */
export function exampleSubset(dataset: ExampleDataset, which: ArrayLike<number>): ExampleDataset {
  if (!isExampleDataset(dataset)) refuse("exampleSubset", "data set", "what exampleDataset gives", dataset);
  if (kindOf(which) === null && list(which) !== null) refuse("exampleSubset", "choice", "a list of indices", which);
  if (which.length === 0) refuse("exampleSubset", "choice", "at least one index", "none");
  for (let k = 0; k < which.length; k++) {
    const n = which[k];
    if (Number.isInteger(n) && n >= 0 && n < dataset.count) continue;
    const expected = `0 to ${dataset.count - 1}`;
    throw new ArgumentError({ op: "exampleSubset", what: "index out of range", expected, got: describe(n) });
  }
  return {
    ...dataset,
    count: which.length,
    inputs: dataset.inputs.map((array) => rowsOf(array, which)),
    targets: rowsOf(dataset.targets, which),
    weights:
      dataset.weights === null
        ? null
        : Float32Array.from({ length: which.length }, (_, k) => (dataset.weights as Float32Array)[which[k]]),
  };
}
