/** @file `slice` in C: elements start, start + step, … of each axis. */
import { sizeOf } from "../../../core/shape.js";
import type { PlanSlice } from "../../../format/nodes/slice.js";
import { type CLowering, loop } from "../lowering.js";

export const slice: CLowering<PlanSlice> = ({ node, input }) => {
  const own = input.shape.map((_, i) => sizeOf(input.shape.slice(i + 1)));
  const offset = node.start.reduce((sum, start, i) => sum + start * own[i], 0);
  const at = node.step.map((step, i) => `i${i} * ${step * own[i]}`).join(" + ");
  const copy = [`*y++ = x[${offset} + ${at}];`];
  return { body: node.count.reduceRight((body, count, i) => loop(`i${i}`, count, body), copy) };
};
