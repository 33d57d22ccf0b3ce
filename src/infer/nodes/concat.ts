/** @file `concat`: values joined along the last axis. */
import type { PlanConcat } from "../../format/nodes/concat.js";
import { elementBytes } from "../../format/value.js";
import type { StepMaker } from "../step.js";
import { layoutOf, scatterOf } from "../strided.js";

export const concat: StepMaker<PlanConcat> = ({ inputs, output, size, constants }) => {
  const scatter = scatterOf(output);
  const wide = output.shape[output.shape.length - 1];
  const rows = size / wide;
  let offset = 0;
  const parts = inputs.map(({ shape }) => {
    const own = shape[shape.length - 1];
    const part = { offset: offset * elementBytes(output), layout: layoutOf(constants, [rows, own], [wide, 1]) };
    offset += own;
    return part;
  });
  return (batch, sources, y) => {
    for (let i = 0; i < parts.length; i++) scatter(sources[i], y + parts[i].offset, 2, parts[i].layout(batch));
  };
};
