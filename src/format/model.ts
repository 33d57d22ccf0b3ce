/** @file A packed model in memory: the plan, and each node's tensors decoded. */
import { FormatError } from "../core/errors.js";
import type { Shape } from "../core/shape.js";
import { packedBytes, storageBits } from "./bits.js";
import { activationTop, inputsOf, type Plan, type PlanFloatConv, type PlanFloatLinear, type PlanNode } from "./plan.js";
import type { Thresholds } from "./thresholds.js";
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
  /** Float layers: [O,I,Kh,Kw] or [out,in], as in training; with `bits` these are the codes as f32, which the file does not hold twice. */
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

/** Weight codes of a quantized layer per output channel: kh·kw·in/groups, or in. */
export function patchSize(node: PlanNode, input: ValueType): number {
  if (node.op === "floatConv") return node.kernel[0] * node.kernel[1] * input.shape[2];
  if (node.op === "conv") return (node.kernel[0] * node.kernel[1] * input.shape[2]) / node.groups;
  return input.shape[0];
}

/** True for float layers whose weights are codes. */
export function hasCodedReals(node: PlanNode): node is (PlanFloatConv | PlanFloatLinear) & { readonly bits: number } {
  return (node.op === "floatConv" || node.op === "floatLinear") && node.bits !== undefined;
}

/** The codes of a float layer as its weights: f32, [O,I,Kh,Kw] or [out,in]. */
export function codesAsWeights(node: PlanFloatConv | PlanFloatLinear, codes: Int8Array): Float32Array {
  if (node.op === "floatLinear") return Float32Array.from(codes);
  const taps = node.kernel[0] * node.kernel[1];
  const I = codes.length / (node.out * taps);
  return Float32Array.from({ length: codes.length }, (_, at) => {
    const [o, i, t] = [Math.floor(at / (I * taps)), Math.floor(at / taps) % I, at % taps];
    return codes[(o * taps + t) * I + i];
  });
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
  const codesOf = (bits: number): TensorSpec => {
    const patch = patchSize(node, input);
    const { out } = node as { out: number };
    return storageBits(bits) === 8
      ? spec("codes", "I8", [out, patch])
      : spec("codes", "U8", [packedBytes(out * patch, bits)]);
  };
  switch (node.op) {
    case "conv":
    case "linear": {
      const list = [codesOf(node.bits), spec("delta", "F32", [node.granularity === "channel" ? node.out : 1])];
      if (node.activation !== undefined) list.push(spec("thresholds", "U8", null));
      if (node.bias) list.push(spec("bias", "F32", [node.out]));
      return list;
    }
    case "floatConv":
    case "floatLinear": {
      const shape =
        node.op === "floatLinear"
          ? [node.out, input.shape[0]]
          : [node.out, input.shape[2], node.kernel[0], node.kernel[1]];
      const weight = node.bits === undefined ? spec("weight", "F32", shape) : codesOf(node.bits);
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
    const derived = field === "weight" && hasCodedReals(node);
    if (data[field] !== undefined && !derived && !specs.some((spec) => spec.field === field)) {
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
  if ((node.op === "conv" || node.op === "linear" || hasCodedReals(node)) && codes !== undefined) {
    const length = node.out * patchSize(node, values.get(node.input) as ValueType);
    if (codes.length !== length) refuse("weight", "number of codes", `${length}`, `${codes.length}`);
  }
  if ((node.op === "conv" || node.op === "linear") && codes !== undefined) {
    if (thresholds !== undefined && node.activation !== undefined) {
      const top = activationTop(node.activation);
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
      checkMonotone(thresholds, (channel) => {
        refuse("thresholds", `channel ${channel}`, "monotone thresholds", "a step back");
      });
    }
  }
}

function checkMonotone({ values, flip, top }: Thresholds, refuse: (channel: number) => void): void {
  for (let c = 0; c < flip.length; c++) {
    for (let k = c * top + 1; k < (c + 1) * top; k++) {
      if (flip[c] === 0 ? values[k] < values[k - 1] : values[k] > values[k - 1]) refuse(c);
    }
  }
}
