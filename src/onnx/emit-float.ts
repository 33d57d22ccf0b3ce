/** @file Plan nodes in f32, and those that move codes, as ONNX operators. */
import { channelsFirst } from "../codes/rows.js";
import { FormatError } from "../core/errors.js";
import {
  floatWeights,
  type NodeData,
  type PlanAvgPool,
  type PlanFloatConv,
  type PlanFloatLinear,
  type PlanNode,
  type ValueType,
} from "../format/index.js";
import { emitConcat, emitPad, emitSlice } from "./emit-moves.js";
import { emitQuantized, emitStaircase } from "./emit-quantized.js";
import { type EmittedValue, type Emitter, flattenedOrder, windowAttributes } from "./emitter.js";

/** ONNX operators of `channel` nodes. */
const CHANNEL_OPS = { add: "Add", sub: "Sub", mul: "Mul", div: "Div" } as const;

/** What a node became: the name of its value, and the order of its elements (see {@link EmittedValue}). */
type Result = readonly [name: string, order?: Int32Array | null];

/** Adds what stands for a node of the plan. @throws FormatError on a node that has no counterpart */
export function emitNode(node: PlanNode, data: NodeData, emitter: Emitter): void {
  emitter.set(node.id, ...resultOf(node, data, emitter));
}

function resultOf(node: PlanNode, data: NodeData, emitter: Emitter): Result {
  const { builder } = emitter;
  const { id } = node;
  const rank = emitter.type(id).shape.length;
  const x = emitter.value("inputs" in node ? node.inputs[0] : node.input);
  /** An operator on each element, which keeps the order. */
  const keep = (name: string): Result => [name, x.order];
  const vector = (field: string, values: Float32Array): string =>
    emitter.perChannel(`${id}/${field}`, values, rank, x.order);
  switch (node.op) {
    case "conv":
    case "linear":
      return [emitQuantized(node, data, emitter)];
    case "staircase":
      return keep(emitStaircase(id, x.name, node.activation, emitter));
    case "dequantize":
      return keep(emitter.real(x, id));
    case "relu":
      return keep(builder.node("Relu", [x.name], id));
    case "affine": {
      const scaled = builder.node("Mul", [x.name, vector("scale", data.scale as Float32Array)], `${id}/scaled`);
      return keep(builder.node("Add", [scaled, vector("shift", data.shift as Float32Array)], id));
    }
    case "channel":
      return keep(builder.node(CHANNEL_OPS[node.fn], [x.name, vector("value", data.value as Float32Array)], id));
    case "add": {
      const other = emitter.value(node.inputs[1]);
      const same = `${x.order}` === `${other.order}`;
      const inputs = same ? [x.name, other.name] : [emitter.plain(x), emitter.plain(other)];
      return [builder.node("Add", inputs, id), same ? x.order : null];
    }
    case "floatConv": {
      const { groups = 1, kernel, out } = node;
      const channels = x.type.shape[2] / groups;
      const weight = builder.constant(`${id}/weight`, [out, channels, ...kernel], convWeights(node, data));
      const bias = data.bias === undefined ? [] : [builder.constant(`${id}/bias`, [out], data.bias)];
      const attributes = { ...windowAttributes(node), ...(groups > 1 && { group: groups }) };
      return [builder.node("Conv", [x.name, weight, ...bias], id, attributes)];
    }
    case "floatLinear":
      return [floatLinear(node, x, data, emitter)];
    case "maxPool":
      return [builder.node("MaxPool", [x.name], id, windowAttributes(node))];
    case "avgPool":
      return [averagePool(node, x, emitter.type(id), emitter)];
    case "padChannels": {
      const pads = builder.constant(
        `${id}/pads`,
        [8],
        BigInt64Array.from([0, node.channels[0], 0, 0, 0, node.channels[1], 0, 0], BigInt),
      );
      const zero = x.type.dtype === "u8" ? emitter.u8(0) : emitter.f32(0);
      return [builder.node("Pad", [x.name, pads, zero], id)];
    }
    case "flatten":
      return [builder.node("Flatten", [x.name], id, { axis: 1 }), flattenedOrder(x.type.shape)];
    case "pad":
      return [emitPad(node, x, emitter)];
    case "concat":
      return [emitConcat(node, emitter)];
    case "slice":
      return [emitSlice(node, x, emitter)];
    default: {
      const { op } = node as { op: string };
      throw new FormatError({ op: "exportOnnx", what: `${id}: no ONNX operators are known for "${op}"` });
    }
  }
}

/** Weights of a float convolution, [O,I/groups,Kh,Kw], whether they are stored as reals or as codes. */
function convWeights(node: PlanFloatConv, data: NodeData): Float32Array {
  if (data.weight !== undefined) return data.weight;
  return channelsFirst(floatWeights(node, data), node.out, node.kernel[0] * node.kernel[1]);
}

function floatLinear(node: PlanFloatLinear, x: EmittedValue, data: NodeData, { builder }: Emitter): string {
  const { id, out } = node;
  const own = floatWeights(node, data);
  const { order } = x;
  const inputs = own.length / out;
  const weight = order === null ? own : own.map((_, at) => own[Math.floor(at / inputs) * inputs + order[at % inputs]]);
  const names = [x.name, builder.constant(`${id}/weight`, [out, inputs], weight)];
  if (data.bias !== undefined) names.push(builder.constant(`${id}/bias`, [out], data.bias));
  return builder.node("Gemm", names, id, { transB: 1 });
}

/**
 * Mean of windows. Of codes: whole sums by a convolution with ones, then f32(step·f32(Σ/count)) as in training; an AveragePool of f32 values may
 * sum in any order.
 */
function averagePool(node: PlanAvgPool, x: EmittedValue, output: ValueType, emitter: Emitter): string {
  const { builder } = emitter;
  const { id, includePad } = node;
  const { step } = x.type;
  if (step === null) {
    const attributes = { ...windowAttributes(node), count_include_pad: includePad ? 1 : 0 };
    return builder.node("AveragePool", [x.name], id, attributes);
  }
  const channels = x.type.shape[2];
  const extents = builder.constant(`${id}/window`, [4], BigInt64Array.from([channels, 1, ...node.kernel], BigInt));
  const ones = builder.node("ConstantOfShape", [extents], `${id}/ones`, { value: { tensor: Uint8Array.of(1) } });
  const attributes = { ...windowAttributes(node), group: channels };
  const sums = emitter.float(builder.node("ConvInteger", [x.name, ones], `${id}/sums`, attributes));
  const counts = countsOf(node, x.type.shape, output.shape);
  const count = counts.every((n) => n === counts[0])
    ? emitter.f32(counts[0])
    : builder.constant(`${id}/counts`, output.shape.slice(0, 2), counts);
  return builder.node("Mul", [builder.node("Div", [sums, count], `${id}/mean`), emitter.f32(step)], id);
}

/** Elements that each window's sum is divided by, [outH, outW]. */
function countsOf(
  { kernel, stride, padding, dilation, includePad }: PlanAvgPool,
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
