/** @file `floatLinear` as Gemm. */
import type { NodeOf } from "../../format/index.js";
import { floatWeights } from "../../format/nodes/float-layer.js";
import type { NodeEmitter } from "../emitter.js";

export const floatLinear: NodeEmitter<NodeOf<"floatLinear">> = ({ node, data, emitter: { builder }, x }) => {
  const { id, out } = node;
  const own = floatWeights(data, out, 1);
  const { order } = x;
  const inputs = own.length / out;
  const weight = order === null ? own : own.map((_, at) => own[Math.floor(at / inputs) * inputs + order[at % inputs]]);
  const names = [x.name, builder.constant(`${id}/weight`, [out, inputs], weight)];
  if (data.bias !== undefined) names.push(builder.constant(`${id}/bias`, [out], data.bias));
  return [builder.node("Gemm", names, id, { transB: 1 })];
};
