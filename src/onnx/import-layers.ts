/**
 * @file Import of operators without weights: activations, pools, sums, constants per channel, softmax, concatenation.
 */
import { shapeText } from "../core/shape.js";
import { Identity, ReLU, Sigmoid, Softmax, Tanh } from "../nn/activation.js";
import { Dropout } from "../nn/dropout.js";
import type { Module } from "../nn/module.js";
import { AvgPool2d, Flatten, MaxPool2d } from "../nn/pool.js";
import type { GraphNode } from "./graph.js";
import { concatExtents } from "./import-extents.js";
import { type Importing, onnxOrder, rows, stretchesOf, type Value } from "./importing.js";
import { Clip, ClippedReLU, WithConstant } from "./layers.js";
import { checkPool, readWindow, short, shortPadding } from "./windows.js";

/** An activation on each element. */
export function importUnary(make: () => Module): (node: GraphNode, importing: Importing) => void {
  return (node, importing) => {
    importing.arity(node, 1, 1);
    const x = importing.input(node);
    importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, make);
  };
}

export const importRelu = importUnary(() => new ReLU());
export const importSigmoid = importUnary(() => new Sigmoid());
export const importTanh = importUnary(() => new Tanh());

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
  // Exporters write "no bound" as the largest f32 number too.
  const open = (value: number): boolean => Math.abs(value) >= 3.4e38;
  if (!(lo <= hi)) importing.refuse(node, "bounds", "min of at most max", `${lo} and ${hi}`);
  const wanted = importing.keyOfPath(node);
  importing.layer(node, wanted, x.slot, { ...x }, () => {
    if (open(lo) && open(hi)) return new Identity();
    if (lo === 0 && hi > 0) return open(hi) ? new ReLU() : new ClippedReLU(hi);
    return new Clip(lo, hi);
  });
}

/** Max and average pools, and those over whole images. */
export function importPool(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const { attributes } = node;
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

/** Mean over rows and columns of images: a pool over the whole image. */
export function importReduceMean(node: GraphNode, importing: Importing): void {
  const inputs = importing.graph.opset >= 18;
  importing.arity(node, 1, inputs ? 2 : 1);
  const { attributes } = node;
  const x = importing.image(node);
  attributes.fixed("noop_with_empty_axes", 0);
  const given =
    inputs && node.inputs.length > 1 ? Array.from(importing.constant(node, 1).data) : attributes.ints("axes");
  const axes = (given ?? []).map((axis) => (axis < 0 ? axis + 4 : axis)).sort();
  if (`${axes}` !== "2,3") importing.refuse(node, "axes", "rows and columns, [2,3]", `[${given ?? "all"}]`);
  const [channels, h, w] = x.shape;
  const wanted = importing.keyOfPath(node);
  const keep = attributes.int("keepdims", 1) !== 0;
  const pooled = { shape: [channels, 1, 1], layout: "image", stretches: null } as const;
  const pool = () => new AvgPool2d([h, w]);
  if (keep) {
    importing.layer(node, wanted, x.slot, pooled, pool);
    return;
  }
  const { slot } = importing.inner(node, wanted, x.slot, pooled, pool);
  importing.layer(node, "flatten", slot, rows(channels), () => new Flatten());
}

const FUNCTIONS = { Add: "add", Sub: "sub", Mul: "mul", Div: "div" } as const;

/** Two values added, or a value combined with a constant of one number or one per channel. */
export function importArithmetic(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const fn = FUNCTIONS[node.op as keyof typeof FUNCTIONS];
  if (!importing.isConstant(node, 0) && !importing.isConstant(node, 1)) {
    let [a, b] = [importing.input(node, 0), importing.input(node, 1)];
    if (fn !== "add" || shapeText(a.shape) !== shapeText(b.shape) || a.layout !== b.layout) {
      importing.refuse(node, "two computed values", "a sum of two of one shape", `[N,${a.shape}] and [N,${b.shape}]`);
    }
    if (JSON.stringify(a.stretches) !== JSON.stringify(b.stretches)) {
      [a, b] = [importing.restored(node, a), importing.restored(node, b)];
    }
    const { shape, layout, stretches } = a;
    importing.combine(node, { kind: "add", inputs: [a.slot, b.slot] }, { shape, layout, stretches });
    return;
  }
  const side = importing.isConstant(node, 0) ? 0 : 1;
  if (side === 0 && (fn === "sub" || fn === "div")) {
    importing.refuse(node, "a constant on the left", "a computed value there", "a constant");
  }
  const x = importing.input(node, 1 - side);
  const value = perChannel(node, importing, side, x);
  if (fn === "mul" && value.length === 1 && importing.scaleInput(x, value[0])) {
    importing.set(node.outputs[0], x);
    return;
  }
  importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, () => new WithConstant(fn, value));
}

/** A constant as one number, or one for each channel of a value, in this library's order. */
function perChannel(node: GraphNode, importing: Importing, i: number, x: Value): Float32Array {
  const { shape, data } = importing.reals(node, i);
  if (data.length === 1 && shape.length <= x.shape.length + 1) return data as Float32Array;
  const channels = x.layout === "last" ? x.shape[2] : x.shape[0];
  const suffix = x.layout === "image" ? [channels, 1, 1] : [channels];
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

/** Softmax along an axis; before opset 13 over that axis and all behind it. */
export function importSoftmax(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const x = importing.input(node);
  const old = importing.graph.opset < 13;
  const rank = x.shape.length + 1;
  const given = node.attributes.int("axis", old ? 1 : -1);
  const axis = given < 0 ? given + rank : given;
  if (!(axis >= 1 && axis < rank)) importing.refuse(node, "attribute axis", `1 to ${rank - 1}`, `${given}`);
  if (old && axis !== rank - 1)
    importing.refuse(node, "attribute axis before opset 13", `${rank - 1}, the last`, `${given}`);
  const own = x.layout === "image" ? [0, 3, 1, 2][axis] : axis;
  importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, () => new Softmax(own));
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
  const extents = ({ layout, shape }: Value): string => `${layout} ${layout === "image" ? shape.slice(1) : ""}`;
  if (axis !== 1 || first.layout === "last" || values.some((value) => extents(value) !== extents(first))) {
    const got = `axis ${given} of ${values.map(({ shape }) => `[N,${shape}]`).join(", ")}`;
    importing.refuse(node, "concatenation", "axis 1 of images of one size, or of rows", got);
  }
  const channels = values.reduce((sum, { shape }) => sum + shape[0], 0);
  const info =
    first.layout === "rows"
      ? rows(channels, values.flatMap(stretchesOf))
      : ({ shape: [channels, ...first.shape.slice(1)], layout: "image", stretches: null } as const);
  const own = first.layout === "rows" ? 1 : 3;
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
