/** @file Geometry of 2-d windows over NHWC images: extents, padding, and the block that kernels read. */
import { check, describe, either, integer, listOf, oneOf, type Rule, record } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { checkShape, type Shape, shapeText } from "../core/shape.js";
import { ceilOutputsOf, outputsOf, slidingAxes, spanOf } from "../core/slide.js";
import type { Ptr } from "../kernels/abi.js";
import type { Convolution, Geometry } from "../kernels/choose.js";
import { GEOMETRY_FIELDS } from "../kernels/geometry.js";
import { withInts } from "./scratch.js";

export type { Convolution, Geometry } from "../kernels/choose.js";

/**
 * Zeros around an image: one number for all sides, [vertical, horizontal], [top, bottom, left, right], `"valid"` for
 * none, or `"same"` for an output of ⌈in/stride⌉, the odd one at the bottom and right.
 */
export type Padding = number | readonly [number, number] | readonly [number, number, number, number] | "same" | "valid";

/** One number for both axes, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

/** Extents, strides, pads and dilations are 32-bit integers in kernels. */
const MOST = 2 ** 31 - 1;
/** Taps of a window, at most: f32 counts them exactly. */
const MOST_TAPS = 2 ** 24;

/** Rule of a {@link Pair} of integers from `least` on. */
function pairOf(least: number): Rule {
  return either(integer(least, MOST), listOf(integer(least, MOST), 2));
}
const side = integer(0, MOST);
const sidesOf2 = listOf(side, 2);
/** Rule of a {@link Padding}. */
const paddingRule: Rule = either(side, sidesOf2, listOf(side, 4), oneOf("same", "valid"));

/** How a window moves. */
export interface WindowOptions {
  /** Default 1 for convolutions, the kernel's extents for pools. */
  stride?: Pair;
  /** Default 0. */
  padding?: Padding;
  /** Distance between taps; default 1. */
  dilation?: Pair;
}

/** A number or a list of them, in full. */
function shown(value: unknown): string {
  if (typeof value === "string") return describe(value).slice(1, -1);
  return Array.isArray(value) && value.length <= 4 ? Array.from(value, describe).join(",") : describe(value);
}

/** Both numbers of a pair. @throws ArgumentError unless they are integers of at least `least` */
export function pair(op: string, what: string, value: Pair, least: number): [number, number] {
  if (typeof value === "number" && typeof least === "number" && value >= least && (value | 0) === value)
    return [value, value];
  check(op, "least", least, integer(0));
  if (pairOf(least)(value) !== null) {
    throw new ArgumentError({ op, what: `bad ${what}`, expected: `an integer ≥ ${least} or two`, got: shown(value) });
  }
  return typeof value === "number" ? [value, value] : [value[0], value[1]];
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
  if (side(padding) !== null && paddingRule(padding) !== null) {
    throw new ArgumentError({
      op,
      what: "bad padding",
      expected: 'an integer ≥ 0, [vertical, horizontal], [top, bottom, left, right], "same" or "valid"',
      got: shown(padding),
    });
  }
  if (list.length === 4) return [...list];
  const horizontal = list[list.length - 1];
  return [list[0], list[0], horizontal, horizontal];
}

/**
 * Geometry of windows over an image batch. Output extent = ⌊(in + padding − dilation·(kernel − 1) − 1)/stride⌋ + 1,
 * or, in ceil mode, ⌈…⌉ + 1 without a window that would start in the padding behind.
 *
 * @param input [N,H,W,C]
 * @param channels channels that one pass works on (C/groups); default C
 * @throws ShapeError if the input is not of rank 4 or smaller than the window; ArgumentError on bad options
 */
export function windowGeometry(
  op: string,
  input: Shape,
  kernel: readonly [number, number],
  options: WindowOptions & {
    /** Round outputs up: the last window may reach beyond the padded image, but starts in front of its end. */
    ceilMode?: boolean;
  },
  channels?: number,
): Geometry {
  checkShape(op, input);
  if (input.length !== 4) {
    throw new ShapeError({ op, what: "input rank", expected: "images [N,H,W,C]", got: shapeText(input) });
  }
  check(op, "options", options, record);
  if (sidesOf2(kernel) !== null || kernel[0] * kernel[1] > MOST_TAPS || kernel[0] * kernel[1] === 0) {
    const expected = `two extents ≥ 1, at most 2^24 taps`;
    throw new ShapeError({ op, what: "window", expected, got: shown(kernel) });
  }
  const along = channels ?? input[3];
  check(op, "channels", along, side);
  if (input[1] === 0 || input[2] === 0 || along === 0) {
    const expected = "at least one row, column and channel";
    throw new ShapeError({ op, what: "images without elements", expected, got: shapeText(input) });
  }
  const strides = pair(op, "stride", options.stride ?? 1, 1);
  const dilation = pair(op, "dilation", options.dilation ?? 1, 1);
  const extents = [input[1], input[2]] as const;
  const spans = [spanOf(kernel[0], dilation[0]), spanOf(kernel[1], dilation[1])] as const;
  const [top, bottom, left, right] = sides(op, options.padding ?? 0, extents, spans, strides);
  const geometry = {
    batch: input[0],
    inH: input[1],
    inW: input[2],
    channels: along,
    kernelH: kernel[0],
    kernelW: kernel[1],
    strideH: strides[0],
    strideW: strides[1],
    padTop: top,
    padLeft: left,
    dilationH: dilation[0],
    dilationW: dilation[1],
    outH: 0,
    outW: 0,
    channelStride: input[3],
  };
  const outputs = options.ceilMode ? ceilOutputsOf : outputsOf;
  const [down, across] = slidingAxes(geometry);
  geometry.outH = outputs(down, bottom);
  geometry.outW = outputs(across, right);
  if (geometry.outH < 1 || geometry.outW < 1) {
    throw new ShapeError({
      op,
      what: "window larger than the padded input",
      expected: `at least ${spans[0]}×${spans[1]}`,
      got: `${extents[0] + top + bottom}×${extents[1] + left + right} from ${shapeText(input)}`,
    });
  }
  checkGeometry(op, geometry, input);
  return geometry;
}

/**
 * Refuses a geometry that is not one of windows over `input`, or whose places 32 bits cannot hold.
 *
 * @param input [N,H,W,C]
 * @throws ArgumentError, ShapeError
 */
export function checkGeometry(op: string, geometry: Geometry, input: Shape): void {
  check(op, "geometry", geometry, record);
  for (let i = 0; i < GEOMETRY_FIELDS.length; i++) {
    const value = geometry[GEOMETRY_FIELDS[i]];
    // 32-bit integers alone are what `| 0` leaves as they are.
    if (typeof value !== "number" || (value | 0) !== value || value < LEAST[i]) {
      check(op, GEOMETRY_FIELDS[i], value, LEAST[i] === 0 ? side : positive);
    }
  }
  const { batch, inH, inW, channels, channelStride, outH, outW } = geometry;
  const fits =
    input.length === 4 && input[0] === batch && input[1] === inH && input[2] === inW && input[3] === channelStride;
  if (!fits || channels > channelStride) {
    const expected = `images ${shapeText([batch, inH, inW, channelStride])} of at least ${channels} channels`;
    throw new ShapeError({ op, what: "input does not fit the windows", expected, got: shapeText(input) });
  }
  const { kernelH, kernelW, strideH, strideW, dilationH, dilationW, padTop, padLeft } = geometry;
  const down = Math.max(padTop + inH, (outH - 1) * strideH + (kernelH - 1) * dilationH + 1);
  const across = Math.max(padLeft + inW, (outW - 1) * strideW + (kernelW - 1) * dilationW + 1);
  if (down > MOST || across > MOST || kernelH * kernelW > MOST_TAPS) {
    throw new ShapeError({
      op,
      what: "windows are too large",
      expected: "padded extents below 2^31, at most 2^24 taps",
      got: `${down}×${across}, ${kernelH}×${kernelW} taps`,
    });
  }
}
const positive = integer(1, MOST);
const LEAST = GEOMETRY_FIELDS.map((field) => (field === "batch" || field.startsWith("pad") ? 0 : 1));

/**
 * Refuses what is no convolution of `input`; see {@link checkGeometry}.
 *
 * @param filters output channels
 * @throws ArgumentError, ShapeError
 */
export function checkConvolution(op: string, conv: Convolution, input: Shape, filters: number): void {
  if (conv === null || typeof conv !== "object") check(op, "convolution", conv, record);
  checkGeometry(op, conv.geometry, input);
  const { geometry, groups } = conv;
  if (positive(groups) === null && geometry.channels * groups === input[3] && filters > 0 && filters % groups === 0)
    return;
  throw new ShapeError({
    op,
    what: "groups do not fit",
    expected: `${describe(groups)} groups of ${geometry.channels} input channels, and filters for each`,
    got: `${input[3]} channels, ${filters} filters`,
  });
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
  check("positions", "geometry", geometry, record);
  return geometry.batch * geometry.outH * geometry.outW;
}

/** Taps of the window. */
export function taps(geometry: Geometry): number {
  check("taps", "geometry", geometry, record);
  return geometry.kernelH * geometry.kernelW;
}
