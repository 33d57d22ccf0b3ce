/**
 * @file Operators on constants alone, computed while a file is read: exporters that do not fold leave reshaped and
 * transposed weights, scales of scales, and arithmetic of extents in the graph.
 */
import { exp, log, pow } from "../core/math.js";
import { shapeText, sizeOf } from "../core/shape.js";
import { axesOf, frontAxes, sliceRanges, squeezedShape, unsqueezedShape } from "./axes.js";
import type { GraphNode } from "./graph.js";
import type { Importing } from "./importing.js";
import { ELEMENT, elementName } from "./schema.js";
import { type Constant, isReal, readTensor } from "./tensor.js";

/** Elements that all folded constants of a file may have together. */
const MAX_FOLDED = 2 ** 28;

type Values = Pick<Constant, "shape" | "type" | "data">;
type Fold = (node: GraphNode, inputs: readonly (Constant | undefined)[], importing: Importing) => Values;

function filled(type: Constant["type"], shape: readonly number[], at: (i: number) => number): Values {
  const count = sizeOf(shape);
  const data = type === "float" ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) data[i] = at(i);
  return { shape, type, data };
}

/** Elements between neighbours of each axis, row by row. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** The elements of `shape` taken from `data` at `start + Σ index·step`. */
function strided(from: Values, shape: readonly number[], steps: readonly number[], start = 0): Values {
  const own = stridesOf(shape);
  return filled(from.type, shape, (i) => {
    let at = start;
    for (let axis = 0, rest = i; axis < shape.length; axis++) {
      at += Math.floor(rest / own[axis]) * steps[axis];
      rest %= own[axis];
    }
    return from.data[at];
  });
}

const first = (inputs: readonly (Constant | undefined)[]): Constant => inputs[0] as Constant;

const FUNCTIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Pow: pow,
};

/** Two constants combined, broadcast against each other. Quotients of integers are cut towards zero. */
function combined(node: GraphNode, a: Values, b: Values, importing: Importing): Values {
  if (a.type !== b.type) importing.refuse(node, "constants", "one type", `${a.type} and ${b.type}`);
  const rank = Math.max(a.shape.length, b.shape.length);
  const padded = [a, b].map(({ shape }) => [...new Array<number>(rank - shape.length).fill(1), ...shape]);
  const shape = padded[0].map((extent, axis) => {
    const other = padded[1][axis];
    if (extent !== other && extent !== 1 && other !== 1) {
      importing.refuse(node, "constants", "shapes that go together", `${shapeText(a.shape)} and ${shapeText(b.shape)}`);
    }
    return extent === 1 ? other : extent;
  });
  importing.checkFolded(node, shape, MAX_FOLDED);
  const [x, y] = [a, b].map((value, i) => {
    const strides = stridesOf(padded[i]);
    return strided(
      value,
      shape,
      strides.map((stride, axis) => (padded[i][axis] === 1 ? 0 : stride)),
    ).data;
  });
  const fn = FUNCTIONS[node.op];
  const whole = a.type === "integer";
  return filled(a.type, shape, (i) => {
    const value = fn(x[i], y[i]);
    if (!whole) return value;
    const cut = Math.trunc(value);
    return Number.isSafeInteger(cut) ? cut : importing.refuse(node, "a result", "an integer below 2^53", `${value}`);
  });
}

const arithmetic: Fold = (node, inputs, importing) =>
  (inputs as readonly Constant[]).slice(1).reduce<Values>((a, b) => combined(node, a, b, importing), first(inputs));

const unary =
  (fn: (value: number) => number): Fold =>
  (_, inputs) => {
    const { shape, type, data } = first(inputs);
    return filled(type, shape, (i) => fn(data[i]));
  };

const reshaped = (x: Values, shape: readonly number[]): Values => ({ ...x, shape });

/** One number, the node's `value`, in a shape. */
export function filledConstant(node: GraphNode, shape: readonly number[], importing: Importing): Values {
  if (!shape.every((extent) => extent >= 0)) importing.refuse(node, "shape", "extents of at least 0", `[${shape}]`);
  importing.checkFolded(node, shape, MAX_FOLDED);
  const tensor = node.attributes.tensor("value");
  const value = tensor === undefined ? null : readTensor(tensor, node.where, importing.graph.external);
  return filled(value?.type ?? "float", shape, () => value?.data[0] ?? 0);
}

/** The folds by operator. */
const FOLDS: Readonly<Record<string, Fold>> = {
  Identity: (_, inputs) => first(inputs),
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Max: arithmetic,
  Min: arithmetic,
  Pow: arithmetic,
  Exp: unary(exp),
  Log: unary(log),
  Neg: unary((value) => -value),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((value) => 1 / value),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),

  Cast(node, inputs, importing) {
    const { shape, type, data } = first(inputs);
    const to = node.attributes.int("to", 0);
    node.attributes.int("saturate", 1);
    if (isReal(to)) return filled("float", shape, (i) => data[i]);
    if (to === ELEMENT.BOOL) return filled("integer", shape, (i) => (data[i] === 0 ? 0 : 1));
    if (to !== ELEMENT.INT64 && to !== ELEMENT.INT32 && type === "float") {
      importing.refuse(node, "attribute to", "a real type, INT64, INT32 or BOOL", elementName(to));
    }
    return filled("integer", shape, (i) => Math.trunc(data[i]));
  },

  Reshape(node, inputs, importing) {
    const x = first(inputs);
    const zeros = node.attributes.int("allowzero", 0) === 0;
    const asked = Array.from(importing.constant(node, 1).data);
    const extents = asked.map((extent, i) => (extent === 0 && zeros ? (x.shape[i] ?? 0) : extent));
    const known = extents.reduce((all, extent) => all * (extent === -1 ? 1 : extent), 1);
    const shape = extents.map((extent) => (extent === -1 ? x.data.length / known : extent));
    const good = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
    if (!good || sizeOf(shape) !== x.data.length) {
      importing.refuse(node, "reshape", `${x.data.length} elements`, `[${asked}]`);
    }
    return reshaped(x, shape);
  },

  Flatten(node, inputs) {
    const x = first(inputs);
    const given = node.attributes.int("axis", 1);
    const axis = given < 0 ? given + x.shape.length : given;
    return reshaped(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
  },

  Squeeze(node, inputs, importing) {
    const x = first(inputs);
    return reshaped(x, squeezedShape(node, importing, x.shape, axesOf(node, importing, 1, 13)));
  },

  Unsqueeze(node, inputs, importing) {
    const x = first(inputs);
    return reshaped(x, unsqueezedShape(node, importing, x.shape, axesOf(node, importing, 1, 13) ?? []));
  },

  Transpose(node, inputs, importing) {
    const x = first(inputs);
    const reversed = x.shape.map((_, axis) => x.shape.length - 1 - axis);
    const perm = frontAxes(node, importing, node.attributes.ints("perm") ?? reversed, x.shape.length);
    if (perm.length !== x.shape.length) importing.refuse(node, "attribute perm", `${x.shape.length} axes`, `[${perm}]`);
    const strides = stridesOf(x.shape);
    return strided(
      x,
      perm.map((axis) => x.shape[axis]),
      perm.map((axis) => strides[axis]),
    );
  },

  Concat(node, inputs, importing) {
    const parts = inputs as readonly Constant[];
    const [{ shape, type }] = parts;
    const [axis] = frontAxes(node, importing, [node.attributes.int("axis", 0)], shape.length);
    const others = (list: readonly number[]): string => `${list.length}: ${list.filter((_, i) => i !== axis)}`;
    if (parts.some((part) => part.type !== type || others(part.shape) !== others(shape))) {
      importing.refuse(
        node,
        "constants",
        "shapes that go together",
        parts.map((part) => shapeText(part.shape)).join(", "),
      );
    }
    const whole = shape.map((extent, i) =>
      i === axis ? parts.reduce((sum, part) => sum + part.shape[axis], 0) : extent,
    );
    importing.checkFolded(node, whole, MAX_FOLDED);
    const inner = sizeOf(shape.slice(axis + 1));
    const data = type === "float" ? new Float32Array(sizeOf(whole)) : new Float64Array(sizeOf(whole));
    let at = 0;
    for (let outer = 0; outer < sizeOf(shape.slice(0, axis)); outer++) {
      for (const part of parts) {
        const run = part.shape[axis] * inner;
        data.set(part.data.subarray(outer * run, (outer + 1) * run), at);
        at += run;
      }
    }
    return { shape: whole, type, data };
  },

  Gather(node, inputs, importing) {
    const x = first(inputs);
    const { data: indices, shape: among } = importing.constant(node, 1);
    const [axis] = frontAxes(node, importing, [node.attributes.int("axis", 0)], x.shape.length);
    const extent = x.shape[axis];
    const found = Array.from(indices, (at) => (at < 0 ? at + extent : at));
    if (found.some((at) => !(at >= 0 && at < extent))) {
      importing.refuse(node, "indices", `integers below ${extent}`, `[${indices.slice(0, 8)}]`);
    }
    const shape = [...x.shape.slice(0, axis), ...among, ...x.shape.slice(axis + 1)];
    importing.checkFolded(node, shape, MAX_FOLDED);
    const inner = sizeOf(x.shape.slice(axis + 1));
    return filled(x.type, shape, (i) => {
      const row = Math.floor(i / inner);
      const outer = Math.floor(row / found.length);
      return x.data[(outer * extent + found[row % found.length]) * inner + (i % inner)];
    });
  },

  Slice(node, inputs, importing) {
    const x = first(inputs);
    const ranges = sliceRanges(node, importing, x.shape);
    const strides = stridesOf(x.shape);
    const start = ranges.reduce((sum, range, axis) => sum + range.start * strides[axis], 0);
    return strided(
      x,
      ranges.map(({ count }) => count),
      ranges.map(({ step }, axis) => step * strides[axis]),
      start,
    );
  },

  Shape(node, inputs) {
    const { shape } = first(inputs);
    const list = shape.slice(node.attributes.int("start", 0), node.attributes.int("end", shape.length));
    return filled("integer", [list.length], (i) => list[i]);
  },

  ConstantOfShape(node, inputs, importing) {
    return filledConstant(node, Array.from(first(inputs).data), importing);
  },

  /** (x − zero point)·scale, for the whole or along an axis: weights of files with 8 bits. */
  DequantizeLinear(node, inputs, importing) {
    const x = first(inputs);
    const scale = importing.reals(node, 1);
    const zero = inputs[2];
    const given = node.attributes.int("axis", 1);
    node.attributes.fixed("block_size", 0);
    if (scale.data.length !== 1 || scale.shape.length > 0) {
      if (scale.shape.length !== 1)
        importing.refuse(node, "input 1", "one scale, or one per index", shapeText(scale.shape));
    }
    const one = scale.data.length === 1;
    const axis = one ? 0 : frontAxes(node, importing, [given], x.shape.length)[0];
    if ((!one && scale.data.length !== x.shape[axis]) || (zero && zero.data.length !== scale.data.length)) {
      importing.refuse(
        node,
        "scales and zero points",
        `${x.shape[axis]}, as many as axis ${axis} has`,
        `${scale.data.length}`,
      );
    }
    const inner = one ? Infinity : sizeOf(x.shape.slice(axis + 1));
    return filled("float", x.shape, (i) => {
      const at = Math.floor(i / inner) % scale.data.length;
      return Math.fround(x.data[i] - (zero?.data[at] ?? 0)) * scale.data[at];
    });
  },
};

/** Inputs that each fold takes: least and most. */
const ARITY: Readonly<Record<string, readonly [number, number]>> = {
  Add: [2, 2],
  Sub: [2, 2],
  Mul: [2, 2],
  Div: [2, 2],
  Pow: [2, 2],
  Max: [1, 1000],
  Min: [1, 1000],
  Concat: [1, 100_000],
  Reshape: [2, 2],
  Gather: [2, 2],
  Squeeze: [1, 2],
  Unsqueeze: [1, 2],
  Slice: [1, 5],
  DequantizeLinear: [2, 3],
};

/** Operators that are computed while a file is read, if what they read is constant. */
export const FOLDED_OPERATORS: readonly string[] = Object.keys(FOLDS);

/**
 * Computes a node that reads constants alone.
 * @returns false if it reads anything else, or has no fold
 */
export function fold(node: GraphNode, importing: Importing): boolean {
  const given = node.inputs.map((name, i) => (name === "" ? undefined : importing.isConstant(node, i)));
  if (!Object.hasOwn(FOLDS, node.op) || given[0] !== true || given.includes(false)) return false;
  importing.arity(node, ...(ARITY[node.op] ?? ([1, 1] as const)));
  const inputs = node.inputs.map((name, i) => (name === "" ? undefined : importing.constant(node, i)));
  if (inputs.slice(0, ARITY[node.op]?.[0] ?? 1).includes(undefined))
    importing.refuse(node, "inputs", "none left out", "one");
  const { shape, type, data } = FOLDS[node.op](node, inputs, importing);
  importing.countFolded(node, data === inputs[0]?.data ? 0 : data.length, MAX_FOLDED);
  // A reshaped weight keeps its name, as layers are called after it.
  importing.setConstant(node.outputs[0], { name: inputs[0]?.name ?? "", shape, type, data });
  return true;
}
