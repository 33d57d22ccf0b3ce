/** @file What a node becomes in C, and what it is made from. */
import type { NodeData } from "../../format/tensors.js";
import type { ValueType } from "../../format/value.js";
import type { CModule } from "./module.js";

/** A node as a function `(x, x1, …, patch, y)`: inputs, its workspace if it has one, its output. */
export interface CStep {
  /** Statements; `@` stands for the model's prefix. */
  readonly body: readonly string[];
  /** Elements of the workspace `patch`, which lives while the function runs. */
  readonly patch?: { readonly type: "uint8_t" | "float"; readonly count: number };
  /** The function may write where it reads: element i of the output needs element i of the inputs alone. */
  readonly inPlace?: boolean;
}

/** The value is its input's, element for element: nothing runs. */
export const SAME = "same";

/** What a node is lowered from. */
export interface CSource<Node> {
  readonly node: Node;
  /** Types of what it reads, and the first of them. */
  readonly inputs: readonly ValueType[];
  readonly input: ValueType;
  readonly output: ValueType;
  /** Elements of the output. */
  readonly size: number;
  readonly data: NodeData;
  readonly module: CModule;
  /** The node gives the model's output, as int32 sums that the caller scales. */
  readonly sums: boolean;
}

/** Lowers one kind of node. */
export type CLowering<Node> = (source: CSource<Node>) => CStep | typeof SAME;

/** Statements in a loop `for (int32_t i = 0; i < count; i++)`, indented. */
export function loop(i: string, count: number | string, body: readonly string[], from: number | string = 0): string[] {
  return [`for (int32_t ${i} = ${from}; ${i} < ${count}; ${i}++) {`, ...indented(body), "}"];
}

/** Lines moved right by one level; directives stay where they are. */
export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line.startsWith("#") || line === "" ? line : `  ${line}`));
}
