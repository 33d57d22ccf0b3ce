/** @file Calls of a network's modules in one pass: what each was given and what it gave. */
import { noGrad, traced, Variable } from "../autograd/graph.js";
import { Tensor } from "../autograd/tensor.js";
import { check, instanceOf, list, refuse } from "../core/checks.js";
import { NDArray } from "../ndarray/ndarray.js";
import { type AroundCall, aroundCalls } from "../nn/calls.js";
import { inEvaluation } from "../nn/evaluation.js";
import type { Module } from "../nn/module.js";
import { Module as ModuleClass } from "../nn/module.js";

/** One call of a module's `forward`. */
export interface Call {
  readonly path: string;
  readonly module: Module;
  readonly inputs: readonly Variable[];
  readonly output: Variable;
}

/** Calls in the order in which they began, and in the order in which they ended: inner ones first. */
export interface Calls {
  readonly begun: readonly Call[];
  readonly ended: readonly Call[];
}

/** Inputs of a network: one, or several. */
export type NetworkInput = Tensor | NDArray | readonly (Tensor | NDArray)[];

/** Refuses what is no network. @throws ArgumentError */
export function checkNetwork(op: string, net: unknown): void {
  check(op, "network", net, instanceOf(ModuleClass as never, "a Module"));
}

/** Inputs as tensors of their own, on the same memory. @throws ArgumentError, DisposedError */
export function tensorsOf(op: string, input: NetworkInput): Tensor[] {
  const several = list(input) === null ? (input as readonly unknown[]) : [input];
  if (several.length === 0) refuse(op, "input", "a tensor, or a list of tensors", input);
  return several.map((item) => {
    if (item instanceof NDArray) return new Tensor(item.alias());
    return item instanceof Variable
      ? new Tensor(item.data.alias())
      : refuse(op, "input", "a tensor, or a list of tensors", item);
  });
}

/**
 * Runs a network once in evaluation mode and tells of all calls of its modules. The network is as it was afterwards.
 *
 * @param inputs tensors that nothing else uses: calls are told apart by identity
 * @throws what `forward` throws; ArgumentError if it gives no tensor
 */
export function recordCalls(op: string, net: Module, inputs: readonly Tensor[]): Calls {
  const begun: (Call | null)[] = [];
  const ended: Call[] = [];
  const named = [...net.namedModules()];
  const recorded: AroundCall = (i, inputs, forward) => {
    const [path, module] = named[i];
    const place = begun.push(null) - 1;
    const output = forward();
    if (output instanceof Variable) {
      const call = { path, module, inputs: inputs.filter((input) => input instanceof Variable), output };
      begun[place] = call;
      ended.push(call);
    }
    return output;
  };
  const run = (): unknown => (net.forward as (...inputs: Tensor[]) => Tensor).apply(net, [...inputs]);
  aroundCalls(
    named.map(([, module]) => module),
    recorded,
    () => {
      const output = inEvaluation(net, () => noGrad(() => traced(run)));
      check(op, "output of the network", output, instanceOf(Variable, "a tensor"));
    },
  );
  return { begun: begun.filter((call) => call !== null), ended };
}

/**
 * Widths of the codes in a variable: of the staircase that they come from, 8 for bytes of the input, 32 for real
 * numbers.
 */
export function bitsOf(variable: Variable): number {
  if (!variable.data.coded) return 32;
  const { node } = variable;
  if (node === null) return 8;
  const { bits } = (node.attrs ?? {}) as { bits?: unknown };
  if (typeof bits === "number") return bits;
  const coded = node.inputs.filter(({ data }) => data.coded).map(bitsOf);
  return coded.length === 0 ? 8 : Math.max(...coded);
}
