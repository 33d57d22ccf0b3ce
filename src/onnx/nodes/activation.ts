/** @file `activation` as the operator of its function. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const activation: NodeEmitter<NodeOf<"activation">> = ({ node, emitter, x }) => {
  const { fn, alpha, beta, id } = node;
  if (fn !== "clip") return [emitter.builder.node(fn === "tanh" ? "Tanh" : "Sigmoid", [x.name], id), x.order];
  const bounds = [alpha, beta].map((bound) => (bound === undefined ? "" : emitter.f32(bound)));
  while (bounds.at(-1) === "") bounds.pop();
  return [emitter.builder.node("Clip", [x.name, ...bounds], id), x.order];
};
