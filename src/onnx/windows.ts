/**
 * @file Sliding windows of ONNX operators: attributes, automatic padding, ceil mode; as explicit padding on four sides.
 */
import { ceilOutputsOf, outputsOf, paddingBehind, seesPaddingAlone, spanOf } from "../core/slide.js";
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
  /** True if some window holds padding alone. */
  readonly alone: boolean;
  /** True if the file asks for padding. */
  readonly padded: boolean;
}

/** A window along one axis, with the padding that gives its output. */
export interface Slide {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
  readonly out: number;
  readonly beyond: boolean;
  readonly alone: boolean;
  readonly padded: boolean;
}

const MAX_EXTENT = 2 ** 24;

/** The window of a convolution or pool over images. @param image [H, W] @param kernel as for {@link readSlides} */
export function readWindow(
  node: GraphNode,
  importing: Importing,
  image: readonly [number, number],
  kernel?: readonly [number, number],
): Window {
  const [v, h] = readSlides(node, importing, image, kernel);
  return {
    kernel: [v.kernel, h.kernel],
    stride: [v.stride, h.stride],
    dilation: [v.dilation, h.dilation],
    padding: [v.begin, v.end, h.begin, h.end],
    out: [v.out, h.out],
    beyond: v.beyond || h.beyond,
    alone: v.alone || h.alone,
    padded: v.padded || h.padded,
  };
}

/** Integers of an attribute, as many as there should be for so many axes (default two). */
export function integersOf(
  node: GraphNode,
  importing: Importing,
  name: string,
  { count, least, otherwise, axes = 2 }: { count: number; least: number; otherwise?: readonly number[]; axes?: number },
): readonly number[] {
  const refuse = (expected: string, got: string): never => importing.refuse(node, `attribute ${name}`, expected, got);
  const list = node.attributes.ints(name) ?? otherwise ?? refuse(`${count} integers`, "none");
  if (list.length !== count) refuse(`${count} integers, ${axes === 1 ? "one axis" : "two axes"}`, `[${list}]`);
  if (list.some((n) => n < least || n > MAX_EXTENT)) refuse(`integers from ${least} to ${MAX_EXTENT}`, `[${list}]`);
  return list;
}

/** How padding is found. */
export function autoPadOf(node: GraphNode, importing: Importing): string {
  const auto = node.attributes.text("auto_pad", "NOTSET");
  if (!["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].includes(auto)) {
    importing.refuse(node, "attribute auto_pad", "NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto);
  }
  return auto;
}

/**
 * Reads the window of a convolution or pool, along each axis.
 *
 * Output extent = ⌊(in + begin + end − dilation·(kernel − 1) − 1)/stride⌋ + 1; in ceil mode ⌈…⌉ + 1, without windows
 * that would start in the padding at the end.
 *
 * @param image extents
 * @param kernel extents known from the weights; pools have them in `kernel_shape` alone
 */
export function readSlides(
  node: GraphNode,
  importing: Importing,
  image: readonly number[],
  kernel?: readonly number[],
): readonly Slide[] {
  const { attributes } = node;
  const refuse = (what: string, expected: string, got: string): never => importing.refuse(node, what, expected, got);
  const rank = image.length;
  const numbers = (name: string, count: number, least: number, otherwise?: readonly number[]): readonly number[] =>
    integersOf(node, importing, name, { count, least, otherwise, axes: rank });
  const own = numbers("kernel_shape", rank, 1, kernel);
  if (kernel !== undefined && `${own}` !== `${kernel}`) refuse("attribute kernel_shape", `[${kernel}]`, `[${own}]`);
  const stride = numbers(
    "strides",
    rank,
    1,
    image.map(() => 1),
  );
  const dilation = numbers(
    "dilations",
    rank,
    1,
    image.map(() => 1),
  );
  const pads = numbers(
    "pads",
    2 * rank,
    0,
    [...image, ...image].map(() => 0),
  );
  const auto = autoPadOf(node, importing);
  const ceil = kernel === undefined && attributes.int("ceil_mode", 0) !== 0;
  if (auto !== "NOTSET" && (ceil || pads.some((side) => side > 0))) {
    refuse(`auto_pad ${auto}`, "neither pads nor ceil_mode beside it", "both");
  }
  const outer = importing.outerPads.get(node);
  return image.map((inside, axis): Slide => {
    const [lead, trail] = outer?.[axis] ?? [0, 0];
    const extent = inside + lead + trail;
    const span = spanOf(own[axis], dilation[axis]);
    const step = stride[axis];
    let [begin, end] = [pads[axis], pads[axis + rank]];
    if (auto.startsWith("SAME")) {
      const total = Math.max(0, (Math.ceil(extent / step) - 1) * step + span - extent);
      const less = Math.floor(total / 2);
      [begin, end] = auto === "SAME_UPPER" ? [less, total - less] : [total - less, less];
    }
    const window = { extent, before: begin, kernel: own[axis], stride: step, dilation: dilation[axis] };
    const out = ceil ? ceilOutputsOf(window, end) : outputsOf(window, end);
    if (out < 1) refuse("window", `at most ${extent + begin + end}, the padded image`, `${span}`);
    const needed = paddingBehind(window, out);
    return {
      ...{ kernel: own[axis], stride: step, dilation: dilation[axis], out },
      ...{ begin: begin + lead, end: (ceil ? needed : end) + trail },
      ...{ beyond: needed > end, padded: begin + end > 0 },
      alone: seesPaddingAlone({ ...window, extent: inside, before: begin + lead }, out),
    };
  });
}

/** What {@link checkPool} reads: extents of every axis, sides in front and behind. */
interface PoolSlides extends Readonly<Record<"kernel" | "padding" | "dilation", readonly number[]>> {
  readonly alone: boolean;
}

/**
 * Whether an average pool counts padding. What ceil mode reaches beyond never counts, so that without padding the
 * pixels alone do.
 * @param what the input's name in the refusal of counted padding that ceil mode goes beyond
 */
export function countsPadding(
  node: GraphNode,
  importing: Importing,
  { beyond, padded }: Pick<Slide, "beyond" | "padded">,
  what: string,
): boolean {
  const counts = node.op === "AveragePool" && node.attributes.int("count_include_pad", 0) !== 0;
  if (counts && beyond && padded) {
    const expected = `windows inside the padded ${what}`;
    importing.refuse(node, "count_include_pad", expected, "ceil_mode that reaches beyond it");
  }
  return counts && !beyond;
}

/** Refuses windows that this library's pools do not take. */
export function checkPool(
  node: GraphNode,
  importing: Importing,
  { kernel, padding, dilation, alone }: PoolSlides,
): void {
  const spans = kernel.map((taps, axis) => spanOf(taps, dilation[axis]));
  if (padding.some((side, i) => side >= spans[i >> 1])) {
    importing.refuse(node, "padding of a pool", `less than ${spans.join("×")}`, `[${padding}]`);
  }
  if (alone) {
    const got = `pads [${padding}] and dilations [${dilation}]`;
    importing.refuse(node, "windows of a pool", "a value of the input in each", got);
  }
}

/** Padding as short as layers can be given it. Four numbers may be more than half of a pool's window. */
export function shortPadding({ padding, kernel, dilation }: Window): Padding {
  const [top, bottom, left, right] = padding;
  const [tall, wide] = [spanOf(kernel[0], dilation[0]), spanOf(kernel[1], dilation[1])];
  if (2 * top > tall || 2 * left > wide) return [top, bottom, left, right];
  if (top !== bottom || left !== right) return [top, bottom, left, right];
  return short([top, left]);
}

/** A pair as one number if both are the same. */
export function short(numbers: readonly [number, number]): number | [number, number] {
  return numbers[0] === numbers[1] ? numbers[0] : [...numbers];
}
