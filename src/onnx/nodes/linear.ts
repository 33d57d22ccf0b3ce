/** @file `linear` as MatMulInteger, or MatMul of whole numbers. */
import type { NodeOf } from "../../format/index.js";
import { emitWeights } from "../emit-weights.js";
import type { NodeEmitter } from "../emitter.js";
import { emitQuantized } from "../quantized.js";

/** Rows [out][in] as columns [in][out], inputs in the order of the value that they multiply. */
function transposed(codes: Int8Array, out: number, order: Int32Array | null): Int8Array {
  const inputs = codes.length / out;
  const result = new Int8Array(codes.length);
  for (let i = 0; i < inputs; i++) {
    const from = order === null ? i : order[i];
    for (let o = 0; o < out; o++) result[i * out + o] = codes[o * inputs + from];
  }
  return result;
}

export const linear: NodeEmitter<NodeOf<"linear">> = (emission) => {
  const { node, data, emitter, x } = emission;
  const { id, out, bits } = node;
  const codes = data.codes as Int8Array;
  return emitQuantized(emission, {
    integer: "MatMulInteger",
    float: "MatMul",
    weights: emitWeights(emitter, id, transposed(codes, out, x.order), [codes.length / out, out], bits),
    attributes: {},
  });
};
