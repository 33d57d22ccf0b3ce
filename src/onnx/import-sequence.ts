/** @file Import of convolutions and pools over time: [N,C,T] in ONNX, [N,T,C] here. */
import { Rng } from "../core/rng.js";
import { spanOf } from "../core/slide.js";
import { Conv1d } from "../nn/conv1d.js";
import { AvgPool1d, GlobalAvgPool1d, MaxPool1d } from "../nn/pool1d.js";
import type { GraphNode } from "./graph.js";
import { type Importing, rows, type Value, type ValueInfo } from "./importing.js";
import type { Constant } from "./tensor.js";
import { checkPool, countsPadding, readSlides, type Slide } from "./windows.js";

/** Operators that leave [N,C,T] as it is, behind an input or in front of windows over time. */
const BETWEEN: readonly string[] = [
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Cast",
  "Identity",
  "Pad",
  "Relu",
  "BatchNormalization",
  "Dropout",
];

/** True if windows over one axis read a value of three axes: sequences, not images of one channel. */
export function readsSequence(name: string, importing: Importing): boolean {
  const seen = new Set([name]);
  // The set grows while it is gone through.
  for (const at of seen) {
    for (const node of importing.readers(at)) {
      const { op, attributes, outputs, inputs } = node;
      if (op === "Conv" && importing.isConstant(node, 1) && importing.constant(node, 1).shape.length === 3) return true;
      if ((op === "MaxPool" || op === "AveragePool") && attributes.peekInts("kernel_shape")?.length === 1) return true;
      if (BETWEEN.includes(op) && inputs.includes(at)) seen.add(outputs[0]);
    }
  }
  return false;
}

/** Sequences of some channels and steps. */
function sequence(channels: number, steps: number): ValueInfo {
  return { shape: [channels, steps], layout: "sequence", stretches: null };
}

const paddingOf = ({ begin, end }: Slide): number | [number, number] => (begin === end ? begin : [begin, end]);

/** A convolution of sequences [N,C,T] with constant weights [O,C/group,K]. */
export function importConv1d(
  node: GraphNode,
  importing: Importing,
  x: Value,
  weight: Constant,
  { groups, bias }: { groups: number; bias: Float32Array | undefined },
): void {
  const [channels, steps] = x.shape;
  const [out, , kernel] = weight.shape;
  const [slide] = readSlides(node, importing, [steps], [kernel]);
  const { stride, dilation } = slide;
  importing.layer(node, importing.keyOf(node, weight), x.slot, sequence(out, slide.out), () => {
    const options = { stride, dilation, padding: paddingOf(slide), groups, bias: bias !== undefined };
    // A stream of its own: the values are replaced, and importing must not draw from the program's.
    const made = new Conv1d(channels, out, kernel, { ...options, rng: new Rng(0) });
    made.weight.set(weight.data);
    if (bias) made.bias?.set(bias);
    return made;
  });
}

/** Max and average pools over time, and those over all of it. */
export function importPool1d(node: GraphNode, importing: Importing, x: Value): void {
  const { attributes, op } = node;
  const [channels, steps] = x.shape;
  const wanted = importing.keyOfPath(node);
  if (op.startsWith("Global")) {
    const make = () => (op === "GlobalMaxPool" ? new MaxPool1d(steps) : new AvgPool1d(steps));
    importing.layer(node, wanted, x.slot, sequence(channels, 1), make);
    return;
  }
  if (op === "MaxPool") attributes.fixed("storage_order", 0);
  const [slide] = readSlides(node, importing, [steps]);
  const { kernel, stride, dilation, begin, end } = slide;
  checkPool(node, importing, { kernel: [kernel], padding: [begin, end], dilation: [dilation], alone: slide.alone });
  const countIncludePad = countsPadding(node, importing, slide, "sequence");
  const padding = 2 * begin > spanOf(kernel, dilation) ? ([begin, end] as const) : paddingOf(slide);
  const options = { stride, padding, dilation };
  importing.layer(node, wanted, x.slot, sequence(channels, slide.out), () =>
    op === "MaxPool" ? new MaxPool1d(kernel, options) : new AvgPool1d(kernel, { ...options, countIncludePad }),
  );
  if (op === "MaxPool") importing.moved(x);
}

/** Mean over time. @param keep as an axis of one step */
export function importMeanOverTime(node: GraphNode, importing: Importing, x: Value, keep: boolean): void {
  const [channels, steps] = x.shape;
  const info = keep ? sequence(channels, 1) : rows(channels);
  const make = () => (keep ? new AvgPool1d(steps) : new GlobalAvgPool1d());
  importing.layer(node, importing.keyOfPath(node), x.slot, info, make);
}
