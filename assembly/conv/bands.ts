/** @file Bands of output lines: the input lines under a band are prepared once for all of its lines. */
import { inHOf, inWOf, linesUnder, outHOf } from "../shared/geometry";

/** Output lines of a band. */
const BAND: i32 = 8;

/** Output lines of the largest band. */
// @ts-ignore: decorator
@inline
export function bandLines(g: usize): i32 {
  return min(BAND, outHOf(g));
}

/** Output lines of the band that begins with `line`, in one image and before `end`. */
// @ts-ignore: decorator
@inline
export function bandAt(g: usize, line: i32, end: i32): i32 {
  return min(min(BAND, outHOf(g) - line % outHOf(g)), end - line);
}

/** Input lines under the largest band. */
// @ts-ignore: decorator
@inline
export function linesUnderBand(g: usize): i32 {
  return linesUnder(g, bandLines(g));
}

/** Line `ih` of the image that output line `line` belongs to, of bytes; 0 beside it. */
// @ts-ignore: decorator
@inline
export function inputLine(x: usize, g: usize, line: i32, ih: i32, bytes: usize): usize {
  if (ih < 0 || ih >= inHOf(g)) return 0;
  return x + (<usize>(line / outHOf(g)) * <usize>inHOf(g) + <usize>ih) * bytes;
}

/** Pixels under a line of output, its columns rounded up to a multiple of 4. */
// @ts-ignore: decorator
@inline
export function pixelsUnderLine(columns: i32, stride: i32, kernelW: i32): i32 {
  return (((columns + 3) & ~3) - 1) * stride + kernelW;
}
