/** @file `channel` as Add, Sub, Mul or Div. */
import type { NodeOf } from "../../format/index.js";
import { type NodeEmitter, vectorOf } from "../emitter.js";

const OPERATORS = { add: "Add", sub: "Sub", mul: "Mul", div: "Div" } as const;

export const channel: NodeEmitter<NodeOf<"channel">> = (emission) => {
  const { node, data, emitter, x } = emission;
  const inputs = [x.name, vectorOf(emission, "value", data.value as Float32Array)];
  return [emitter.builder.node(OPERATORS[node.fn], inputs, node.id), x.order];
};
