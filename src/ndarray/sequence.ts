/** @file Sequences [N,T,C] as images of one row: windows over time are windows over images. */
import { check, describe, either, integer, listOf, oneOf, type Rule } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import type { NDArray } from "./ndarray.js";
import type { Padding, WindowOptions } from "./window.js";

/** Zeros around a sequence: one number for both ends, [before, after], `"valid"` for none, or `"same"`. */
export type SequencePadding = number | readonly [number, number] | "same" | "valid";

/** How a window moves along time. */
export interface SequenceWindow {
  /** Default 1 for convolutions, the kernel for pools. */
  stride?: number;
  /** Default 0. */
  padding?: SequencePadding;
  /** Distance between taps; default 1. */
  dilation?: number;
}

const MOST = 2 ** 31 - 1;
const step = integer(1, MOST);
const side = integer(0, MOST);
/** Rule of a {@link SequencePadding}. */
export const isSequencePadding: Rule = either(side, listOf(side, 2), oneOf("same", "valid"));

/** [N,1,T,C] of [N,T,C]. @throws ShapeError */
export function imageShape(op: string, shape: Shape): number[] {
  if (shape.length !== 3) {
    throw new ShapeError({ op, what: "input rank", expected: "sequences [N,T,C]", got: shapeText(shape) });
  }
  return [shape[0], 1, shape[1], shape[2]];
}

/** [O,I,1,K] of [O,I,K]. @throws ShapeError */
export function filterShape(op: string, shape: Shape): number[] {
  if (shape.length !== 3) {
    throw new ShapeError({ op, what: "weight rank", expected: "[O,I,K]", got: shapeText(shape) });
  }
  return [shape[0], shape[1], 1, shape[2]];
}

/** [N,T,C] of [N,1,T,C]. */
export function sequenceShape([n, , t, c]: Shape): number[] {
  return [n, t, c];
}

/** A sequence as images of one row; shares memory. @throws ShapeError */
export function asImage(op: string, x: NDArray): NDArray {
  return x.reshape(imageShape(op, x.shape));
}

/** A batch of images of one row as sequences; shares memory. */
export function asSequence(y: NDArray): NDArray {
  return y.reshape(sequenceShape(y.shape));
}

/** Rows of filters as filters of one row; shares memory. @throws ShapeError */
export function asFilters(op: string, weight: NDArray): NDArray {
  return weight.reshape(filterShape(op, weight.shape));
}

/**
 * How the window over images moves.
 * @param otherwise the stride where none is given
 * @throws ArgumentError
 */
export function imageWindow(op: string, options: SequenceWindow, otherwise = 1): Required<WindowOptions> {
  const { stride = otherwise, padding = 0, dilation = 1 } = options;
  check(op, "stride", stride, step);
  check(op, "dilation", dilation, step);
  if (isSequencePadding(padding) !== null) {
    const expected = 'an integer ≥ 0, [before, after], "same" or "valid"';
    throw new ArgumentError({ op, what: "bad padding", expected, got: describe(padding) });
  }
  const around: Padding =
    typeof padding === "string" ? padding : typeof padding === "number" ? [0, padding] : [0, 0, padding[0], padding[1]];
  return { stride: [1, stride], padding: around, dilation: [1, dilation] };
}
