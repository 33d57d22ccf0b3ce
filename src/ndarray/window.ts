/** @file Geometry of 2-d windows over NHWC images: extents, padding, and the block that kernels read. */
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import { GEOMETRY_FIELDS, type Ptr } from "../kernels/abi.js";
import { withInts } from "./scratch.js";

/** Extents of a window operation; see the kernel ABI. */
export type Geometry = Readonly<Record<(typeof GEOMETRY_FIELDS)[number], number>>;

/**
 * Zeros around an image: one number for all sides, [vertical, horizontal], [top, bottom, left, right], `"valid"` for none, or `"same"`
 * for an output of ⌈in/stride⌉, the odd one at the bottom and right.
 */
export type Padding = number | readonly [number, number] | readonly [number, number, number, number] | "same" | "valid";

/** One number for both axes, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

/** How a window moves. */
export interface WindowOptions {
  /** Default 1 for convolutions, the kernel's extents for pools. */
  stride?: Pair;
  /** Default 0. */
  padding?: Padding;
  /** Distance between taps; default 1. */
  dilation?: Pair;
}

/** Both numbers of a pair. @throws ArgumentError unless they are integers of at least `least` */
export function pair(op: string, what: string, value: Pair, least: number): [number, number] {
  const both: readonly number[] = typeof value === "number" ? [value, value] : value;
  if (both.length !== 2 || !both.every((item) => Number.isInteger(item) && item >= least)) {
    throw new ArgumentError({ op, what: `bad ${what}`, expected: `an integer ≥ ${least} or two`, got: `${value}` });
  }
  return [both[0], both[1]];
}

/** [top, bottom, left, right] of a padding; `same` depends on the extents. */
function sides(
  op: string,
  padding: Padding,
  extents: readonly [number, number],
  spans: readonly [number, number],
  strides: readonly [number, number],
): number[] {
  if (padding === "valid") return [0, 0, 0, 0];
  if (padding === "same") {
    return [0, 1].flatMap((axis) => {
      const out = Math.ceil(extents[axis] / strides[axis]);
      const total = Math.max(0, (out - 1) * strides[axis] + spans[axis] - extents[axis]);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
  }
  const list: readonly number[] = typeof padding === "number" ? [padding] : padding;
  if (
    typeof padding === "string" ||
    ![1, 2, 4].includes(list.length) ||
    !list.every((item) => Number.isInteger(item) && item >= 0)
  ) {
    throw new ArgumentError({
      op,
      what: "bad padding",
      expected: 'an integer ≥ 0, [vertical, horizontal], [top, bottom, left, right], "same" or "valid"',
      got: `${padding}`,
    });
  }
  if (list.length === 4) return [...list];
  const horizontal = list[list.length - 1];
  return [list[0], list[0], horizontal, horizontal];
}

/**
 * Geometry of windows over an image batch. Output extent = ⌊(in + padding − dilation·(kernel − 1) − 1)/stride⌋ + 1.
 *
 * @param input [N,H,W,C]
 * @param channels channels that one pass works on (C, or C/groups)
 * @throws ShapeError if the input is not of rank 4 or smaller than the window; ArgumentError on bad options
 */
export function windowGeometry(
  op: string,
  input: Shape,
  kernel: readonly [number, number],
  options: WindowOptions,
  channels: number = input[3],
): Geometry {
  if (input.length !== 4) {
    throw new ShapeError({ op, what: "input rank", expected: "images [N,H,W,C]", got: shapeText(input) });
  }
  const strides = pair(op, "stride", options.stride ?? 1, 1);
  const dilation = pair(op, "dilation", options.dilation ?? 1, 1);
  const extents = [input[1], input[2]] as const;
  const spans = [dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1] as const;
  const [top, bottom, left, right] = sides(op, options.padding ?? 0, extents, spans, strides);
  const outH = Math.floor((extents[0] + top + bottom - spans[0]) / strides[0]) + 1;
  const outW = Math.floor((extents[1] + left + right - spans[1]) / strides[1]) + 1;
  if (outH < 1 || outW < 1) {
    throw new ShapeError({
      op,
      what: "window larger than the padded input",
      expected: `at least ${spans[0]}×${spans[1]}`,
      got: `${extents[0] + top + bottom}×${extents[1] + left + right} from ${shapeText(input)}`,
    });
  }
  return {
    batch: input[0],
    inH: input[1],
    inW: input[2],
    channels,
    kernelH: kernel[0],
    kernelW: kernel[1],
    strideH: strides[0],
    strideW: strides[1],
    padTop: top,
    padLeft: left,
    dilationH: dilation[0],
    dilationW: dilation[1],
    outH,
    outW,
    channelStride: input[3],
  };
}

/** A convolution: windows over one group's channels, and how many groups there are. `geometry.channels` = I/groups. */
export interface Convolution {
  readonly geometry: Geometry;
  readonly groups: number;
}

/** Runs `fn` with the address of the geometry block. */
export function withGeometry<T>(geometry: Geometry, fn: (ptr: Ptr) => T): T {
  return withInts(
    GEOMETRY_FIELDS.map((field) => geometry[field]),
    fn,
  );
}

/** Output positions in the whole batch. */
export function positions(geometry: Geometry): number {
  return geometry.batch * geometry.outH * geometry.outW;
}

/** Taps of the window. */
export function taps(geometry: Geometry): number {
  return geometry.kernelH * geometry.kernelW;
}
