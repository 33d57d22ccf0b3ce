/** @file Sliding windows of a plan: their fields, and the extents that they give. */
import { count, extent, list } from "./fields.js";

/** Geometry of a sliding window. */
export interface PlanWindow {
  readonly kernel: readonly [h: number, w: number];
  readonly stride: readonly [h: number, w: number];
  readonly padding: readonly [top: number, bottom: number, left: number, right: number];
  readonly dilation: readonly [h: number, w: number];
}

/** Checks of a window's fields. */
export const WINDOW_FIELDS = {
  kernel: list(extent, 2),
  stride: list(extent, 2),
  padding: list(count, 4),
  dilation: list(extent, 2),
};

/** Pixels of a window. */
export function tapsOf({ kernel }: Pick<PlanWindow, "kernel">): number {
  return kernel[0] * kernel[1];
}

/** Products per output of a convolution in groups over [H,W,C]. */
export function patchOf(
  { kernel, groups = 1 }: Pick<PlanWindow, "kernel"> & { readonly groups?: number },
  { shape }: { readonly shape: readonly number[] },
): number {
  return (kernel[0] * kernel[1] * shape[2]) / groups;
}

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
