/** @file Import of functions of each element. */
import { Pointwise } from "./computed-layers.js";
import type { GraphNode } from "./graph.js";
import { importUnary } from "./import-layers.js";
import type { Importing } from "./importing.js";
import { WithConstant } from "./layers.js";

const FUNCTIONS = { Abs: "abs", Exp: "exp", Log: "log", Neg: "neg", Softplus: "softplus", Sqrt: "sqrt" } as const;

/** |x|, e^x, log x, −x, log(1 + e^x), √x. */
export function importPointwise(node: GraphNode, importing: Importing): void {
  importUnary(() => () => new Pointwise(FUNCTIONS[node.op as keyof typeof FUNCTIONS]))(node, importing);
}

/** 1/x. */
export const importReciprocal = importUnary(() => () => new WithConstant("div", Float32Array.of(1), { left: true }));
