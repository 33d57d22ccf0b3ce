/** @file `concat` in C: values joined along the last axis. */
import type { PlanConcat } from "../../../format/nodes/concat.js";
import { type CLowering, loop } from "../lowering.js";

export const concat: CLowering<PlanConcat> = ({ inputs, output, size }) => {
  const rows = size / output.shape[output.shape.length - 1];
  const copies = inputs.flatMap(({ shape }, i) =>
    loop("c", shape[shape.length - 1], [`*y++ = *${i === 0 ? "x" : `x${i}`}++;`]),
  );
  return { body: loop("row", rows, copies) };
};
