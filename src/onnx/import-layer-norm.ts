/** @file Import of LayerNormalization. */
import { shapeText, sizeOf } from "../core/shape.js";
import { LayerNorm } from "../nn/layer-norm.js";
import type { GraphNode } from "./graph.js";
import { type Importing, onnxOrder, stretchesOf, type Value } from "./importing.js";

/** Extents of a value as it lies here, without the batch. */
function ownShape({ layout, shape, grid }: Value): readonly number[] {
  if (layout === "image") return [shape[1], shape[2], shape[0]];
  if (layout === "lines") return [...(grid as readonly number[]), shape[0]];
  return layout === "sequence" ? [shape[1], shape[0]] : layout === "plane" ? [...shape, 1] : shape;
}

/**
 * Normalization over the last axes. Where channels come first in ONNX, those are all axes, in any order; else they are
 * the last ones here too.
 */
export function importLayerNorm(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 3);
  const { attributes } = node;
  const x = importing.input(node);
  const rank = x.shape.length + 1;
  const given = attributes.int("axis", -1);
  const axis = given < 0 ? given + rank : given;
  const eps = attributes.float("epsilon", Math.fround(1e-5));
  if (!(eps > 0)) importing.refuse(node, "attribute epsilon", "more than 0", `${eps}`);
  attributes.fixed("stash_type", 1);
  const plain = x.layout === "last" || x.layout === "rows";
  if (!(axis >= 1 && axis < rank) || (axis > 1 && !plain)) {
    const expected = plain ? `1 to ${rank - 1}` : "1, or channels last";
    importing.refuse(node, "attribute axis", expected, `${given}`, "transpose to channels last first");
  }
  const own = ownShape(x);
  const shape = plain ? own.slice(axis - 1) : own;
  const wanted = x.shape.slice(axis - 1);
  const order = orderOf(x);
  const vector = (i: number): Float32Array | undefined => {
    const constant = importing.optionalReals(node, i);
    if (constant === undefined) return undefined;
    if (`${constant.shape}` !== `${wanted}`) {
      importing.refuse(node, `input ${i}`, shapeText(wanted), shapeText(constant.shape));
    }
    const { data } = constant;
    return order === null ? Float32Array.from(data) : Float32Array.from(order, (from) => data[from]);
  };
  const [scale, shift] = [vector(1), vector(2)];
  const key = importing.keyOf(node, importing.constant(node, 1));
  importing.layer(node, key, x.slot, { ...x }, () => {
    const made = new LayerNorm(shape, { eps, bias: shift !== undefined });
    made.weight?.set(scale as Float32Array);
    if (shift !== undefined) made.bias?.set(shift);
    return made;
  });
}

/** For each element here, which of ONNX it is; null if they are the same. */
function orderOf(x: Value): readonly number[] | null {
  if (x.layout === "rows") return x.stretches === null ? null : onnxOrder(stretchesOf(x));
  if (x.layout === "last" || x.layout === "plane") return null;
  return onnxOrder([{ channels: x.shape[0], pixels: sizeOf(x.shape.slice(1)) }]);
}
