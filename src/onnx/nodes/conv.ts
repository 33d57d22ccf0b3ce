/** @file `conv` as ConvInteger, or Conv of whole numbers. */
import { channelsFirst } from "../../codes/rows.js";
import type { NodeOf } from "../../format/index.js";
import { emitWeights } from "../emit-weights.js";
import { type NodeEmitter, windowAttributes } from "../emitter.js";
import { emitQuantized } from "../quantized.js";

export const conv: NodeEmitter<NodeOf<"conv">> = (emission) => {
  const { node, data, emitter } = emission;
  const { id, out, bits, kernel, groups } = node;
  const codes = data.codes as Int8Array;
  const taps = kernel[0] * kernel[1];
  const shape = [out, codes.length / out / taps, ...kernel];
  return emitQuantized(emission, {
    integer: "ConvInteger",
    float: "Conv",
    weights: emitWeights(emitter, id, channelsFirst(codes, out, taps), shape, bits),
    attributes: { ...windowAttributes(node), ...(groups > 1 && { group: groups }) },
  });
};
