/** @file Sliding windows of a plan: their fields, and the extents that they give. */
import { outputsOf, type SlidingAxis } from "../core/slide.js";
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

/** A window along the rows (axis 0) or columns (axis 1) of an image. */
export function slidingAxis(
  { kernel, stride, padding, dilation }: PlanWindow,
  axis: 0 | 1,
  extent: number,
): SlidingAxis {
  return { extent, before: padding[2 * axis], kernel: kernel[axis], stride: stride[axis], dilation: dilation[axis] };
}

/** Output height and width of a window over an h×w image. */
export function windowExtents(window: PlanWindow, h: number, w: number): [number, number] {
  const { padding } = window;
  return [outputsOf(slidingAxis(window, 0, h), padding[1]), outputsOf(slidingAxis(window, 1, w), padding[3])];
}
