/** @file `layerNorm`: normalization over the last axes, in f32. */
import { boolean, integer, real as realNumber } from "../../fields.js";
import { floats } from "../../tensors.js";
import { type Kind, sameReal } from "../kind.js";

/** Normalization over the last axes by their own mean and variance, in f32. */
export interface PlanLayerNorm {
  readonly op: "layerNorm";
  readonly id: string;
  readonly input: string;
  /** How many of the last axes. */
  readonly axes: number;
  /** Added to the variance; an f32 number. */
  readonly eps: number;
  /** Multiplied by afterwards, and then added: tensors of the normalized extents. */
  readonly scale: boolean;
  readonly shift: boolean;
}

export const layerNorm: Kind<PlanLayerNorm> = {
  fields: { axes: integer(1, 3), eps: realNumber, scale: boolean, shift: boolean },
  value(node, typing) {
    const { shape } = typing.inputs[0];
    if (node.axes > shape.length) typing.refuse("axes", `at most ${shape.length}`, `${node.axes}`);
    if (node.eps < 0) typing.refuse("eps", "a number of at least 0", `${node.eps}`);
    return sameReal(node, typing);
  },
  tensors: ({ axes, scale, shift }, { shape }) => [
    ...(scale ? [floats("scale", shape.slice(-axes))] : []),
    ...(shift ? [floats("shift", shape.slice(-axes))] : []),
  ],
  reads: () => 4,
};
