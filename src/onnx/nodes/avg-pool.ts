/** @file `avgPool` as AveragePool; of codes by whole sums, as in training. */
import type { NodeOf } from "../../format/index.js";
import { isWide, type NodeEmitter, windowAttributes } from "../emitter.js";

/**
 * Mean of windows. Of codes: whole sums by a convolution with ones, then f32(step·f32(Σ/count)) as in training; an
 * AveragePool of f32 values may sum in any order. Where onnxruntime refuses an AveragePool, a convolution too.
 */
export const avgPool: NodeEmitter<NodeOf<"avgPool">> = ({ node, emitter, x }) => {
  const { builder } = emitter;
  const { id, includePad } = node;
  const { step } = x.type;
  const real = step === null;
  if (real && !isWide(node)) {
    const attributes = { ...windowAttributes(node), count_include_pad: includePad ? 1 : 0 };
    return [builder.node("AveragePool", [x.name], id, attributes)];
  }
  const { shape } = emitter.type(id);
  const channels = x.type.shape[2];
  const extents = builder.constant(`${id}/window`, [4], BigInt64Array.from([channels, 1, ...node.kernel], BigInt));
  const ones = builder.node("ConstantOfShape", [extents], `${id}/ones`, {
    value: { tensor: real ? Float32Array.of(1) : Uint8Array.of(1) },
  });
  const attributes = { ...windowAttributes(node), group: channels };
  const operator = real ? "Conv" : "ConvInteger";
  const whole = builder.node(operator, [x.name, ones], `${id}/sums`, attributes);
  const sums = real ? whole : emitter.float(whole);
  const counts = countsOf(node, x.type.shape, shape);
  const count = counts.every((n) => n === counts[0])
    ? emitter.f32(counts[0])
    : builder.constant(`${id}/counts`, shape.slice(0, 2), counts);
  if (real) return [builder.node("Div", [sums, count], id)];
  return [builder.node("Mul", [builder.node("Div", [sums, count], `${id}/mean`), emitter.f32(step)], id)];
};

/** Elements that each window's sum is divided by, [outH, outW]. */
function countsOf(
  { kernel, stride, padding, dilation, includePad }: NodeOf<"avgPool">,
  [h, w]: readonly number[],
  [outH, outW]: readonly number[],
): Float32Array {
  const inside = (at: number, axis: 0 | 1, extent: number): number => {
    const start = at * stride[axis] - padding[2 * axis];
    let n = 0;
    for (let k = 0; k < kernel[axis]; k++) {
      const place = start + k * dilation[axis];
      if (place >= 0 && place < extent) n++;
    }
    return n;
  };
  return Float32Array.from({ length: outH * outW }, (_, i) =>
    includePad ? kernel[0] * kernel[1] : Math.max(1, inside(Math.floor(i / outW), 0, h) * inside(i % outW, 1, w)),
  );
}
