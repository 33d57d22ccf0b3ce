/** @file `maxPool` as MaxPool. */
import type { NodeOf } from "../../format/index.js";
import { isWide, type NodeEmitter, windowAttributes } from "../emitter.js";
import { ELEMENT } from "../schema.js";

export const maxPool: NodeEmitter<NodeOf<"maxPool">> = ({ node, emitter, x }) => {
  const { builder } = emitter;
  const { id } = node;
  if (!isWide(node)) return [builder.node("MaxPool", [x.name], id, windowAttributes(node))];
  // onnxruntime would join a Pad by a type's least value, the zeros of codes, with the pool, and then refuse it.
  const codes = x.type.dtype === "u8";
  const [top, bottom, left, right] = node.padding;
  const around = [0, 0, top, left, 0, 0, bottom, right];
  const real = codes ? emitter.float(x.name) : x.name;
  const padded = emitter.padded(real, `${id}/padded`, around, emitter.f32(codes ? -1 : -Infinity));
  const attributes = windowAttributes({ ...node, padding: [0, 0, 0, 0] });
  if (!codes) return [builder.node("MaxPool", [padded], id, attributes)];
  const largest = builder.node("MaxPool", [padded], `${id}/largest`, attributes);
  return [builder.node("Cast", [largest], id, { to: ELEMENT.UINT8 })];
};
