/** @file `activation`: a function of each element, by what training's kernels compute, bit for bit. */
import type { PlanNodeActivation } from "../../../format/nodes/rare/activation.js";
import { ACTIVATIONS, type ActivationFunction } from "../../../kernels/elementwise/functions.js";
import * as lanes from "../../../kernels/elementwise/lanes.js";
import type { StepMaker } from "../../step.js";

export const activation: StepMaker<PlanNodeActivation> = ({ node, size, output, data, heap }) => {
  const channels = output.shape[output.shape.length - 1];
  const f = functionOf(node, data.value);
  return (batch, [from], to) => {
    const x = heap().f32(from, batch * size);
    const y = heap().f32(to, batch * size);
    for (let i = 0; i < x.length; i++) y[i] = f(x[i], i % channels);
  };
};

/** The function of an element and its channel. */
function functionOf(
  { fn, alpha, beta }: PlanNodeActivation,
  slopes: Float32Array | undefined,
): (x: number, channel: number) => number {
  switch (fn) {
    case "sigmoid":
      return lanes.sigmoid;
    case "tanh":
      return lanes.tanh;
    case "clip": {
      const [lo, hi] = [alpha ?? -Infinity, beta ?? Infinity];
      return (x) => (x < lo ? lo : hi < x ? hi : x);
    }
    case "prelu":
      return (x, channel) => (x > 0 ? x : (slopes as Float32Array)[channel] * x);
    default: {
      const { value }: ActivationFunction = ACTIVATIONS[fn];
      return (x) => value(x, alpha ?? 0, beta ?? 0, lanes);
    }
  }
}
