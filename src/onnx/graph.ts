/**
 * @file The graph of an ONNX file, checked as far as no operator has to be known: names, order, cycles, versions, types
 * of inputs.
 */
import { FormatError } from "../core/errors.js";
import { Attributes } from "./attributes.js";
import { decodeModel } from "./codec.js";
import type { ExternalData } from "./external.js";
import { ATTRIBUTE, type GraphMessage, type ModelMessage, type NodeMessage, type ValueInfo } from "./schema.js";
import { type Constant, readTensor } from "./tensor.js";

/** Operator sets that are understood: older ones spell broadcasting and batch norm differently. */
const OPSETS = { oldest: 7, newest: 25 };
const MAX_NODES = 100_000;

/** One node. */
export interface GraphNode {
  /** As in messages: `node "conv1" (Conv)`. */
  readonly where: string;
  readonly name: string;
  readonly op: string;
  /** Names of values; empty for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** The value that a graph is fed: extents are numbers, or null where they may vary. */
export interface GraphInput {
  readonly name: string;
  readonly element: number | undefined;
  readonly extents: readonly (number | null)[] | null;
}

/** A graph, its nodes in an order in which each follows what it reads. */
export interface Graph {
  readonly file: string;
  readonly opset: number;
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly string[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Bytes of the files beside the file. */
  readonly external: ExternalData | undefined;
}

/**
 * Reads the graph of an ONNX file.
 *
 * @throws FormatError naming file and node: no graph, an operator set outside 7 … 25, operators of other domains,
 *   subgraphs, names used twice or never given a value, cycles, external data that was not given, sparse constants
 */
export function readGraph(bytes: Uint8Array, file: string, external?: ExternalData): Graph {
  const model = decodeModel(bytes, file);
  const refuse = (what: string, expected: string, got: string): never => {
    throw new FormatError({ op: file, what, expected, got });
  };
  const { graph } = model;
  if (graph === undefined) return refuse("not an ONNX model", "a graph", "none");
  const opset = opsetOf(model, refuse);
  if ((graph.sparseInitializer?.length ?? 0) > 0) refuse("sparse initializers", "dense ones", "sparse");
  const constants = new Map<string, Constant>();
  for (const tensor of graph.initializer ?? []) {
    const name = tensor.name ?? "";
    if (name === "" || constants.has(name)) refuse("initializer", "a name of its own", name === "" ? "none" : name);
    constants.set(name, readTensor(tensor, `${file}: initializer "${name}"`, external));
  }
  const given = graph.input ?? [];
  // Files of the first versions list initializers among the inputs.
  const inputs = given.filter(({ name = "" }) => !constants.has(name)).map(inputOf);
  if (new Set(given.map(({ name }) => name)).size !== given.length)
    refuse("inputs", "names of their own", "a name twice");
  const nodes = nodesOf(graph, file, refuse);
  const outputs = (graph.output ?? []).map(({ name = "" }) => name);
  return {
    file,
    opset,
    nodes: sorted(nodes, new Set([...constants.keys(), ...inputs.map(({ name }) => name)]), refuse),
    inputs,
    outputs,
    constants,
    external,
  };
}

/** A graph without the nodes that one of its outputs does not depend on. */
export function neededFor(graph: Graph, output: string): Graph {
  const wanted = new Set([output]);
  const nodes: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => name !== "" && wanted.has(name))) continue;
    nodes.push(node);
    for (const name of node.inputs) wanted.add(name);
  }
  return { ...graph, nodes: nodes.reverse(), outputs: [output] };
}

type Refuse = (what: string, expected: string, got: string) => never;

function isStandard(domain: string | undefined): boolean {
  return domain === undefined || domain === "" || domain === "ai.onnx";
}

function opsetOf({ opsetImport = [] }: ModelMessage, refuse: Refuse): number {
  // The standard domain has two names; a file may list both.
  const all = opsetImport.filter(({ domain }) => isStandard(domain)).map(({ version = 0 }) => version);
  const versions = [...new Set(all)];
  if (versions.length !== 1) refuse("version of the operator set", "one", `${versions.length}`);
  const { oldest, newest } = OPSETS;
  const [version] = versions;
  if (!(version >= oldest && version <= newest)) {
    refuse("version of the operator set", `${oldest} to ${newest}`, `${version}`);
  }
  return version;
}

function inputOf({ name = "", type }: ValueInfo): GraphInput {
  const tensor = type?.tensorType;
  const extents =
    tensor?.shape &&
    (tensor.shape.dim ?? []).map(({ dimValue }) => (dimValue === undefined || dimValue < 0 ? null : dimValue));
  return { name, element: tensor?.elemType, extents: extents ?? null };
}

function nodesOf({ node: list = [] }: GraphMessage, file: string, refuse: Refuse): GraphNode[] {
  if (list.length > MAX_NODES) refuse("nodes", `at most ${MAX_NODES}`, `${list.length}`);
  return list.map((message, i): GraphNode => {
    const { name = "", opType = "", input = [], output = [], attribute = [], domain } = message;
    const where = `${file}: node ${nameOf(message, i)} (${opType})`;
    const bad = (what: string, expected: string, got: string): never => {
      throw new FormatError({ op: where, what, expected, got });
    };
    if (opType === "") bad("no operator", "op_type", "none");
    if (!isStandard(domain)) bad("operator of another domain", "standard operators", domain as string);
    const graphs = attribute.filter(({ type }) => type === ATTRIBUTE.GRAPH || type === ATTRIBUTE.GRAPHS);
    if (graphs.length > 0) bad("a graph inside", "operators without", `attribute ${graphs[0].name}`);
    return { where, name, op: opType, inputs: input, outputs: output, attributes: new Attributes(attribute, where) };
  });
}

function nameOf({ name = "", output = [] }: NodeMessage, i: number): string {
  if (name !== "") return `"${name}"`;
  return output[0] ? `${i}, which gives "${output[0]}",` : `${i}`;
}

/** Nodes so that each follows what it reads. */
function sorted(nodes: readonly GraphNode[], known: ReadonlySet<string>, refuse: Refuse): GraphNode[] {
  const makers = new Map<string, GraphNode>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (makers.has(name) || known.has(name)) refuse(`value "${name}"`, "one that gives it", "several");
      makers.set(name, node);
    }
  }
  const order: GraphNode[] = [];
  const state = new Map<GraphNode, "open" | "done">();
  // Depth first without recursion: long chains must not overflow the stack.
  for (const root of nodes) {
    const path: { node: GraphNode; next: number }[] = state.has(root) ? [] : [{ node: root, next: 0 }];
    state.set(root, state.get(root) ?? "open");
    while (path.length > 0) {
      const top = path[path.length - 1];
      if (top.next === top.node.inputs.length) {
        state.set(top.node, "done");
        order.push(top.node);
        path.pop();
        continue;
      }
      const name = top.node.inputs[top.next++];
      if (name === "" || known.has(name)) continue;
      const maker = makers.get(name);
      if (maker === undefined) {
        throw new FormatError({
          op: top.node.where,
          what: `reads "${name}"`,
          expected: "a value of the graph",
          got: "none",
        });
      }
      if (state.get(maker) === "open") {
        const cycle = path.slice(path.findIndex(({ node }) => node === maker)).map(({ node }) => node.outputs[0]);
        throw new FormatError({
          op: maker.where,
          what: "a cycle",
          expected: "none",
          got: [...cycle, cycle[0]].join(" → "),
        });
      }
      if (state.has(maker)) continue;
      state.set(maker, "open");
      path.push({ node: maker, next: 0 });
    }
  }
  return order;
}
