/** @file What pools have in common: windows that see a pixel each. */
import { seesPaddingAlone } from "../../core/slide.js";
import { type PlanWindow, slidingAxis } from "../window.js";
import { slid, type Typing } from "./kind.js";

/** A pool. */
export interface PlanPool extends PlanWindow {
  readonly id: string;
  readonly input: string;
}

/** Shape of a pool's value. */
export function pooled(node: PlanPool, typing: Typing): readonly number[] {
  const { inputs, refuse } = typing;
  const [{ shape }] = inputs;
  const out = slid(typing, node, shape[2]);
  // What sees padding alone has no largest and no mean.
  if (([0, 1] as const).some((axis) => seesPaddingAlone(slidingAxis(node, axis, shape[axis]), out[axis]))) {
    refuse("padding", "a pixel of the image in every window", `[${node.padding.join(",")}]`);
  }
  return out;
}
