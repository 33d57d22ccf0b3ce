/** @file What pools have in common: a window whose padding is at most half of it. */
import type { PlanWindow } from "../window.js";
import { slid, type Typing } from "./kind.js";

/** A pool. */
export interface PlanPool extends PlanWindow {
  readonly id: string;
  readonly input: string;
}

/** Shape of a pool's value. */
export function pooled(node: PlanPool, typing: Typing): readonly number[] {
  const { kernel, padding, dilation } = node;
  const { inputs, refuse } = typing;
  const [{ shape }] = inputs;
  const out = slid(typing, node, shape[2]);
  // Otherwise some window could see padding alone, and have no largest and no mean.
  const [top, bottom, left, right] = padding;
  const h = Math.min(Math.floor(kernel[0] / 2), shape[0]);
  const w = Math.min(Math.floor(kernel[1] / 2), shape[1]);
  if (Math.max(top, bottom) > h || Math.max(left, right) > w) {
    refuse("padding", "at most half of the window, and at most the image", `[${padding.join(",")}]`);
  }
  if (top + bottom + left + right > 0 && Math.max(...dilation) > 1) {
    refuse("dilation of a padded pool", "1", `${Math.max(...dilation)}`);
  }
  return out;
}
