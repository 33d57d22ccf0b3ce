/**
 * @file The 15 integers of a window geometry (GEOMETRY_FIELDS in src/kernels/abi.ts) and ranges of taps inside the
 * image.
 */

// @ts-ignore: decorator
@inline
export function batchOf(g: usize): i32 {
  return load<i32>(g);
}
// @ts-ignore: decorator
@inline
export function inHOf(g: usize): i32 {
  return load<i32>(g, 4);
}
// @ts-ignore: decorator
@inline
export function inWOf(g: usize): i32 {
  return load<i32>(g, 8);
}
// @ts-ignore: decorator
@inline
export function channelsOf(g: usize): i32 {
  return load<i32>(g, 12);
}
// @ts-ignore: decorator
@inline
export function kernelHOf(g: usize): i32 {
  return load<i32>(g, 16);
}
// @ts-ignore: decorator
@inline
export function kernelWOf(g: usize): i32 {
  return load<i32>(g, 20);
}
// @ts-ignore: decorator
@inline
export function strideHOf(g: usize): i32 {
  return load<i32>(g, 24);
}
// @ts-ignore: decorator
@inline
export function strideWOf(g: usize): i32 {
  return load<i32>(g, 28);
}
// @ts-ignore: decorator
@inline
export function padTopOf(g: usize): i32 {
  return load<i32>(g, 32);
}
// @ts-ignore: decorator
@inline
export function padLeftOf(g: usize): i32 {
  return load<i32>(g, 36);
}
// @ts-ignore: decorator
@inline
export function dilationHOf(g: usize): i32 {
  return load<i32>(g, 40);
}
// @ts-ignore: decorator
@inline
export function dilationWOf(g: usize): i32 {
  return load<i32>(g, 44);
}
// @ts-ignore: decorator
@inline
export function outHOf(g: usize): i32 {
  return load<i32>(g, 48);
}
// @ts-ignore: decorator
@inline
export function outWOf(g: usize): i32 {
  return load<i32>(g, 52);
}
// @ts-ignore: decorator
@inline
export function channelStrideOf(g: usize): i32 {
  return load<i32>(g, 56);
}

/** First tap t ≥ 0 with start + t·dilation ≥ 0, at most `taps`. */
// @ts-ignore: decorator
@inline
export function firstTap(start: i32, dilation: i32, taps: i32): i32 {
  return start >= 0 ? 0 : min(taps, (dilation - 1 - start) / dilation);
}

/** One past the last tap with start + t·dilation < extent, at least `first`. */
// @ts-ignore: decorator
@inline
export function lastTap(start: i32, dilation: i32, taps: i32, extent: i32, first: i32): i32 {
  return max(first, start >= extent ? 0 : min(taps, (extent - 1 - start) / dilation + 1));
}

/** Input lines under `lines` output lines. */
// @ts-ignore: decorator
@inline
export function linesUnder(g: usize, lines: i32): i32 {
  return (lines - 1) * strideHOf(g) + (kernelHOf(g) - 1) * dilationHOf(g) + 1;
}
