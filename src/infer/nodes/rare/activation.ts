/** @file `activation`: a function of each element, by the twins of training's kernels, which give the same bits. */

import type { PlanNodeActivation } from "../../../format/nodes/rare/activation.js";
import { sigmoid, tanh } from "../../../kernels/elementwise/lanes.js";
import type { StepMaker } from "../../step.js";

export const activation: StepMaker<PlanNodeActivation> = ({ node, size, heap }) => {
  const f = functionOf(node);
  return (batch, [from], to) => {
    const x = heap().f32(from, batch * size);
    const y = heap().f32(to, batch * size);
    for (let i = 0; i < x.length; i++) y[i] = f(x[i]);
  };
};

function functionOf({ fn, alpha, beta }: PlanNodeActivation): (x: number) => number {
  if (fn === "sigmoid") return sigmoid;
  if (fn === "tanh") return tanh;
  const [lo, hi] = [alpha ?? -Infinity, beta ?? Infinity];
  return (x) => (x < lo ? lo : x > hi ? hi : x);
}
