/**
 * @file Import of operators without weights: activations, pools, sums, constants per channel, softmax, concatenation.
 */
import { shapeText } from "../core/shape.js";
import { ClippedReLU, Identity, ReLU, Sigmoid, Tanh } from "../nn/activation.js";
import { Dropout } from "../nn/dropout.js";
import type { Module } from "../nn/module.js";
import { AvgPool2d, Flatten, MaxPool2d } from "../nn/pool.js";
import { axesOf, frontAxes } from "./axes.js";
import type { GraphNode } from "./graph.js";
import { concatExtents } from "./import-extents.js";
import { importMeanOverTime, importPool1d } from "./import-sequence.js";
import { type Importing, onnxOrder, rows, stretchesOf, type Value } from "./importing.js";
import { Clip, WithConstant } from "./layers.js";
import { checkPool, readWindow, short, shortPadding } from "./windows.js";

/** An activation on each element. @param read reads the attributes and gives what makes the layer */
export function importUnary(
  read: (node: GraphNode, importing: Importing) => () => Module,
): (node: GraphNode, importing: Importing) => void {
  return (node, importing) => {
    importing.arity(node, 1, 1);
    const x = importing.input(node);
    importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, read(node, importing));
  };
}

/** max(x, 0); with a Min, or a Clip, of one number that alone reads it, a clipped ReLU. */
export function importRelu(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const x = importing.input(node);
  bounded(node, importing, x, { lo: 0, hi: Infinity });
}
export const importSigmoid = importUnary(() => () => new Sigmoid());
export const importTanh = importUnary(() => () => new Tanh());

/**
 * Clip between numbers: attributes before opset 11, inputs since. From 0 upwards it is a (clipped) ReLU, which
 * `prepare` quantizes.
 */
export function importClip(node: GraphNode, importing: Importing): void {
  const inputs = importing.graph.opset >= 11;
  importing.arity(node, 1, inputs ? 3 : 1);
  const x = importing.input(node);
  const bound = (i: number, name: string, otherwise: number): number => {
    if (!inputs) return node.attributes.float(name, otherwise);
    const constant = (node.inputs[i] ?? "") === "" ? undefined : importing.constant(node, i);
    if (constant === undefined) return otherwise;
    if (constant.data.length !== 1) importing.refuse(node, `input ${i}`, "one number", shapeText(constant.shape));
    return constant.data[0];
  };
  const [lo, hi] = [bound(1, "min", -Infinity), bound(2, "max", Infinity)];
  if (!(lo <= hi)) importing.refuse(node, "bounds", "min of at most max", `${lo} and ${hi}`);
  bounded(node, importing, x, { lo, hi });
}

/** Max or Min of a value and one number, several of them as one Clip. */
export function importBound(node: GraphNode, importing: Importing): void {
  const bound = boundOf(node, importing);
  if (bound === null)
    importing.refuse(node, "inputs", "a computed value and one number", `[${node.inputs.join(", ")}]`);
  importing.arity(node, 2, 2);
  bounded(node, importing, importing.input(node, bound.side), bound);
}

interface Bounds {
  readonly lo: number;
  readonly hi: number;
}

/** What a Max or Min with one number bounds, and which input it bounds; null if it is something else. */
function boundOf(node: GraphNode, importing: Importing): (Bounds & { side: number }) | null {
  if ((node.op !== "Max" && node.op !== "Min") || node.inputs.length !== 2) return null;
  const at = importing.isConstant(node, 0) ? 0 : 1;
  if (!importing.isConstant(node, at)) return null;
  const { data, shape } = importing.reals(node, at);
  if (data.length !== 1 || shape.length > 1) return null;
  return node.op === "Max" ? { lo: data[0], hi: Infinity, side: 1 - at } : { lo: -Infinity, hi: data[0], side: 1 - at };
}

/** A value between bounds, together with those that a Max or Min behind it adds. */
function bounded(node: GraphNode, importing: Importing, x: Value, first: Bounds): void {
  let { lo, hi } = first;
  let last = node;
  for (;;) {
    const next = importing.onlyReader(last.outputs[0]);
    const more = next === undefined ? null : boundOf(next, importing);
    const both = more && { lo: Math.max(lo, more.lo), hi: Math.min(hi, more.hi) };
    // Bounds that cross make a constant of a value, whichever comes last.
    if (next === undefined || both === null || both.lo > both.hi) break;
    importing.arity(next, 2, 2);
    next.attributes.finish();
    importing.done.add(next);
    ({ lo, hi } = both);
    last = next;
  }
  // Exporters write "no bound" as the largest f32 number too.
  const open = (value: number): boolean => Math.abs(value) >= 3.4e38;
  const value = importing.inner(node, importing.keyOfPath(node), x.slot, { ...x }, () => {
    if (open(lo) && open(hi)) return new Identity();
    if (lo === 0 && hi > 0) return open(hi) ? new ReLU() : new ClippedReLU(hi);
    return new Clip(lo, hi);
  });
  importing.set(last.outputs[0], value);
}

/** Max and average pools, and those over whole images. */
export function importPool(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const { attributes } = node;
  const given = importing.input(node);
  if (given.layout === "sequence") {
    importPool1d(node, importing, given);
    return;
  }
  const x = importing.image(node);
  const [channels, h, w] = x.shape;
  const wanted = importing.keyOfPath(node);
  const info = (extents: readonly number[]) =>
    ({ shape: [channels, ...extents], layout: "image", stretches: null }) as const;
  if (node.op.startsWith("Global")) {
    const make = () => (node.op === "GlobalMaxPool" ? new MaxPool2d([h, w]) : new AvgPool2d([h, w]));
    importing.layer(node, wanted, x.slot, info([1, 1]), make);
    return;
  }
  const countIncludePad = node.op === "AveragePool" && attributes.int("count_include_pad", 0) !== 0;
  if (node.op === "MaxPool") attributes.fixed("storage_order", 0);
  const window = readWindow(node, importing, [h, w]);
  checkPool(node, importing, window);
  if (countIncludePad && window.beyond) {
    importing.refuse(node, "count_include_pad", "windows inside the padded image", "ceil_mode that reaches beyond it");
  }
  const kernel = short(window.kernel);
  const options = { stride: short(window.stride), padding: shortPadding(window) };
  importing.layer(node, wanted, x.slot, info(window.out), () =>
    node.op === "MaxPool" ? new MaxPool2d(kernel, options) : new AvgPool2d(kernel, { ...options, countIncludePad }),
  );
  if (node.op === "MaxPool") importing.moved(x);
}

/** Axes of rows and columns in ONNX, by layout. */
const PIXEL_AXES: Readonly<Record<Value["layout"], readonly number[]>> = {
  image: [2, 3],
  last: [1, 2],
  lines: [2],
  plane: [],
  rows: [],
  sequence: [2],
};

/** Mean over rows, columns or both: a pool over them. */
export function importReduceMean(node: GraphNode, importing: Importing): void {
  const inputs = importing.graph.opset >= 18;
  importing.arity(node, 1, inputs ? 2 : 1);
  const { attributes } = node;
  const x = importing.input(node);
  const pixels = PIXEL_AXES[x.layout];
  if (pixels.length === 0) importing.image(node);
  attributes.fixed("noop_with_empty_axes", 0);
  const given = axesOf(node, importing, 1, 18);
  const axes = frontAxes(node, importing, given ?? [], x.shape.length + 1);
  if (axes.length === 0 || axes.some((axis) => !pixels.includes(axis))) {
    importing.refuse(node, "axes", `rows and columns, [${pixels}]`, `[${given ?? "all"}]`);
  }
  const wanted = importing.keyOfPath(node);
  const keep = attributes.int("keepdims", 1) !== 0;
  if (x.layout === "sequence") {
    importMeanOverTime(node, importing, x, keep);
    return;
  }
  const [h, w] = x.grid ?? pixels.map((axis) => x.shape[axis - 1]);
  const whole = axes.length === pixels.length;
  const kernel: [number, number] = [whole || axes[0] === pixels[0] ? h : 1, whole || axes[0] === pixels[1] ? w : 1];
  const pool = () => new AvgPool2d(kernel);
  const kept = x.shape.map((extent, i) => (axes.includes(i + 1) ? 1 : extent));
  const channels = x.layout === "last" ? x.shape[2] : x.shape[0];
  const grid: [number, number] = [h / kernel[0], w / kernel[1]];
  if (keep) {
    const info = { ...x, shape: kept, ...(x.layout === "lines" && { grid }) };
    importing.layer(node, wanted, x.slot, info, pool);
    return;
  }
  if (!whole) {
    if (x.layout === "last") importing.refuse(node, "attribute keepdims", "1 for one axis of channels last", "0");
    const shape = [channels, grid[0] * grid[1]];
    importing.layer(node, wanted, x.slot, { shape, layout: "lines", stretches: null, grid }, pool);
    return;
  }
  const pooled = { shape: [channels, 1, 1], layout: "image", stretches: null } as const;
  const { slot } = importing.inner(node, wanted, x.slot, pooled, pool);
  importing.layer(node, "flatten", slot, rows(channels), () => new Flatten());
}

const FUNCTIONS = { Add: "add", Sub: "sub", Mul: "mul", Div: "div" } as const;

/** The sum of two values of one shape. */
function sum(node: GraphNode, importing: Importing, first: Value, second: Value): Value {
  let [a, b] = [first, second];
  const grids = `${a.grid}` === `${b.grid}`;
  if (shapeText(a.shape) !== shapeText(b.shape) || a.layout !== b.layout || !grids) {
    importing.refuse(node, "two computed values", "a sum of two of one shape", `[N,${a.shape}] and [N,${b.shape}]`);
  }
  if (JSON.stringify(a.stretches) !== JSON.stringify(b.stretches)) {
    [a, b] = [importing.restored(node, a), importing.restored(node, b)];
  }
  return importing.combined(node, { kind: "add", inputs: [a.slot, b.slot] }, { ...a });
}

/** −x, exactly. */
function negative(node: GraphNode, importing: Importing, x: Value): Value {
  const wanted = `${importing.keyOfPath(node)}.negative`;
  return importing.inner(node, wanted, x.slot, { ...x }, () => new WithConstant("mul", Float32Array.of(-1)));
}

/** The sum of any number of values, one after the other. */
export function importSum(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1000);
  const values = node.inputs.map((_, i) => importing.input(node, i));
  importing.set(
    node.outputs[0],
    values.reduce((a, b) => sum(node, importing, a, b)),
  );
}

/** Two values added or subtracted, or a value combined with a constant of one number or one per channel. */
export function importArithmetic(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const fn = FUNCTIONS[node.op as keyof typeof FUNCTIONS];
  if (!importing.isConstant(node, 0) && !importing.isConstant(node, 1)) {
    const [a, b] = [importing.input(node, 0), importing.input(node, 1)];
    if (fn !== "add" && fn !== "sub") {
      importing.refuse(node, "two computed values", "a sum of two of one shape", `[N,${a.shape}] and [N,${b.shape}]`);
    }
    importing.set(node.outputs[0], sum(node, importing, a, fn === "sub" ? negative(node, importing, b) : b));
    return;
  }
  const side = importing.isConstant(node, 0) ? 0 : 1;
  if (side === 0 && fn === "div") {
    importing.refuse(node, "a constant on the left", "a computed value there", "a constant");
  }
  let x = importing.input(node, 1 - side);
  const value = perChannel(node, importing, side, x);
  if (fn === "mul" && value.length === 1 && importing.scaleInput(x, value[0])) {
    importing.set(node.outputs[0], x);
    return;
  }
  // c − x is −x + c to the last bit.
  const turned = side === 0 && fn === "sub";
  if (turned) x = negative(node, importing, x);
  importing.layer(
    node,
    importing.keyOfPath(node),
    x.slot,
    { ...x },
    () => new WithConstant(turned ? "add" : fn, value),
  );
}

/** A constant as one number, or one for each channel of a value, in this library's order. */
export function perChannel(node: GraphNode, importing: Importing, i: number, x: Value): Float32Array {
  const { shape, data } = importing.reals(node, i);
  if (data.length === 1 && shape.length <= x.shape.length + 1) return data as Float32Array;
  const channels = x.layout === "last" ? x.shape[2] : x.shape[0];
  const suffix = {
    image: [channels, 1, 1],
    plane: [1, 1, 1],
    lines: [channels, 1],
    sequence: [channels, 1],
    last: [channels],
    rows: [channels],
  }[x.layout];
  const extra = shape.length - suffix.length;
  const lead = shape.slice(0, Math.max(0, extra));
  if (
    extra < 0 ||
    extra > x.shape.length + 1 - suffix.length ||
    `${shape.slice(extra)}` !== `${suffix}` ||
    lead.some((n) => n !== 1)
  ) {
    importing.refuse(node, `input ${i}`, `one number, or ${shapeText(suffix)}`, shapeText(shape));
  }
  if (x.stretches === null) return data as Float32Array;
  return Float32Array.from(onnxOrder(x.stretches), (from) => data[from]);
}

/** Values joined along the channels, or extents. */
export function importConcat(node: GraphNode, importing: Importing): void {
  if (concatExtents(node, importing)) return;
  importing.arity(node, 1, 1000);
  const values = node.inputs.map((_, i) => importing.input(node, i));
  const [first] = values;
  const rank = first.shape.length + 1;
  const given = node.attributes.int("axis", 1);
  const axis = given < 0 ? given + rank : given;
  const extents = ({ layout, shape, grid }: Value): string =>
    `${layout} ${layout === "rows" ? "" : shape.slice(1)} ${grid ?? ""}`;
  if (
    axis !== 1 ||
    first.layout === "last" ||
    first.layout === "plane" ||
    values.some((value) => extents(value) !== extents(first))
  ) {
    const got = `axis ${given} of ${values.map(({ shape }) => `[N,${shape}]`).join(", ")}`;
    importing.refuse(node, "concatenation", "axis 1 of images of one size, or of rows", got);
  }
  const channels = values.reduce((sum, { shape }) => sum + shape[0], 0);
  const info =
    first.layout === "rows"
      ? rows(channels, values.flatMap(stretchesOf))
      : { ...first, shape: [channels, ...first.shape.slice(1)] };
  const own = { rows: 1, sequence: 2 }[first.layout as string] ?? 3;
  importing.combine(node, { kind: "concat", inputs: values.map(({ slot }) => slot), axis: own }, info);
}

/** Dropout: a layer that drops in training and passes its input on otherwise. */
export function importDropout(node: GraphNode, importing: Importing): void {
  const inputs = importing.graph.opset >= 12;
  importing.arity(node, 1, inputs ? 3 : 1);
  const { attributes } = node;
  const x = importing.input(node);
  const number = (i: number, otherwise: number): number => {
    if ((node.inputs[i] ?? "") === "") return otherwise;
    const { data, shape } = importing.constant(node, i);
    return data.length === 1 ? data[0] : importing.refuse(node, `input ${i}`, "one number", shapeText(shape));
  };
  const p = inputs ? number(1, 0.5) : attributes.float("ratio", 0.5);
  if (inputs && number(2, 0) !== 0) importing.refuse(node, "training mode", "false", "true");
  if (inputs) attributes.int("seed", 0);
  if (!(p >= 0 && p < 1)) importing.refuse(node, "ratio", "a number in [0, 1)", `${p}`);
  importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, () => new Dropout(p));
}
