/**
 * @file Reading a network's graph: it runs once in evaluation mode, every op is recorded, and the records are sorted
 * and named.
 */
import { noGrad, traced, type Variable } from "../autograd/graph.js";
import { Tensor } from "../autograd/tensor.js";
import { QuantError } from "../core/errors.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { inEvaluation } from "../nn/evaluation.js";
import type { Module } from "../nn/module.js";

/** A network's computation for one input. Its arrays belong to the scope in which it was traced. */
export interface Trace {
  readonly input: Tensor;
  readonly output: Tensor;
  /** Results of ops that depend on the input, in an order in which each follows what it reads. */
  readonly order: readonly Variable[];
  /** Results of ops that read each of them (and the input), in `order`. */
  readonly readers: ReadonlyMap<Variable, readonly Variable[]>;
}

/**
 * Runs a network in evaluation mode on a batch and reads what it did.
 *
 * @param batch u8 with a step, or f32; [N, …]
 * @returns the trace, owned by the open scope
 * @throws QuantError if the output does not depend on the input
 */
export function traceModule(net: Module, batch: NDArray): Trace {
  // A variable of its own: the trace is read by identity.
  const input = new Tensor(batch.alias());
  const output = inEvaluation(net, () => noGrad(() => traced(() => net.forward(input))));
  const order = dependents(output, input);
  if (order.length === 0 || order[order.length - 1] !== output) {
    throw new QuantError({
      op: "pack",
      what: "the output does not depend on the input",
      expected: "a network whose forward applies ops to its input",
      got: "none that were recorded",
    });
  }
  const readers = new Map<Variable, Variable[]>();
  for (const result of order) {
    for (const source of new Set(result.node?.inputs ?? [])) {
      const list = readers.get(source);
      if (list === undefined) readers.set(source, [result]);
      else list.push(result);
    }
  }
  return { input, output, order, readers };
}

/**
 * Results behind `output` that depend on `input`, sources first. Iterative: depth is bounded by memory, not by the
 * stack.
 */
function dependents(output: Variable, input: Variable): Variable[] {
  const order: Variable[] = [];
  const depends = new Map<Variable, boolean>([[input, true]]);
  const path: { variable: Variable; next: number }[] = [{ variable: output, next: 0 }];
  const seen = new Set<Variable>([output]);
  while (path.length > 0) {
    const top = path[path.length - 1];
    const sources = top.variable.node?.inputs ?? [];
    if (top.next < sources.length) {
      const source = sources[top.next++];
      if (!seen.has(source)) {
        seen.add(source);
        path.push({ variable: source, next: 0 });
      }
      continue;
    }
    path.pop();
    if (top.variable === input) continue;
    const reached = sources.some((source) => depends.get(source) === true);
    depends.set(top.variable, reached);
    if (reached) order.push(top.variable);
  }
  return order;
}

/**
 * Gives ids to plan nodes: the path of the module whose parameter an op reads (`conv1`), else the op's name and a
 * number.
 */
export class Names {
  readonly #paths = new Map<NDArray["storage"], string>();
  readonly #taken = new Set<string>();

  constructor(net: Module) {
    const state = [...net.namedParameters(), ...net.namedBuffers()];
    // By storage: a network may wrap the same array in a tensor of its own at each forward.
    for (const [path, { data }] of state) {
      this.#paths.set(data.storage, path.slice(0, Math.max(0, path.lastIndexOf("."))));
    }
  }

  /** Path of the module that owns one of these variables or what it was computed from; the network itself has none. */
  pathOf(variables: readonly Variable[]): string | undefined {
    const pending = [...variables].reverse();
    const seen = new Set<Variable>();
    for (let variable = pending.pop(); variable !== undefined; variable = pending.pop()) {
      if (seen.has(variable)) continue;
      seen.add(variable);
      const path = this.#paths.get(variable.data.storage);
      if (path !== undefined && path !== "") return path;
      pending.push(...(variable.node?.inputs ?? []));
    }
    return undefined;
  }

  /** A new id: `wanted`, or with the lowest number from 2 up that is free. */
  take(wanted: string): string {
    let id = wanted;
    for (let n = 2; this.#taken.has(id); n++) id = `${wanted}_${n}`;
    this.#taken.add(id);
    return id;
  }

  /** A new id from an op's name: `maxPool1`, `maxPool2`, … */
  number(name: string): string {
    let n = 1;
    while (this.#taken.has(`${name}${n}`)) n++;
    return this.take(`${name}${n}`);
  }
}
