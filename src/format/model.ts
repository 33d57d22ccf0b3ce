/** @file A packed model in memory: the plan, and each node's tensors decoded. */
import { packedBytes, storageBits } from "../codes/bits.js";
import { staircaseTop } from "../codes/levels.js";
import { channelsLast } from "../codes/rows.js";
import { type Thresholds, unorderedChannel } from "../codes/thresholds.js";
import { FormatError } from "../core/errors.js";
import { type Shape, sizeOf } from "../core/shape.js";
import { inputsOf, type Plan, type PlanFloatConv, type PlanFloatLinear, type PlanNode } from "./plan.js";
import type { ValueType } from "./values.js";

/** Decoded tensors of one node; which of them are there follows from the node (see docs/format.md). */
export interface NodeData {
  /** Quantized layers, and float layers with `bits`: weight codes, [out][kh][kw][in/groups], channel fastest. */
  readonly codes?: Int8Array;
  /** Quantized layers: value of code 1, [1] or [out]. */
  readonly delta?: Float32Array;
  /** Quantized layers with an activation. */
  readonly thresholds?: Thresholds;
  /** Layers with `bias: true`: [out]. */
  readonly bias?: Float32Array;
  /** Float layers: [O,I,Kh,Kw] or [out,in], as in training. */
  readonly weight?: Float32Array;
  /** Affine: [C]. */
  readonly scale?: Float32Array;
  readonly shift?: Float32Array;
  /** Channel: [C]. */
  readonly value?: Float32Array;
}

/** Bytes of one tensor in the file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: "U8" | "I8" | "F32";
  readonly shape: Shape;
  readonly bytes: number;
}

/** A packed model, read and checked. */
export interface PackedModel {
  readonly plan: Plan;
  /** Type of every value by id, the input's first. */
  readonly values: ReadonlyMap<string, ValueType>;
  /** Tensors of each node that has any, by id. */
  readonly data: ReadonlyMap<string, NodeData>;
  /** Tensors as they lie in the file, in order. */
  readonly tensors: readonly TensorInfo[];
  /** Bytes before the first tensor: length field, names, offsets, plan. */
  readonly headerBytes: number;
  /** Bytes of the whole file: header and tensors. */
  readonly fileBytes: number;
}

/** A tensor that a node must have. `shape` null: any length (thresholds). */
export interface TensorSpec {
  readonly field: keyof NodeData;
  /** Name in the file: node id, dot, field. */
  readonly name: string;
  readonly dtype: "U8" | "I8" | "F32";
  readonly shape: Shape | null;
}

/** Weights of a layer per output channel: kh·kw·in/groups, or in. */
export function patchSize(node: PlanNode, input: ValueType): number {
  if (node.op === "conv" || node.op === "floatConv") {
    return (node.kernel[0] * node.kernel[1] * input.shape[2]) / (node.groups ?? 1);
  }
  return input.shape[0];
}

/** Real weights of a float layer, [O,Kh,Kw,I/groups] or [O,I]: its f32 weights with the channels last, or its codes as they are. */
export function floatWeights(node: PlanFloatConv | PlanFloatLinear, data: NodeData): Float32Array {
  if (data.codes !== undefined) return Float32Array.from(data.codes);
  const weight = data.weight as Float32Array;
  return node.op === "floatLinear" ? weight : channelsLast(weight, node.out, node.kernel[0] * node.kernel[1]);
}

/** Multiply-accumulates of a node for one image; 0 for nodes without products. */
export function macsOf(node: PlanNode, values: ReadonlyMap<string, ValueType>): number {
  const [input, output] = [values.get(inputsOf(node)[0]), values.get(node.id)] as [ValueType, ValueType];
  switch (node.op) {
    case "conv":
    case "linear":
    case "floatConv":
    case "floatLinear":
      return sizeOf(output.shape) * patchSize(node, input);
    default:
      return 0;
  }
}

/** Work of a node for one image: multiply-accumulates; of pools the values that they read, of other nodes those that they write. */
export function workOf(node: PlanNode, values: ReadonlyMap<string, ValueType>): number {
  const taps = node.op === "maxPool" || node.op === "avgPool" ? node.kernel[0] * node.kernel[1] : 1;
  return Math.max(macsOf(node, values), sizeOf((values.get(node.id) as ValueType).shape) * taps);
}

/** The tensors that a node must have, in the order of the file. */
export function tensorsOf(node: PlanNode, values: ReadonlyMap<string, ValueType>): TensorSpec[] {
  const input = values.get(inputsOf(node)[0]) as ValueType;
  const spec = (field: keyof NodeData, dtype: TensorSpec["dtype"], shape: Shape | null): TensorSpec => ({
    field,
    name: `${node.id}.${field === "codes" ? "weight" : field}`,
    dtype,
    shape,
  });
  const codesOf = (out: number, bits: number): TensorSpec => {
    const patch = patchSize(node, input);
    return storageBits(bits) === 8
      ? spec("codes", "I8", [out, patch])
      : spec("codes", "U8", [packedBytes(out * patch, bits)]);
  };
  switch (node.op) {
    case "conv":
    case "linear": {
      const list = [
        codesOf(node.out, node.bits),
        spec("delta", "F32", [node.granularity === "channel" ? node.out : 1]),
      ];
      if (node.activation !== undefined) list.push(spec("thresholds", "U8", null));
      if (node.bias) list.push(spec("bias", "F32", [node.out]));
      return list;
    }
    case "floatConv":
    case "floatLinear": {
      const shape =
        node.op === "floatLinear"
          ? [node.out, input.shape[0]]
          : [node.out, input.shape[2] / (node.groups ?? 1), node.kernel[0], node.kernel[1]];
      const weight = node.bits === undefined ? spec("weight", "F32", shape) : codesOf(node.out, node.bits);
      return [weight, ...(node.bias ? [spec("bias", "F32", [node.out])] : [])];
    }
    case "affine": {
      const channels = input.shape[input.shape.length - 1];
      return [spec("scale", "F32", [channels]), spec("shift", "F32", [channels])];
    }
    case "channel":
      return [spec("value", "F32", [input.shape[input.shape.length - 1]])];
    default:
      return [];
  }
}

/** Checks decoded tensors against their node: lengths, finite numbers, no negative delta, thresholds in order. @throws FormatError */
export function checkNodeData(
  node: PlanNode,
  data: NodeData,
  values: ReadonlyMap<string, ValueType>,
  file: string,
): void {
  const refuse = (field: string, what: string, expected: string, got: string): never => {
    throw new FormatError({ op: file, what: `${node.id}.${field}: ${what}`, expected, got });
  };
  const specs = tensorsOf(node, values);
  for (const field of Object.keys(data) as (keyof NodeData)[]) {
    if (data[field] !== undefined && !specs.some((spec) => spec.field === field)) {
      refuse(field, `a ${node.op} node has no such tensor`, "none", "one");
    }
  }
  for (const { field, shape, dtype } of specs) {
    const tensor = data[field];
    if (tensor === undefined) refuse(field, "missing tensor", dtype, "none");
    if (tensor instanceof Float32Array) {
      const length = (shape as Shape).reduce((product, extent) => product * extent, 1);
      if (tensor.length !== length) refuse(field, "number of elements", `${length}`, `${tensor.length}`);
      const bad = tensor.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) refuse(field, `element ${bad}`, "a finite number", `${tensor[bad]}`);
    }
  }
  const { delta, codes, thresholds } = data;
  if (delta !== undefined) {
    const bad = delta.findIndex((value) => value < 0);
    if (bad >= 0) refuse("delta", `element ${bad}`, "a number of at least 0", `${delta[bad]}`);
  }
  if ("out" in node && codes !== undefined) {
    const length = node.out * patchSize(node, values.get(node.input) as ValueType);
    if (codes.length !== length) refuse("weight", "number of codes", `${length}`, `${codes.length}`);
    if (thresholds !== undefined && "activation" in node && node.activation !== undefined) {
      const top = staircaseTop(node.activation.bits);
      if (
        thresholds.top !== top ||
        thresholds.flip.length !== node.out ||
        thresholds.values.length !== node.out * top
      ) {
        refuse(
          "thresholds",
          "size",
          `${node.out} channels of ${top}`,
          `${thresholds.flip.length} of ${thresholds.top}`,
        );
      }
      const channel = unorderedChannel(thresholds);
      if (channel !== null) refuse("thresholds", `channel ${channel}`, "monotone thresholds", "a step back");
    }
  }
}
