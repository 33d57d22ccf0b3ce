/** @file Which nodes run as one: the end of a residual block, from the second convolution's sums to codes. */
import type { PlanConv } from "../format/nodes/conv.js";
import { inputsOf, type PlanNode } from "../format/nodes/index.js";
import type { PlanStaircase } from "../format/nodes/staircase.js";
import { INPUT_ID, type Plan } from "../format/plan.js";
import type { ValueType } from "../format/value.js";

/** conv (→ affine) → add → staircase in one pass, over the value that is added. */
export interface Residual {
  readonly conv: PlanConv;
  /** Id of the batch norm between convolution and sum. */
  readonly affine?: string;
  readonly staircase: PlanStaircase;
  /** Id of the value that is added: codes if `coded`, whose dequantization is part of the pass. */
  readonly shortcut: string;
  readonly coded: boolean;
}

/** What a plan's nodes become. */
export interface Fusion {
  /** By the staircase's id. */
  readonly residuals: ReadonlyMap<string, Residual>;
  /** Nodes that are part of such a pass: their values are never written. */
  readonly inner: ReadonlySet<string>;
}

/** No node runs with another. */
export const UNFUSED: Fusion = { residuals: new Map(), inner: new Set() };

/** Finds what can run as one. Values that anything else reads, the output among them, stay. */
export function fusionOf({ nodes, output }: Plan, values: ReadonlyMap<string, ValueType>): Fusion {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const readers = new Map<string, number>([[output, 1]]);
  for (const node of nodes) for (const id of inputsOf(node)) readers.set(id, (readers.get(id) ?? 0) + 1);
  const residuals = new Map<string, Residual>();
  const inner = new Set<string>();
  /** A node that nothing but the one behind it reads. */
  const only = (id: string): PlanNode | undefined =>
    readers.get(id) === 1 && id !== INPUT_ID ? byId.get(id) : undefined;
  /** The convolution behind a summand, through its batch norm if it has one. */
  const convBehind = (id: string): { conv: PlanConv; affine?: string } | null => {
    const node = only(id);
    if (node?.op === "conv" && node.activation === undefined) return { conv: node };
    const behind = node?.op === "affine" ? only(node.input) : undefined;
    return behind?.op === "conv" && behind.activation === undefined ? { conv: behind, affine: id } : null;
  };
  for (const staircase of nodes) {
    if (staircase.op !== "staircase") continue;
    const sum = only(staircase.input);
    if (sum?.op !== "add" || sum.inputs[0] === sum.inputs[1]) continue;
    for (const [own, other] of [sum.inputs, [sum.inputs[1], sum.inputs[0]]]) {
      const found = convBehind(own);
      if (found === null) continue;
      const shortcut = only(other);
      const coded = shortcut?.op === "dequantize" && values.get(shortcut.input)?.dtype === "u8";
      const from = coded ? (shortcut as { input: string }).input : other;
      residuals.set(staircase.id, { ...found, staircase, shortcut: from, coded });
      for (const id of [found.conv.id, found.affine, sum.id, coded ? other : undefined]) {
        if (id !== undefined) inner.add(id);
      }
      break;
    }
  }
  return { residuals, inner };
}
