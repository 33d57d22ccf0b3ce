/**
 * @file What the import of one node may read and extend: values with their layouts, constants, and the layers so far.
 */
import { FormatError } from "../core/errors.js";
import { type Shape, shapeText, sizeOf } from "../core/shape.js";
import type { Module } from "../nn/module.js";
import type { Graph, GraphNode } from "./graph.js";
import { ChannelsOutermost, type Stretch } from "./layers.js";
import { OnnxNetwork, type Step } from "./network.js";
import { ELEMENT } from "./schema.js";
import type { Constant } from "./tensor.js";

/** Elements that one value may have for one image. */
const MAX_VALUE = 2 ** 28;

/**
 * A value that depends on the input. `image`: [N,C,H,W] in ONNX, [N,H,W,C] here. `rows`: [N,F]; a flattened image has
 * its features in this library's order, which `stretches` tell apart (null: both orders are one). `last`: channels last
 * in ONNX too. `plane`: [N,H,W] in ONNX, images of one channel here. `lines`: [N,C,L] in ONNX, images here whose rows
 * and columns (`grid`) are L pixels together. `sequence`: [N,C,T] in ONNX, [N,T,C] here.
 */
export interface Value {
  readonly slot: number;
  /** In ONNX, without the batch. */
  readonly shape: Shape;
  readonly layout: "image" | "rows" | "last" | "plane" | "lines" | "sequence";
  readonly stretches: readonly Stretch[] | null;
  /** Of `lines`: [H,W] here. */
  readonly grid?: readonly [number, number];
}

/** Where a new value comes from, besides its slot. */
export type ValueInfo = Omit<Value, "slot">;

/** Rows whose features are in the same order in both. */
export function rows(features: number, stretches: readonly Stretch[] | null = null): ValueInfo {
  const plain = stretches?.every(({ channels, pixels }) => channels === 1 || pixels === 1) ?? true;
  return { shape: [features], layout: "rows", stretches: plain ? null : stretches };
}

/** The stretches of rows, one even if both orders are the same. */
export function stretchesOf({ shape, stretches }: Value): readonly Stretch[] {
  return stretches ?? [{ channels: shape[0], pixels: 1 }];
}

/** For feature i here, which feature of ONNX it is. */
export function onnxOrder(stretches: readonly Stretch[]): number[] {
  const order: number[] = [];
  for (const { channels, pixels } of stretches) {
    const start = order.length;
    for (let p = 0; p < pixels; p++) for (let c = 0; c < channels; c++) order.push(start + c * pixels + p);
  }
  return order;
}

/** The batch among extents, which no file fixes for good. */
export const BATCH = "N";

/** Extents that a graph computes with. */
export interface Extents {
  readonly list: readonly (number | typeof BATCH)[];
  /** One number rather than a list of one. */
  readonly scalar: boolean;
}

/** Characters of a file's name that a key may be made of, from its end: names of files may be of any length. */
const MAX_KEY = 500;

/** The network while a graph is imported. Layers are made at the end, so that a refused file leaves no memory taken. */
export class Importing {
  readonly graph: Graph;
  readonly steps: Step[] = [];
  readonly layers = new Map<string, () => Module>();
  /**
   * For each key that was wanted: the number from which on the next one may be free. Asking for all of them would take
   * quadratic time.
   */
  readonly #next = new Map<string, number>();
  /** Nodes that another one has swallowed. */
  readonly done = new Set<GraphNode>();
  /** Padding that a Pad in front of a max pool adds to it, before and behind each axis. */
  readonly outerPads = new Map<GraphNode, readonly (readonly number[])[]>();
  /** What was left out, for the user. */
  readonly notes: string[] = [];
  /** Shape of the network's input, where it is not the file's: rows that the file makes images of at once. */
  inputImage: readonly number[] | null = null;
  #folded = 0;
  /** What code 1 of a byte input stands for. */
  inputStep = 1;
  /** Values that are the input's bytes, moved at most. */
  readonly #codes = new Set<number>();
  readonly #values = new Map<string, Value>();
  readonly #constants: Map<string, Constant>;
  readonly #extents = new Map<string, Extents>();
  readonly #readers = new Map<string, GraphNode[]>();

  /** Name of the value that is the network's result. */
  readonly output: string;
  /** True if a softmax at the end is to be left out. */
  readonly logits: boolean;

  constructor(graph: Graph, output: string, logits: boolean) {
    this.graph = graph;
    this.output = output;
    this.logits = logits;
    this.#constants = new Map(graph.constants);
    if (graph.inputs[0]?.element === ELEMENT.UINT8) this.#codes.add(0);
    for (const node of graph.nodes) {
      for (const name of new Set(node.inputs)) {
        const readers = this.#readers.get(name);
        // Not copied: thousands of nodes may read one name.
        if (readers === undefined) this.#readers.set(name, [node]);
        else readers.push(node);
      }
    }
  }

  refuse(node: GraphNode, what: string, expected: string, got: string, hint?: string): never {
    throw new FormatError({ op: node.where, what, expected, got, hint });
  }

  /**
   * Takes a factor of a byte input as what its code 1 stands for, if nothing else sees the codes.
   * @returns false if that cannot be
   */
  scaleInput(value: Value, factor: number): boolean {
    const alone = this.#readOnce(this.#codes);
    if (!this.#codes.has(value.slot) || !alone || this.inputStep !== 1 || !(factor > 0)) return false;
    this.inputStep = factor;
    return true;
  }

  /** True if no value of these slots is read twice, or is a result. */
  #readOnce(slots: ReadonlySet<number>): boolean {
    const names = [...this.#values].filter(([, { slot }]) => slots.has(slot)).map(([name]) => name);
    return names.every((name) => this.onlyReader(name) !== undefined);
  }

  /** Takes an input of rows as images [H,W,C], if nothing else sees the rows. @returns false if that cannot be */
  takeAsImages(value: Value, shape: Shape): boolean {
    if (value.slot !== 0 || !this.#readOnce(new Set([0]))) return false;
    this.inputImage = shape;
    return true;
  }

  /** Refuses a folded constant that is too large, before it takes memory. */
  checkFolded(node: GraphNode, shape: Shape, most: number): void {
    const count = shape.reduce((product, extent) => product * extent, 1);
    if (this.#folded + count <= most) return;
    this.refuse(
      node,
      "size of computed constants",
      `${most} elements at most`,
      `${this.#folded} and ${shapeText(shape)}`,
    );
  }
  countFolded(node: GraphNode, count: number, most: number): void {
    this.checkFolded(node, [count], most);
    this.#folded += count;
  }

  /** Says that the newest layer moved the elements of a value and changed none. */
  moved(from: Value): void {
    if (this.#codes.has(from.slot)) this.#codes.add(this.steps.length);
  }

  /** Gives a name to a value. */
  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
  setConstant(name: string, constant: Constant): void {
    this.#constants.set(name, constant);
  }
  value(name: string): Value | undefined {
    return this.#values.get(name);
  }
  /** The nodes that read a name. */
  readers(name: string): readonly GraphNode[] {
    return this.#readers.get(name) ?? [];
  }
  /** The only node that reads a name, if it is not an output of the graph too. */
  onlyReader(name: string): GraphNode | undefined {
    const list = this.readers(name);
    return list.length === 1 && !this.graph.outputs.includes(name) ? list[0] : undefined;
  }

  /** Checks how many inputs and outputs a node has; further outputs may be named only if nothing reads them. */
  arity(node: GraphNode, least: number, most: number): void {
    const given = node.inputs.length;
    const whole = node.inputs.slice(0, least).every((name) => name !== "");
    if (given < least || given > most || !whole) {
      this.refuse(node, "inputs", least === most ? `${least}` : `${least} to ${most}`, `[${node.inputs.join(", ")}]`);
    }
    const [first = "", ...rest] = node.outputs;
    if (first === "") this.refuse(node, "outputs", "one", "none");
    const used = rest.find((name) => this.readers(name).length > 0 || this.graph.outputs.includes(name));
    if (used !== undefined) this.refuse(node, "outputs", "the first alone", `"${used}" is used`);
  }

  /** An input that depends on the network's input. */
  input(node: GraphNode, i = 0): Value {
    const value = this.#values.get(node.inputs[i]);
    return value ?? this.refuse(node, `input ${i}`, "a value that depends on the network's input", "a constant");
  }
  /** An input that is an image. */
  image(node: GraphNode, i = 0): Value {
    const value = this.input(node, i);
    if (value.layout === "image") return value;
    const got = `${value.layout === "last" ? "channels last, " : ""}[N,${value.shape}]`;
    return this.refuse(node, `input ${i}`, "images [N,C,H,W]", got);
  }
  /** An input that is rows. */
  rows(node: GraphNode, i = 0): Value {
    const value = this.input(node, i);
    return value.layout === "rows" ? value : this.refuse(node, `input ${i}`, "[N,F]", `[N,${value.shape}]`);
  }

  setExtents(name: string, extents: Extents): void {
    const { list, scalar } = extents;
    if (list.includes(BATCH)) this.#extents.set(name, extents);
    else {
      const data = Float64Array.from(list as readonly number[]);
      this.setConstant(name, { name, shape: scalar ? [] : [list.length], type: "integer", data });
    }
  }
  /** Extents that a name holds: computed ones, or integer constants. */
  extents(name: string): Extents | undefined {
    const constant = this.#constants.get(name);
    if (constant?.type !== "integer" || constant.shape.length > 1) return this.#extents.get(name);
    return { list: Array.from(constant.data), scalar: constant.shape.length === 0 };
  }

  isConstant(node: GraphNode, i: number): boolean {
    return this.#constants.has(node.inputs[i] ?? "");
  }
  /** A constant input. */
  constant(node: GraphNode, i: number): Constant {
    const found = this.#constants.get(node.inputs[i] ?? "");
    return found ?? this.refuse(node, `input ${i}`, "a constant", "a computed value");
  }
  /** A constant input of finite real numbers; undefined if it is left out. */
  optionalReals(node: GraphNode, i: number): Constant | undefined {
    return (node.inputs[i] ?? "") === "" ? undefined : this.reals(node, i);
  }
  /** A constant input of finite real numbers. */
  reals(node: GraphNode, i: number): Constant {
    const found = this.constant(node, i);
    if (found.type !== "float") this.refuse(node, `input ${i}`, "FLOAT or DOUBLE", "integers");
    const bad = found.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) this.refuse(node, `element ${bad} of input ${i}`, "a finite number", `${found.data[bad]}`);
    return found;
  }
  /** A constant vector of real numbers. */
  vector(node: GraphNode, i: number, length: number): Float32Array {
    const found = this.reals(node, i);
    if (found.shape.length !== 1 || found.shape[0] !== length) {
      this.refuse(node, `input ${i}`, `[${length}]`, shapeText(found.shape));
    }
    return found.data as Float32Array;
  }

  /** Adds a layer that makes the node's result. @param wanted its key */
  layer(node: GraphNode, wanted: string, input: number, info: ValueInfo, make: () => Module): void {
    this.set(node.outputs[0], this.inner(node, wanted, input, info, make));
  }

  /** Adds a layer whose result has no name in the graph. */
  inner(node: GraphNode, wanted: string, input: number, info: ValueInfo, make: () => Module): Value {
    const key = this.#key(wanted);
    this.layers.set(key, make);
    return this.#step(node, { kind: "layer", key, input }, info);
  }

  /** Adds a step that combines values. */
  combine(node: GraphNode, step: Step, info: ValueInfo): void {
    this.set(node.outputs[0], this.combined(node, step, info));
  }

  /** The same, for a result without a name in the graph. */
  combined(node: GraphNode, step: Step, info: ValueInfo): Value {
    return this.#step(node, step, info);
  }

  #step(node: GraphNode, step: Step, info: ValueInfo): Value {
    const size = sizeOf(info.shape);
    if (!(size >= 1 && size <= MAX_VALUE)) {
      this.refuse(node, "size of its result", `1 to ${MAX_VALUE} elements`, shapeText(info.shape));
    }
    this.steps.push(step);
    return { ...info, slot: this.steps.length };
  }

  /** Rows in ONNX's order of features. */
  restored(node: GraphNode, value: Value): Value {
    const { stretches, shape } = value;
    if (stretches === null) return value;
    return this.inner(node, "channels_outermost", value.slot, rows(shape[0]), () => new ChannelsOutermost(stretches));
  }

  /** A free key: no property of modules, not a number (which would come before all others). */
  #key(wanted: string): string {
    const plain = wanted
      .slice(-MAX_KEY)
      .replace(/[^A-Za-z0-9_.]+/g, "_")
      .replace(/^[._]+|[._]+$/g, "");
    const base =
      plain === "" || /^\d+$/.test(plain) || plain in OnnxNetwork.prototype || RESERVED.has(plain)
        ? `layer${plain}`
        : plain;
    let key = base;
    let n = this.#next.get(base) ?? 2;
    for (; this.layers.has(key); n++) key = `${base}_${n}`;
    this.#next.set(base, n);
    return key;
  }

  /**
   * Key of a layer without weights: PyTorch names nodes `/layer1/layer1.0/relu/Relu`, which is layer1.0.relu; else the
   * node's name, or the operator's (`/Relu_1`: relu_1).
   */
  keyOfPath({ name: given, op }: GraphNode): string {
    const name = given.length > MAX_KEY ? given.slice(-MAX_KEY) : given;
    const parts = name.split("/").filter(Boolean);
    if (parts.length === 0) return op.toLowerCase();
    if (!name.startsWith("/")) return parts.join("_");
    if (parts.length === 1) return parts[0].toLowerCase();
    return parts
      .slice(0, -1)
      .filter((part, i, all) => !all[i + 1]?.startsWith(`${part}.`) || i === all.length - 1)
      .join(".");
  }

  /** Key of a layer with weights: the weights' name without its last part; without such a name as {@link keyOfPath}. */
  keyOf(node: GraphNode, weight: Constant | undefined): string {
    return /^(.+)[./](?:weight|gamma|kernel)$/i.exec(weight?.name.slice(-MAX_KEY) ?? "")?.[1] ?? this.keyOfPath(node);
  }
}

/** Properties of modules that a layer must not cover. */
const RESERVED = new Set([
  "training",
  "forward",
  "train",
  "eval",
  "get",
  "replace",
  "children",
  "modules",
  "dispose",
  "input",
  "parameters",
  "describe",
]);
