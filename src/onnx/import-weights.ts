/** @file Import of operators with weights: Conv, Gemm, MatMul with the Add behind it, BatchNormalization. */
import { Rng } from "../core/rng.js";
import { shapeText } from "../core/shape.js";
import { type BatchNorm, BatchNorm1d, BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import type { GraphNode } from "./graph.js";
import { importConv1d } from "./import-sequence.js";
import { type Importing, onnxOrder, rows, type Value } from "./importing.js";
import type { Constant } from "./tensor.js";
import { readWindow, short, shortPadding } from "./windows.js";

/** A convolution of images [N,C,H,W] (or sequences) with constant weights [O,C/group,Kh,Kw] (or [O,C/group,K]). */
export function importConv(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 3);
  const given = importing.input(node);
  const x = given.layout === "sequence" ? given : importing.image(node);
  const weight = importing.reals(node, 1);
  const [channels, h, w] = x.shape;
  const expected = x.layout === "sequence" ? "[O,I,K]" : "[O,I,Kh,Kw]";
  if (weight.shape.length !== x.shape.length + 1) importing.refuse(node, "weight", expected, shapeText(weight.shape));
  const [out, inner, kh, kw] = weight.shape;
  const groups = node.attributes.int("group", 1);
  if (!(groups >= 1) || inner * groups !== channels || out % groups !== 0 || out === 0) {
    const got = `${groups} groups, weight ${shapeText(weight.shape)}`;
    importing.refuse(node, "groups and weight", `a weight for ${channels} channels`, got);
  }
  const bias = importing.optionalReals(node, 2) && importing.vector(node, 2, out);
  if (x.layout === "sequence") {
    importConv1d(node, importing, x, weight, { groups, bias });
    return;
  }
  const window = readWindow(node, importing, [h, w], [kh, kw]);
  const info = { shape: [out, ...window.out], layout: "image", stretches: null } as const;
  importing.layer(node, importing.keyOf(node, weight), x.slot, info, () => {
    const [stride, dilation, padding] = [short(window.stride), short(window.dilation), shortPadding(window)];
    const options = { stride, dilation, padding, groups, bias: bias !== undefined };
    // A stream of its own: the values are replaced, and importing must not draw from the program's.
    const made = new Conv2d(channels, out, window.kernel, { ...options, rng: new Rng(0) });
    made.weight.set(weight.data);
    if (bias) made.bias?.set(bias);
    return made;
  });
}

/** alpha·A·B + beta·C on rows: a linear layer, with the factors in its weights. */
export function importGemm(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 3);
  const x = importing.rows(node);
  node.attributes.fixed("transA", 0);
  const alpha = node.attributes.float("alpha", 1);
  const beta = node.attributes.float("beta", 1);
  const weight = matrix(node, importing, x, node.attributes.int("transB", 0) !== 0, alpha);
  const bias = importing.optionalReals(node, 2);
  const row = bias && rowOf(bias, weight.out);
  if (row === null) importing.refuse(node, "input 2", `[${weight.out}] or one number`, shapeText(bias?.shape ?? []));
  const scaled = row && (beta === 1 ? row : row.map((value) => value * beta));
  linear(node, importing, x, weight, scaled ?? null, node.outputs[0]);
}

/** A product of rows with a constant matrix; an Add of a constant row that alone reads it becomes the layer's bias. */
export function importMatMul(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const x = importing.rows(node);
  const weight = matrix(node, importing, x, false, 1);
  const next = importing.onlyReader(node.outputs[0]);
  if (next?.op === "Add" && next.inputs.length === 2) {
    const side = next.inputs[0] === node.outputs[0] ? 1 : 0;
    const bias = importing.isConstant(next, side) ? rowOf(importing.reals(next, side), weight.out) : null;
    if (bias !== null) {
      importing.arity(next, 2, 2);
      next.attributes.finish();
      importing.done.add(next);
      linear(node, importing, x, weight, bias, next.outputs[0]);
      return;
    }
  }
  linear(node, importing, x, weight, null, node.outputs[0]);
}

interface Matrix {
  readonly constant: Constant;
  readonly out: number;
  /** [out, in], inputs in this library's order. */
  readonly data: Float32Array;
}

/** The second operand, [in, out] or (transposed) [out, in], as the weight of a linear layer. */
function matrix(node: GraphNode, importing: Importing, x: Value, transposed: boolean, alpha: number): Matrix {
  const constant = importing.reals(node, 1);
  const [features] = x.shape;
  const [a, b] = constant.shape;
  const [inner, out] = transposed ? [b, a] : [a, b];
  if (constant.shape.length !== 2 || inner !== features || out === 0) {
    const expected = transposed ? `[O,${features}]` : `[${features},O]`;
    importing.refuse(node, "input 1", expected, shapeText(constant.shape));
  }
  const order = x.stretches === null ? null : onnxOrder(x.stretches);
  const data = new Float32Array(out * features);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < features; i++) {
      const from = order === null ? i : order[i];
      data[o * features + i] = constant.data[transposed ? o * features + from : from * out + o] * alpha;
    }
  }
  return { constant, out, data };
}

/** A constant as a row of `length`; null if it is none. */
function rowOf({ shape, data }: Constant, length: number): Float32Array | null {
  if (data.length === 1 && shape.every((extent) => extent === 1)) return new Float32Array(length).fill(data[0]);
  const plain = shape.length === 1 || (shape.length === 2 && shape[0] === 1);
  return plain && data.length === length ? (data as Float32Array) : null;
}

function linear(
  node: GraphNode,
  importing: Importing,
  x: Value,
  { constant, out, data }: Matrix,
  bias: Float32Array | null,
  output: string,
): void {
  const value = importing.inner(node, importing.keyOf(node, constant), x.slot, rows(out), () => {
    const made = new Linear(x.shape[0], out, { bias: bias !== null, rng: new Rng(0) });
    made.weight.set(data);
    if (bias !== null) made.bias?.set(bias);
    return made;
  });
  importing.set(output, value);
}

/** Batch norm in inference form. ONNX's momentum is the share of the *old* statistics, so this library's is 1 − it. */
export function importBatchNorm(node: GraphNode, importing: Importing): void {
  importing.arity(node, 5, 5);
  const { attributes } = node;
  const x = importing.input(node);
  if (x.layout === "last" || x.layout === "plane") importing.image(node);
  // Before opset 14 further outputs are the mark of training mode, whether anything reads them or not.
  const training = importing.graph.opset < 14 && node.outputs.slice(1).some((name) => name !== "");
  if (training) {
    const hint = "export the network in evaluation mode";
    importing.refuse(node, "outputs in training mode", "one, as in evaluation", `${node.outputs.length}`, hint);
  }
  attributes.fixed("training_mode", 0);
  attributes.fixed("spatial", 1);
  const eps = attributes.float("epsilon", Math.fround(1e-5));
  const kept = attributes.float("momentum", Math.fround(0.9));
  if (!(eps > 0) || !(kept >= 0 && kept <= 1)) {
    importing.refuse(node, "attributes", "epsilon > 0 and momentum in [0, 1]", `epsilon ${eps}, momentum ${kept}`);
  }
  const [channels] = x.shape;
  const order = x.stretches === null ? null : onnxOrder(x.stretches);
  const [weight, bias, mean, variance] = [1, 2, 3, 4].map((i) => {
    const vector = importing.vector(node, i, channels);
    return order === null ? vector : Float32Array.from(order, (from) => vector[from]);
  });
  const bad = variance.findIndex((value) => value < 0);
  if (bad >= 0) importing.refuse(node, `element ${bad} of input 4`, "a variance of at least 0", `${variance[bad]}`);
  const key = importing.keyOf(node, importing.constant(node, 1));
  importing.layer(node, key, x.slot, { ...x }, () => {
    // The file's number is an f32: 0.9 comes as 0.8999999761…, and 0.1 is meant.
    const options = { eps, momentum: Number((1 - kept).toPrecision(6)) };
    const made: BatchNorm =
      x.layout === "rows" || x.layout === "sequence"
        ? new BatchNorm1d(channels, options)
        : new BatchNorm2d(channels, options);
    made.weight.set(weight);
    made.bias.set(bias);
    made.runningMean.set(mean);
    made.runningVar.set(variance);
    return made;
  });
}
