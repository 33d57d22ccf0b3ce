/** @file `floatConv` as Conv. */
import { channelsFirst } from "../../codes/rows.js";
import type { NodeOf } from "../../format/index.js";
import { floatWeights } from "../../format/nodes/float-layer.js";
import { type NodeEmitter, windowAttributes } from "../emitter.js";

export const floatConv: NodeEmitter<NodeOf<"floatConv">> = ({ node, data, emitter: { builder }, x }) => {
  const { id, groups = 1, kernel, out } = node;
  const taps = kernel[0] * kernel[1];
  // Weights as in training are ONNX's; codes lie as the runtime multiplies them.
  const values = data.weight ?? channelsFirst(floatWeights(data, out, taps), out, taps);
  const weight = builder.constant(`${id}/weight`, [out, x.type.shape[2] / groups, ...kernel], values);
  const bias = data.bias === undefined ? [] : [builder.constant(`${id}/bias`, [out], data.bias)];
  const attributes = { ...windowAttributes(node), ...(groups > 1 && { group: groups }) };
  return [builder.node("Conv", [x.name, weight, ...bias], id, attributes)];
};
