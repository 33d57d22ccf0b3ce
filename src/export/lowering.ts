/** @file What the lowering of one op may read and extend. */
import type { Variable } from "../autograd/graph.js";
import type { NodeData, PlanNode } from "../format/index.js";
import type { AnyOp, OpDef } from "../ops/op.js";
import type { Names, Trace } from "./trace.js";

/** State of one lowering, which the rules for single ops read and extend. */
export interface Lowering {
  readonly trace: Trace;
  readonly names: Names;
  /**
   * True if what follows a quantized product folds into its thresholds; false leaves every step as a node of its own.
   */
  readonly fold: boolean;
  /**
   * True if there are windows over time: values [N,T,C] of the trace are [1,T,C] in the plan, images of one row.
   */
  readonly sequences: boolean;
  /** Adds a node whose value is `result`; `folded` are the results before it that it covers too. */
  emit(result: Variable, node: PlanNode, data?: NodeData, folded?: readonly Variable[]): void;
  /** Adds a node that stands for no recorded result, a step inside one. */
  emitInner(node: PlanNode, data?: NodeData): void;
  /** Says that `result` has the value of a node that is there already. */
  alias(result: Variable, source: Variable): void;
  /** Id of a value as it is: codes if it is coded. */
  id(value: Variable): string;
  /** Id of a value's real numbers: a `dequantize` node is put behind codes. */
  realId(value: Variable): string;
  /** True if the value depends on the network's input. */
  depends(value: Variable): boolean;
  /** The only op that reads a value, or undefined if there are several or none. */
  onlyReader(value: Variable): Variable | undefined;
  /** Refuses an op, naming it, its layer and its shape. */
  refuse(result: Variable, what: string, expected: string, hint?: string): never;
}

/** An op's rule: adds to `lowering` what stands for `result`. */
export type Rule<Attrs> = (result: Variable, inputs: readonly Variable[], lowering: Lowering, attrs: Attrs) => void;

/** An op, by itself and not by its name, with its rule. */
export type OpRule = readonly [op: AnyOp, rule: Rule<never>];

/** Says what an op becomes; its attributes are typed as it has them. */
export function lowers<Attrs, Saved>(op: OpDef<Attrs, Saved>, rule: Rule<Attrs>): OpRule {
  return [op, rule];
}
