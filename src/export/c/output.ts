/** @file What a C file's outputs are: codes, int32 sums of one scale, or floats. */
import { scalesOf } from "../../codes/scales.js";
import { largestSum, sumsOf } from "../../codes/sums.js";
import { type PackedModel, patchSize } from "../../format/model.js";
import { inputsOf, type PlanNode } from "../../format/nodes/index.js";
import type { ValueType } from "../../format/value.js";

/** Outputs of a C file. */
export interface COutput {
  readonly type: "uint8_t" | "int32_t" | "float";
  /** For codes and sums: what 1 stands for; the runtime's output is f32(output·scale). */
  readonly scale: number | null;
  /** Id of the layer that gives sums. */
  readonly sums: string | null;
}

/** Sums below this times one scale are floats that differ where the sums do: the largest sum is the largest output. */
const DISTINCT = 2 ** 22;
/** Least scale whose products with whole numbers are normal floats. */
const LEAST_SCALE = 2 ** -126;

/** The layer behind a value, through what only gives its elements another shape. */
function behind(nodes: readonly PlanNode[], id: string): PlanNode | undefined {
  const node = nodes.find((other) => other.id === id);
  return node?.op === "flatten" ? behind(nodes, node.input) : node;
}

/** What a model's outputs are in C. */
export function outputOf({ plan, values, data }: PackedModel): COutput {
  const { dtype, step } = values.get(plan.output) as ValueType;
  if (dtype === "u8") return { type: "uint8_t", scale: step, sums: null };
  const real: COutput = { type: "float", scale: null, sums: null };
  const node = behind(plan.nodes, plan.output);
  if (node?.op !== "conv" && node?.op !== "linear") return real;
  const { codes, delta, bias } = data.get(node.id) as { codes: Int8Array; delta: Float32Array; bias?: Float32Array };
  const input = values.get(node.input) as ValueType;
  const [scale] = scalesOf(delta, input.step as number, 1);
  const onlyRead = plan.nodes.every((other) => other.op === "flatten" || !inputsOf(other).includes(node.id));
  const distinct = largestSum(sumsOf(codes, node.out, input.top)) < DISTINCT && patchSize(node, input) > 0;
  const one = delta.length === 1 && bias === undefined && scale >= LEAST_SCALE;
  // Values that other layers read have to be floats in their memory.
  const chain = plan.nodes.every(
    (other) => other.op !== "flatten" || behind(plan.nodes, other.id) !== node || readers(plan.nodes, other.id) === 0,
  );
  return one && onlyRead && distinct && chain ? { type: "int32_t", scale, sums: node.id } : real;
}

/** How many nodes read a value, other than to give it another shape. */
function readers(nodes: readonly PlanNode[], id: string): number {
  return nodes.filter((node) => node.op !== "flatten" && inputsOf(node).includes(id)).length;
}
