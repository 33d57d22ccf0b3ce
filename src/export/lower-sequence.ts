/** @file Lowering of windows over time: [N,T,C] are images of one row, [1,T,C], in the plan. */
import type { NodeData } from "../format/index.js";
import { imageShape } from "../ndarray/sequence.js";
import { conv1d, convolution1d } from "../ops/conv1d.js";
import type { AnyOp } from "../ops/op.js";
import { averageGeometry, poolGeometry } from "../ops/pool.js";
import { avgPool1d, avgPool1dWindow, maxPool1d, pool1dWindow } from "../ops/pool1d.js";
import { quantConv1dOp } from "../quant/ops/index.js";
import { constantOf, windowOf } from "./lower-float.js";
import { lowerProduct } from "./lower-quantized.js";
import { lowers, type OpRule } from "./lowering.js";
import type { Trace } from "./trace.js";

/** Rules of windows over time. */
export const SEQUENCE_RULES: readonly OpRule[] = [
  lowers(conv1d, (result, [x, weight, bias], lowering, attrs) => {
    const { geometry, groups } = convolution1d("pack", x.shape, weight.shape, attrs);
    const id = lowering.names.take(lowering.names.pathOf([weight]) ?? "conv");
    const data: NodeData = { weight: constantOf(weight), ...(bias && { bias: constantOf(bias) }) };
    const fields = {
      out: weight.shape[0],
      bias: bias !== undefined,
      ...windowOf(geometry),
      ...(groups > 1 && { groups }),
    };
    lowering.emit(result, { op: "floatConv", id, input: lowering.realId(x), ...fields }, data);
  }),
  lowers(quantConv1dOp, (result, inputs, lowering, { weight, ...options }) => {
    const { geometry, groups } = convolution1d("pack", inputs[0].shape, weight.codes.shape, options);
    lowerProduct(result, inputs, lowering, weight, { groups, ...windowOf(geometry) });
  }),
  lowers(maxPool1d, (result, [x], lowering, attrs) => {
    const id = lowering.names.number("maxPool");
    const geometry = poolGeometry("pack", imageShape("pack", x.shape), pool1dWindow("pack", attrs));
    lowering.emit(result, { op: "maxPool", id, input: lowering.id(x), ...windowOf(geometry) });
  }),
  lowers(avgPool1d, (result, [x], lowering, attrs) => {
    const image = imageShape("pack", x.shape);
    const { geometry, includePad } = averageGeometry("pack", image, avgPool1dWindow("pack", attrs));
    const id = lowering.names.number("avgPool");
    lowering.emit(result, { op: "avgPool", id, input: lowering.id(x), includePad, ...windowOf(geometry) });
  }),
];

const OVER_TIME: ReadonlySet<AnyOp> = new Set(SEQUENCE_RULES.map(([op]) => op));

/** True if a network has windows over time. */
export function hasSequences({ order }: Trace): boolean {
  return order.some(({ node }) => node !== null && OVER_TIME.has(node.op));
}
