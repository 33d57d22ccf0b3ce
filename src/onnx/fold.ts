/**
 * @file Operators on constants alone, computed while a file is read: exporters that do not fold leave reshaped and
 * transposed weights, scales of scales, and arithmetic of extents in the graph.
 */
import { shapeText, sizeOf } from "../core/shape.js";
import type { GraphNode } from "./graph.js";
import type { Importing } from "./importing.js";
import { ELEMENT, elementName } from "./schema.js";
import { type Constant, isReal, readTensor } from "./tensor.js";

/** Elements that all folded constants of a file may have together. */
const MAX_FOLDED = 2 ** 27;

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

/** Axes from an input (`i`) where the operator set has them there, or from the attribute. */
export function axesOf(node: GraphNode, importing: Importing, i: number, since: number): readonly number[] | undefined {
  if (importing.graph.opset < since) return node.attributes.ints("axes");
  return (node.inputs[i] ?? "") === "" ? undefined : Array.from(importing.constant(node, i).data);
}

/** Axes counted from the front, each in range and once. */
export function frontAxes(node: GraphNode, importing: Importing, axes: readonly number[], rank: number): number[] {
  const found = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const good = found.every(
    (axis, i) => Number.isSafeInteger(axis) && axis >= 0 && axis < rank && found.indexOf(axis) === i,
  );
  return good ? found : importing.refuse(node, "axes", `integers from ${-rank} to ${rank - 1}, each once`, `[${axes}]`);
}

/** A shape without some of its axes, which must be 1. Without axes: without all that are 1. */
export function squeezedShape(
  node: GraphNode,
  importing: Importing,
  shape: readonly number[],
  axes: readonly number[] | undefined,
): number[] {
  const gone = axes && frontAxes(node, importing, axes, shape.length);
  if (gone?.some((axis) => shape[axis] !== 1)) {
    importing.refuse(node, "axes", "those of extent 1", `[${axes}] of ${shapeText(shape)}`);
  }
  return shape.filter((extent, axis) => (gone === undefined ? extent !== 1 : !gone.includes(axis)));
}

/** A shape with axes of extent 1 put in. */
export function unsqueezedShape(
  node: GraphNode,
  importing: Importing,
  shape: readonly number[],
  axes: readonly number[],
): number[] {
  const added = frontAxes(node, importing, axes, shape.length + axes.length);
  const rest = [...shape];
  return Array.from({ length: shape.length + axes.length }, (_, axis) =>
    added.includes(axis) ? 1 : (rest.shift() as number),
  );
}

/** Where a slice begins, how far it steps, and how many it takes, for each axis. */
export interface Range {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** The ranges of a Slice for values of some extents; those of open extents (NaN) must be whole. */
export function sliceRanges(node: GraphNode, importing: Importing, shape: readonly number[]): Range[] {
  const inputs = importing.graph.opset >= 10;
  const { attributes } = node;
  const list = (i: number, name: string): readonly number[] | undefined => {
    if (!inputs) return attributes.ints(name);
    if ((node.inputs[i] ?? "") === "") return undefined;
    return Array.from(importing.constant(node, i).data);
  };
  const starts = list(1, "starts") ?? [];
  const ends = list(2, "ends") ?? [];
  const axes = list(3, "axes") ?? starts.map((_, axis) => axis);
  const steps = (inputs ? list(4, "steps") : undefined) ?? starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length) || steps.includes(0)) {
    importing.refuse(
      node,
      "slice",
      "as many starts, ends, axes and steps (not 0)",
      `[${starts}], [${ends}], [${axes}], [${steps}]`,
    );
  }
  const ranges = shape.map((count): Range => ({ start: 0, step: 1, count }));
  for (const [i, axis] of frontAxes(node, importing, axes, shape.length).entries()) {
    const extent = shape[axis];
    const step = steps[i];
    if (Number.isNaN(extent)) {
      if (starts[i] === 0 && step === 1 && ends[i] >= 2 ** 31 - 1) continue;
      importing.refuse(node, "slice", "no part of the batch", `${starts[i]} to ${ends[i]}`);
    }
    const from = (at: number): number => (at < 0 ? at + extent : at);
    const clamp = (at: number, lo: number, hi: number): number => Math.min(Math.max(at, lo), hi);
    const start = step > 0 ? clamp(from(starts[i]), 0, extent) : clamp(from(starts[i]), -1, extent - 1);
    const end = step > 0 ? clamp(from(ends[i]), 0, extent) : clamp(from(ends[i]), -1, extent - 1);
    ranges[axis] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  }
  return ranges;
}

const FUNCTIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Pow: (a, b) => a ** b,
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
  Neg: unary((value) => -value),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((value) => 1 / value),
  Exp: unary(Math.exp),
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
    const shape = Array.from(first(inputs).data);
    if (!shape.every((extent) => extent >= 0)) importing.refuse(node, "shape", "extents of at least 0", `[${shape}]`);
    importing.checkFolded(node, shape, MAX_FOLDED);
    const tensor = node.attributes.tensor("value");
    const value = tensor === undefined ? null : readTensor(tensor, node.where, importing.graph.external);
    return filled(value?.type ?? "float", shape, () => value?.data[0] ?? 0);
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
