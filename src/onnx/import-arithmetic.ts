/** @file Import of arithmetic: values with each other, broadcast as in ONNX, and with constants. */
import { shapeText } from "../core/shape.js";
import type { GraphNode } from "./graph.js";
import { type Importing, onnxOrder, type Value } from "./importing.js";
import { WithConstant } from "./layers.js";
import type { CombineKind } from "./network.js";
import type { Constant } from "./tensor.js";

const FUNCTIONS = { Add: "add", Sub: "sub", Mul: "mul", Div: "div", Pow: "pow" } as const;

/** Shape of two values broadcast against each other; null if they do not go together. */
function broadcast(a: readonly number[], b: readonly number[]): number[] | null {
  const fits = a.length === b.length && a.every((extent, i) => extent === b[i] || extent === 1 || b[i] === 1);
  return fits ? a.map((extent, i) => Math.max(extent, b[i])) : null;
}

/** Two computed values element by element; axes of one element go with any extent. */
function combined(node: GraphNode, importing: Importing, kind: CombineKind, first: Value, second: Value): Value {
  let [a, b] = [first, second];
  const shape = broadcast(a.shape, b.shape);
  const same = shapeText(a.shape) === shapeText(b.shape);
  const grids = a.layout !== "lines" || `${a.grid}` === `${b.grid}` || a.shape[1] === 1 || b.shape[1] === 1;
  if (shape === null || a.layout !== b.layout || !grids) {
    const expected = "two of one shape, or whose other axes have one element";
    return importing.refuse(node, "two computed values", expected, `[N,${a.shape}] and [N,${b.shape}]`);
  }
  if (same && JSON.stringify(a.stretches) !== JSON.stringify(b.stretches)) {
    [a, b] = [importing.restored(node, a), importing.restored(node, b)];
  }
  const wide = shapeText(a.shape) === shapeText(shape) ? a : b;
  const lines = a.layout === "lines" ? { grid: a.shape[1] === 1 ? b.grid : a.grid } : {};
  return importing.combined(node, { kind, inputs: [a.slot, b.slot] }, { ...wide, ...lines, shape });
}

/** −x, exactly. */
function negative(node: GraphNode, importing: Importing, x: Value): Value {
  const wanted = `${importing.keyOfPath(node)}.negative`;
  return importing.inner(node, wanted, x.slot, { ...x }, () => new WithConstant("mul", Float32Array.of(-1)));
}

/** Any number of computed values, one after the other. */
export function importCombined(node: GraphNode, importing: Importing, kind: CombineKind): void {
  importing.arity(node, 1, 1000);
  const values = node.inputs.map((_, i) => importing.input(node, i));
  importing.set(
    node.outputs[0],
    values.reduce((a, b) => combined(node, importing, kind, a, b)),
  );
}

/** The sum of any number of values. */
export function importSum(node: GraphNode, importing: Importing): void {
  importCombined(node, importing, "add");
}

/** Two values combined, or a value with a constant: one number, one per channel, or one per element. */
export function importArithmetic(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const fn = FUNCTIONS[node.op as keyof typeof FUNCTIONS];
  if (!importing.isConstant(node, 0) && !importing.isConstant(node, 1)) {
    const [a, b] = [importing.input(node, 0), importing.input(node, 1)];
    // a − b is a + −b to the last bit.
    const kind = fn === "sub" ? "add" : fn;
    importing.set(node.outputs[0], combined(node, importing, kind, a, fn === "sub" ? negative(node, importing, b) : b));
    return;
  }
  const side = importing.isConstant(node, 0) ? 0 : 1;
  let x = importing.input(node, 1 - side);
  const { value, shape } = constantBeside(node, importing, side, x);
  if (fn === "mul" && value.length === 1 && importing.scaleInput(x, value[0])) {
    importing.set(node.outputs[0], x);
    return;
  }
  if (fn === "pow" && side === 1 && value.length === 1 && value[0] === 2) {
    importing.set(node.outputs[0], combined(node, importing, "mul", x, x));
    return;
  }
  // c − x is −x + c to the last bit.
  const turned = side === 0 && fn === "sub";
  const left = side === 0 && (fn === "div" || fn === "pow");
  if (turned) x = negative(node, importing, x);
  const make = () => new WithConstant(turned ? "add" : fn, value, { shape, left });
  importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, make);
}

/** A constant in this library's order, and its shape there; the shape goes with that of the value beside it. */
interface Beside {
  readonly value: Float32Array;
  readonly shape: readonly number[];
}

/** A constant beside a computed value: one number, one for each channel, or one for each element of some axes. */
function constantBeside(node: GraphNode, importing: Importing, i: number, x: Value): Beside {
  const constant = importing.reals(node, i);
  const { shape, data } = constant;
  const flat = (value: Float32Array): Beside => ({ value, shape: [value.length] });
  if (data.length === 1 && shape.length <= x.shape.length + 1) return flat(data as Float32Array);
  const channels = x.layout === "last" ? x.shape[2] : x.shape[0];
  const suffix = {
    image: [channels, 1, 1],
    plane: [1, 1, 1],
    lines: [channels, 1],
    sequence: [channels, 1],
    last: [channels],
    rows: [channels],
  }[x.layout];
  const rank = x.shape.length + 1;
  const extra = shape.length - suffix.length;
  const lead = shape.slice(0, Math.max(0, extra));
  const perChannel =
    extra >= 0 && shape.length <= rank && `${shape.slice(extra)}` === `${suffix}` && lead.every((n) => n === 1);
  if (perChannel) {
    if (x.stretches === null) return flat(data as Float32Array);
    return flat(Float32Array.from(onnxOrder(x.stretches), (from) => data[from]));
  }
  const whole = [...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape];
  const fits = whole.length === rank && whole.every((n, axis) => n === 1 || n === [1, ...x.shape][axis]);
  if (!fits || x.layout === "rows" || x.layout === "lines" || x.layout === "sequence") {
    importing.refuse(node, `input ${i}`, `one number, or ${shapeText(suffix)}`, shapeText(shape));
  }
  return perElement(constant, whole.slice(1), x);
}

/** A constant [C,H,W] (or [H,W,C] beside channels last, [H,W] beside planes) in this library's order. */
function perElement({ data }: Constant, extents: readonly number[], { layout }: Value): Beside {
  if (layout === "last") return { value: data as Float32Array, shape: extents };
  const [c, h, w] = layout === "plane" ? [1, ...extents] : extents;
  const value = Float32Array.from({ length: c * h * w }, (_, at) => data[(at % c) * h * w + Math.floor(at / c)]);
  return { value, shape: [h, w, c] };
}

/** A constant as one number, or one for each channel of a value, in this library's order. */
export function perChannel(node: GraphNode, importing: Importing, i: number, x: Value): Float32Array {
  const { value, shape } = constantBeside(node, importing, i, x);
  if (shape.length !== 1) importing.refuse(node, `input ${i}`, "one number, or one for each channel", shapeText(shape));
  return value;
}
