/** @file Looking at nodes of a graph before they are imported: who gives a value, which number it is, what a product is of. */
import type { GraphNode } from "./graph.js";
import type { Importing } from "./importing.js";
import { readTensor } from "./tensor.js";

/** A product of named values and numbers. */
export interface Product {
  readonly names: readonly string[];
  /** All its numbers, one multiplied by the other. */
  readonly factor: number;
  /** The nodes that it is made of. */
  readonly nodes: readonly GraphNode[];
}

/** Values that a product may be of, and products inside each other, at most: files may hold chains of any length. */
const MOST = 4;
const DEPTH = 6;

/** A graph by its values. */
export class Reading {
  readonly #importing: Importing;
  readonly #givers = new Map<string, GraphNode>();
  constructor(importing: Importing) {
    this.#importing = importing;
    for (const node of importing.graph.nodes) for (const name of node.outputs) this.#givers.set(name, node);
  }

  /** The node that gives a value which one node alone reads. */
  inner(name: string): GraphNode | undefined {
    return this.#importing.onlyReader(name) === undefined ? undefined : this.#givers.get(name);
  }

  /** The one number that a name stands for. */
  number(name: string): number | undefined {
    const { graph } = this.#importing;
    const giver = this.#givers.get(name);
    const constant = graph.constants.get(name);
    if (constant !== undefined) return constant.data.length === 1 ? constant.data[0] : undefined;
    if (giver?.op !== "Constant") return undefined;
    const real = giver.attributes.peek("value_float")?.f;
    if (real !== undefined) return real;
    const tensor = giver.attributes.peek("value")?.t;
    if (tensor === undefined || tensor.dims?.some((extent) => extent !== 1)) return undefined;
    const { data } = readTensor(tensor, giver.where, graph.external);
    return data.length === 1 ? data[0] : undefined;
  }

  /** A real attribute. */
  float(node: GraphNode, name: string, otherwise: number): number {
    const attribute = node.attributes.peek(name);
    return attribute === undefined ? otherwise : (attribute.f ?? 0);
  }

  /** Bounds of a Clip. */
  bounds(node: GraphNode): readonly [lo: number | undefined, hi: number | undefined] {
    const [, lo = "", hi = ""] = node.inputs;
    if (this.#importing.graph.opset < 11) return [this.float(node, "min", NaN), this.float(node, "max", NaN)];
    return [this.number(lo), this.number(hi)];
  }

  /** The number that an Add adds to a value. */
  addedTo({ op, inputs }: GraphNode, x: string): number | undefined {
    if (op !== "Add" || !inputs.includes(x)) return undefined;
    return this.number(inputs[inputs[0] === x ? 1 : 0]);
  }

  /** What a Mul, a Div by a number, or a Pow by 3 is a product of; null if it is too much, or something else. */
  productOf(node: GraphNode, depth = 0): Product | null {
    const { op, inputs } = node;
    const names: string[] = [];
    const nodes = [node];
    let factor = 1;
    const take = (name: string): void => {
      const number = this.number(name);
      const giver = this.inner(name);
      const part =
        giver === undefined || names.length > MOST || depth === DEPTH ? null : this.productOf(giver, depth + 1);
      if (number !== undefined) factor *= number;
      else if (part === null) names.push(name);
      else {
        names.push(...part.names);
        nodes.push(...part.nodes);
        factor *= part.factor;
      }
    };
    if (op === "Mul" && inputs.length === 2) inputs.forEach(take);
    else if (op === "Div" && this.number(inputs[1] ?? "") !== undefined) {
      take(inputs[0]);
      factor /= this.number(inputs[1]) as number;
    } else if (op === "Pow" && this.number(inputs[1] ?? "") === 3) names.push(inputs[0], inputs[0], inputs[0]);
    else return null;
    return names.length > MOST ? null : { names, factor, nodes };
  }
}
