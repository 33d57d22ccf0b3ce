/** @file Import of operators without weights: activations, pools, concatenation, dropout. */
import { shapeText } from "../core/shape.js";
import { ClippedReLU, Identity, ReLU, Sigmoid, Tanh } from "../nn/activation.js";
import { Dropout } from "../nn/dropout.js";
import type { Module } from "../nn/module.js";
import { AvgPool2d, MaxPool2d } from "../nn/pool.js";
import type { GraphNode } from "./graph.js";
import { importCombined } from "./import-arithmetic.js";
import { concatExtents } from "./import-extents.js";
import { importPool1d } from "./import-sequence.js";
import { type Importing, rows, stretchesOf, type Value } from "./importing.js";
import { Clip } from "./layers.js";
import { checkPool, countsPadding, readWindow, short, shortPadding } from "./windows.js";

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

/** Max or Min of a value and one number, several of them as one Clip; or of computed values. */
export function importBound(node: GraphNode, importing: Importing): void {
  const bound = boundOf(node, importing);
  if (bound === null) {
    importCombined(node, importing, node.op === "Max" ? "maximum" : "minimum");
    return;
  }
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
  if (node.op === "MaxPool") attributes.fixed("storage_order", 0);
  const window = readWindow(node, importing, [h, w]);
  checkPool(node, importing, window);
  const countIncludePad = countsPadding(node, importing, window, "image");
  const kernel = short(window.kernel);
  const options = { stride: short(window.stride), padding: shortPadding(window), dilation: short(window.dilation) };
  importing.layer(node, wanted, x.slot, info(window.out), () =>
    node.op === "MaxPool" ? new MaxPool2d(kernel, options) : new AvgPool2d(kernel, { ...options, countIncludePad }),
  );
  if (node.op === "MaxPool") importing.moved(x);
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
