/** @file `channel` in C: each channel combined with a constant. */
import type { PlanChannel } from "../../../format/nodes/channel.js";
import { type CLowering, loop } from "../lowering.js";

const OPERATORS = { add: "+", sub: "-", mul: "*", div: "/" } as const;

export const channel: CLowering<PlanChannel> = ({ node, size, data, module }) => {
  const value = data.value as Float32Array;
  const { name } = module.floats("value", value);
  const body = loop("i", size / value.length, [
    ...loop("c", value.length, [`*y++ = *x++ ${OPERATORS[node.fn]} ${name}[c];`]),
  ]);
  return { body, inPlace: true };
};
