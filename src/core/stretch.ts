/** @file Pixels at a distance from each other: which of them lie in an image, and where. */

/** Pixels start … start + count − 1 of an axis; the first of them lies at `at`. */
export interface Inside {
  readonly start: number;
  readonly count: number;
  readonly at: number;
}

/** Which of `extent` pixels that lie at first + i·stride are in [0, room). */
export function inside(first: number, stride: number, extent: number, room: number): Inside {
  const start = Math.max(0, Math.ceil(-first / stride));
  const end = Math.min(extent, Math.floor((room - 1 - first) / stride) + 1);
  return { start, count: Math.max(0, end - start), at: first + start * stride };
}
