/** @file `dequantize` as Cast and Mul. */
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";

export const dequantize: NodeEmitter<NodeOf<"dequantize">> = ({ node, emitter, x }) => [
  emitter.real(x, node.id),
  x.order,
];
