/** @file A packed model in memory: the plan, and each node's tensors decoded. */
import { type Shape, sizeOf } from "../core/shape.js";
import { inputsOf, kindOf, type PlanNode } from "./nodes/index.js";
import type { Plan } from "./plan.js";
import type { NodeData, TensorSpec } from "./tensors.js";
import type { ValueType } from "./value.js";

/** Bytes of one tensor in the file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: "U8" | "I8" | "F32";
  readonly shape: Shape;
  readonly bytes: number;
}

/** A packed model, read and checked. */
export interface PackedModel {
  /** What the network computes, node by node. */
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

/**
 * Weights of a layer per output channel: kh·kw·in/groups, or in; 0 for nodes without weights.
 * @param input type of what it reads
 */
export function patchSize(node: PlanNode, input: ValueType): number {
  return kindOf(node).patch?.(node, input) ?? 0;
}

/** Types of what a node reads first, and of what it gives. */
function typesOf(node: PlanNode, values: ReadonlyMap<string, ValueType>): [input: ValueType, output: ValueType] {
  return [values.get(inputsOf(node)[0]) as ValueType, values.get(node.id) as ValueType];
}

/** Multiply-accumulates of a node for one image; 0 for nodes without products. */
export function macsOf(node: PlanNode, values: ReadonlyMap<string, ValueType>): number {
  const [input, output] = typesOf(node, values);
  return sizeOf(output.shape) * patchSize(node, input);
}

/**
 * Work of a node for one image: multiply-accumulates; of pools the values that they read, of other nodes those that
 * they write.
 */
export function workOf(node: PlanNode, values: ReadonlyMap<string, ValueType>): number {
  const [input, output] = typesOf(node, values);
  const each = Math.max(patchSize(node, input), kindOf(node).reads?.(node) ?? 1);
  return sizeOf(output.shape) * each;
}

/** The tensors that a node must have, in the order of the file. */
export function tensorsOf(node: PlanNode, values: ReadonlyMap<string, ValueType>): readonly TensorSpec[] {
  return kindOf(node).tensors?.(node, typesOf(node, values)[0]) ?? [];
}

/** Name of a tensor in the file: node id, dot, field; codes are weights. */
export function tensorName({ id }: PlanNode, { field }: TensorSpec): string {
  return `${id}.${field === "codes" ? "weight" : field}`;
}
