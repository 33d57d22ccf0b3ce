/** @file `convTranspose` as ConvTranspose. */
import type { NodeOf } from "../../format/index.js";
import { type NodeEmitter, windowAttributes } from "../emitter.js";

export const convTranspose: NodeEmitter<NodeOf<"convTranspose">> = ({ node, data, emitter: { builder }, x }) => {
  const { id, groups = 1, kernel, out, outputPadding } = node;
  const shape = [x.type.shape[2], out / groups, ...kernel];
  const weight = builder.constant(`${id}/weight`, shape, data.weight as Float32Array);
  const bias = data.bias === undefined ? [] : [builder.constant(`${id}/bias`, [out], data.bias)];
  const more = outputPadding.some((n) => n > 0) && { output_padding: [...outputPadding] };
  const attributes = { ...windowAttributes(node), ...more, ...(groups > 1 && { group: groups }) };
  return [builder.node("ConvTranspose", [x.name, weight, ...bias], id, attributes)];
};
