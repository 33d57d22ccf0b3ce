/**
 * @file Sliding windows of ONNX operators: attributes, automatic padding, ceil mode; as explicit padding on four sides.
 */
import type { Padding } from "../ndarray/window.js";
import type { GraphNode } from "./graph.js";
import type { Importing } from "./importing.js";

/** A window over an image, with the padding that gives its output. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** [top, bottom, left, right] */
  readonly padding: readonly [number, number, number, number];
  /** Height and width of the output. */
  readonly out: readonly [number, number];
  /** True if some window reaches past the padding that the file asks for (ceil mode). */
  readonly beyond: boolean;
}

const MAX_EXTENT = 2 ** 24;

/**
 * Reads the window of a convolution or pool.
 *
 * Output extent = ⌊(in + begin + end − dilation·(kernel − 1) − 1)/stride⌋ + 1; in ceil mode ⌈…⌉ + 1, without windows
 * that would start in the padding at the end.
 *
 * @param image [H, W]
 * @param kernel extents known from the weights; pools have them in `kernel_shape` alone
 */
export function readWindow(
  node: GraphNode,
  importing: Importing,
  image: readonly [number, number],
  kernel?: readonly [number, number],
): Window {
  const { attributes } = node;
  const refuse = (what: string, expected: string, got: string): never => importing.refuse(node, what, expected, got);
  const numbers = (name: string, count: number, least: number, otherwise?: readonly number[]): readonly number[] => {
    const list = attributes.ints(name) ?? otherwise ?? refuse(`attribute ${name}`, `${count} integers`, "none");
    if (list.length !== count) refuse(`attribute ${name}`, `${count} integers, two axes`, `[${list}]`);
    const bad = list.find((n) => n < least || n > MAX_EXTENT);
    if (bad !== undefined) refuse(`attribute ${name}`, `integers from ${least} to ${MAX_EXTENT}`, `[${list}]`);
    return list;
  };
  const own = numbers("kernel_shape", 2, 1, kernel);
  if (kernel !== undefined && `${own}` !== `${kernel}`) refuse("attribute kernel_shape", `[${kernel}]`, `[${own}]`);
  const stride = numbers("strides", 2, 1, [1, 1]);
  const dilation = numbers("dilations", 2, 1, [1, 1]);
  const pads = numbers("pads", 4, 0, [0, 0, 0, 0]);
  const auto = attributes.text("auto_pad", "NOTSET");
  const ceil = kernel === undefined && attributes.int("ceil_mode", 0) !== 0;
  if (!["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].includes(auto)) {
    refuse("attribute auto_pad", "NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto);
  }
  if (auto !== "NOTSET" && (ceil || pads.some((side) => side > 0))) {
    refuse(`auto_pad ${auto}`, "neither pads nor ceil_mode beside it", "both");
  }
  const axes = [0, 1].map((axis) => {
    const extent = image[axis];
    const span = dilation[axis] * (own[axis] - 1) + 1;
    const step = stride[axis];
    let [begin, end] = [pads[axis], pads[axis + 2]];
    if (auto.startsWith("SAME")) {
      const total = Math.max(0, (Math.ceil(extent / step) - 1) * step + span - extent);
      const less = Math.floor(total / 2);
      [begin, end] = auto === "SAME_UPPER" ? [less, total - less] : [total - less, less];
    }
    const room = (extent + begin + end - span) / step;
    if (room < 0) refuse("window", `at most ${extent + begin + end}, the padded image`, `${span}`);
    let out = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
    if (ceil && (out - 1) * step >= extent + begin) out--;
    const needed = (out - 1) * step + span - extent - begin;
    return { begin, end: ceil ? Math.max(0, needed) : end, out, beyond: needed > end };
  });
  const [v, h] = axes;
  return {
    kernel: [own[0], own[1]],
    stride: [stride[0], stride[1]],
    dilation: [dilation[0], dilation[1]],
    padding: [v.begin, v.end, h.begin, h.end],
    out: [v.out, h.out],
    beyond: v.beyond || h.beyond,
  };
}

/** Refuses windows that this library's pools do not take. */
export function checkPool(node: GraphNode, importing: Importing, { kernel, padding, dilation }: Window): void {
  if (dilation.some((d) => d !== 1)) importing.refuse(node, "attribute dilations of a pool", "[1,1]", `[${dilation}]`);
  if (padding.some((side, i) => side >= kernel[i >> 1])) {
    importing.refuse(node, "padding of a pool", `less than ${kernel.join("×")}`, `[${padding}]`);
  }
}

/** Padding as short as layers can be given it. Four numbers may be more than half of a pool's window. */
export function shortPadding({ padding, kernel }: Window): Padding {
  const [top, bottom, left, right] = padding;
  if (2 * top > kernel[0] || 2 * left > kernel[1]) return [top, bottom, left, right];
  if (top !== bottom || left !== right) return [top, bottom, left, right];
  return short([top, left]);
}

/** A pair as one number if both are the same. */
export function short(numbers: readonly [number, number]): number | [number, number] {
  return numbers[0] === numbers[1] ? numbers[0] : [...numbers];
}
