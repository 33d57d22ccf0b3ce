/** @file Shapes and types of a plan's values, followed from the input to the output; refuses what does not chain. */
import { BYTE_TOP, staircaseTop } from "../codes/levels.js";
import { MAX_PATCH } from "../codes/sums.js";
import { FormatError } from "../core/errors.js";
import { sameShape, shapeText, sizeOf } from "../core/shape.js";
import { INPUT_ID, inputsOf, type Plan, type PlanNode, type PlanWindow } from "./plan.js";

/** What a value of a plan is, for one image. */
export interface ValueType {
  /** Without the batch. */
  readonly shape: readonly number[];
  readonly dtype: "u8" | "f32";
  /** The value of code 1 for codes, else null. */
  readonly step: number | null;
  /** Largest code for codes, else 0. */
  readonly top: number;
}

/** Elements that one value may have for one image. */
const MAX_VALUE = 2 ** 28;
/** Bytes that what a node reads and writes may take for one image: half of the address space. */
const MAX_NODE_BYTES = 2 ** 31;

/** Extent after a window slides along an axis: ⌊(n + before + after − d·(k−1) − 1)/s⌋ + 1. */
function slide(n: number, before: number, after: number, kernel: number, stride: number, dilation: number): number {
  return Math.floor((n + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
}

/** Output height and width of a window over an h×w image. */
export function windowExtents(
  { kernel, stride, padding, dilation }: PlanWindow,
  h: number,
  w: number,
): [number, number] {
  return [
    slide(h, padding[0], padding[1], kernel[0], stride[0], dilation[0]),
    slide(w, padding[2], padding[3], kernel[1], stride[1], dilation[1]),
  ];
}

/**
 * Types of all values of a plan by id, the input's first.
 *
 * @param plan one that passed the schema
 * @throws FormatError on a reference to nothing or to a later node, and on shapes or types that do not chain
 */
export function planValues(plan: Plan, file: string): Map<string, ValueType> {
  const { input } = plan;
  const values = new Map<string, ValueType>();
  values.set(INPUT_ID, {
    shape: input.shape,
    dtype: input.dtype,
    step: input.step ?? null,
    top: input.dtype === "u8" ? BYTE_TOP : 0,
  });
  const check = (id: string, type: ValueType): void => {
    if (sizeOf(type.shape) > MAX_VALUE) {
      throw new FormatError({
        op: file,
        what: `plan: value "${id}" is too large`,
        expected: `at most ${MAX_VALUE} elements`,
        got: shapeText(type.shape),
      });
    }
  };
  check(INPUT_ID, values.get(INPUT_ID) as ValueType);
  for (const node of plan.nodes) {
    const sources = inputsOf(node).map((id) => {
      const type = values.get(id);
      if (type !== undefined) return type;
      throw new FormatError({
        op: file,
        what: `plan: node "${node.id}" reads "${id}"`,
        expected: "the input or a node before it",
        got: plan.nodes.some((other) => other.id === id) ? "itself or a later node" : "an id that no node has",
      });
    });
    const type = nodeValue(node, sources, file);
    check(node.id, type);
    const bytes = [...sources, type].reduce(
      (sum, { shape, dtype }) => sum + sizeOf(shape) * (dtype === "u8" ? 1 : 4),
      0,
    );
    if (bytes > MAX_NODE_BYTES) {
      const what = `plan: memory of node "${node.id}" for one image is beyond the limit`;
      throw new FormatError({ op: file, what, expected: `at most ${MAX_NODE_BYTES} bytes`, got: `${bytes}` });
    }
    values.set(node.id, type);
  }
  const output = values.get(plan.output);
  if (output === undefined || plan.output === INPUT_ID) {
    throw new FormatError({ op: file, what: "plan: output", expected: "the id of a node", got: `"${plan.output}"` });
  }
  if (plan.classes !== undefined && plan.classes.length !== sizeOf(output.shape)) {
    throw new FormatError({
      op: file,
      what: "plan: number of classes",
      expected: `${sizeOf(output.shape)}, the size of the output`,
      got: `${plan.classes.length}`,
    });
  }
  return values;
}

/** What `concat` gives. */
function joined(
  inputs: readonly ValueType[],
  refuse: (what: string, expected: string, got: string) => never,
): ValueType {
  const [first] = inputs;
  const head = first.shape.slice(0, -1);
  const fits = inputs.every(
    ({ dtype, step, shape }) => dtype === first.dtype && step === first.step && sameShape(shape.slice(0, -1), head),
  );
  if (!fits) {
    const got = inputs.map(
      ({ dtype, step, shape }) => `${dtype} ${shapeText(shape)}${step === null ? "" : ` of step ${step}`}`,
    );
    refuse("its inputs", "values alike but for the last extent, codes of one step", got.join(" and "));
  }
  const width = inputs.reduce((sum, { shape }) => sum + shape[shape.length - 1], 0);
  return { ...first, shape: [...head, width], top: Math.max(...inputs.map(({ top }) => top)) };
}

const real = (shape: readonly number[]): ValueType => ({ shape, dtype: "f32", step: null, top: 0 });

function nodeValue(node: PlanNode, inputs: readonly ValueType[], file: string): ValueType {
  const [x, other] = inputs;
  const refuse = (what: string, expected: string, got: string): never => {
    throw new FormatError({ op: file, what: `plan: node "${node.id}" (${node.op}): ${what}`, expected, got });
  };
  const wants = (dtype: "u8" | "f32"): void => {
    if (x.dtype !== dtype) refuse("type of its input", dtype === "u8" ? "u8 codes" : "f32 values", x.dtype);
  };
  const rank = (n: number): void => {
    if (x.shape.length !== n) refuse("shape of its input", n === 3 ? "[H,W,C]" : "[F]", shapeText(x.shape));
  };
  const slid = (window: PlanWindow, channels: number): number[] => {
    rank(3);
    const [h, w] = windowExtents(window, x.shape[0], x.shape[1]);
    if (h < 1 || w < 1) refuse("window", `one that fits into ${shapeText(x.shape)}`, `an output of ${h}×${w}`);
    return [h, w, channels];
  };
  const grouped = (groups: number, out: number): void => {
    if (x.shape[2] % groups !== 0 || out % groups !== 0) {
      refuse("groups", `a divisor of ${x.shape[2]} and ${out} channels`, `${groups}`);
    }
  };
  const activated = (shape: number[]): ValueType => {
    if (node.op !== "conv" && node.op !== "linear") return real(shape);
    if (node.activation === undefined) return real(shape);
    if (node.bias) refuse("bias beside thresholds", "a bias folded into them", "both");
    return { shape, dtype: "u8", step: node.activation.step, top: staircaseTop(node.activation.bits) };
  };
  const patch = (size: number): void => {
    if (size > MAX_PATCH) refuse("inputs per output", `at most ${MAX_PATCH}`, `${size}`);
  };
  switch (node.op) {
    case "conv":
      wants("u8");
      rank(3);
      grouped(node.groups, node.out);
      patch((node.kernel[0] * node.kernel[1] * x.shape[2]) / node.groups);
      return activated(slid(node, node.out));
    case "linear":
      wants("u8");
      rank(1);
      patch(x.shape[0]);
      return activated([node.out]);
    case "floatConv":
      wants("f32");
      rank(3);
      grouped(node.groups ?? 1, node.out);
      return real(slid(node, node.out));
    case "floatLinear":
      wants("f32");
      rank(1);
      return real([node.out]);
    case "maxPool":
    case "avgPool": {
      const shape = slid(node, x.shape[2]);
      // Otherwise some window could see padding alone, and have no largest and no mean.
      const [top, bottom, left, right] = node.padding;
      const h = Math.min(Math.floor(node.kernel[0] / 2), x.shape[0]);
      const w = Math.min(Math.floor(node.kernel[1] / 2), x.shape[1]);
      if (Math.max(top, bottom) > h || Math.max(left, right) > w) {
        refuse("padding", "at most half of the window, and at most the image", `[${node.padding.join(",")}]`);
      }
      if (top + bottom + left + right > 0 && Math.max(...node.dilation) > 1) {
        refuse("dilation of a padded pool", "1", `${Math.max(...node.dilation)}`);
      }
      return node.op === "avgPool" ? real(shape) : { ...x, shape };
    }
    case "padChannels":
      rank(3);
      return { ...x, shape: [x.shape[0], x.shape[1], node.channels[0] + x.shape[2] + node.channels[1]] };
    case "pad": {
      rank(3);
      const [h, w, channels] = x.shape;
      const [top, bottom, left, right] = node.padding;
      return { ...x, shape: [top + h + bottom, left + w + right, channels] };
    }
    case "concat":
      return joined(inputs, refuse);
    case "slice": {
      const { start, step, count } = node;
      if ([start, step, count].some((list) => list.length !== x.shape.length)) {
        refuse(
          "ranges",
          `one for each axis of ${shapeText(x.shape)}`,
          `${start.length}, ${step.length}, ${count.length}`,
        );
      }
      x.shape.forEach((extent, i) => {
        const last = start[i] + (count[i] - 1) * step[i];
        if (last >= extent) refuse(`range of axis ${i}`, `indices below ${extent}`, `${last}`);
      });
      return { ...x, shape: count };
    }
    case "staircase":
      wants("f32");
      return { shape: x.shape, dtype: "u8", step: node.activation.step, top: staircaseTop(node.activation.bits) };
    case "add":
      wants("f32");
      if (other.dtype !== "f32" || !sameShape(x.shape, other.shape)) {
        refuse(
          "its inputs",
          "two f32 values of one shape",
          `${shapeText(x.shape)} and ${other.dtype} ${shapeText(other.shape)}`,
        );
      }
      return real(x.shape);
    case "flatten":
      return { ...x, shape: [sizeOf(x.shape)] };
    case "dequantize":
      wants("u8");
      return real(x.shape);
    case "affine":
    case "channel":
    case "relu":
      wants("f32");
      return real(x.shape);
  }
}
