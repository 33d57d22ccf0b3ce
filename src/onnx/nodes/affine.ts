/** @file `affine` as Mul and Add. */
import type { NodeOf } from "../../format/index.js";
import { type NodeEmitter, vectorOf } from "../emitter.js";

export const affine: NodeEmitter<NodeOf<"affine">> = (emission) => {
  const { node, data, emitter, x } = emission;
  const { builder } = emitter;
  const factors = [x.name, vectorOf(emission, "scale", data.scale as Float32Array)];
  const scaled = builder.node("Mul", factors, `${node.id}/scaled`);
  return [builder.node("Add", [scaled, vectorOf(emission, "shift", data.shift as Float32Array)], node.id), x.order];
};
