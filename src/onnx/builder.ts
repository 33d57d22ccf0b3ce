/** @file Building an ONNX graph: nodes and constants with names that are taken once. */
import type { Shape } from "../core/shape.js";
import { encodeModel } from "./codec.js";
import {
  ATTRIBUTE,
  type AttributeMessage,
  type Entry,
  type NodeMessage,
  type TensorMessage,
  type ValueInfo,
} from "./schema.js";
import { type TensorData, tensorMessage } from "./tensor.js";

/** Version of the operator set, and of the file format. */
export const OPSET = 21;
export const IR_VERSION = 10;

/** A value of an attribute: an integer, text, integers, a real number, or a tensor of one element. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly tensor: TensorData };

/** What a graph is fed or gives: extents are numbers, or names for those that may vary. */
export interface Port {
  readonly name: string;
  readonly element: number;
  readonly shape: readonly (number | string)[];
}

/** The parts of a finished model besides its graph. */
export interface ModelInfo {
  readonly doc: string;
  readonly metadata: readonly Entry[];
}

/** A graph that grows. */
export class GraphBuilder {
  readonly #nodes: NodeMessage[] = [];
  readonly #initializers: TensorMessage[] = [];
  readonly #taken = new Set<string>();
  readonly #scalars = new Map<string, string>();

  /** A name that nothing else has: `wanted`, or with a number. */
  name(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#taken.has(name); n++) name = `${wanted}_${n}`;
    this.#taken.add(name);
    return name;
  }

  /** Adds a constant. @returns its name */
  constant(wanted: string, shape: Shape, data: TensorData): string {
    const name = this.name(wanted);
    this.#initializers.push(tensorMessage(name, shape, data));
    return name;
  }

  /** A constant of one number, shared by all that need the same. @returns its name */
  scalar(data: TensorData): string {
    const key = `${data.constructor.name} ${Object.is(data[0], -0) ? "-0" : data[0]}`;
    const known = this.#scalars.get(key);
    if (known !== undefined) return known;
    const name = this.constant(`scalar${this.#scalars.size}`, [], data);
    this.#scalars.set(key, name);
    return name;
  }

  /** Adds an operation. @param output wanted name of its result @returns the name that the result got */
  node(
    opType: string,
    input: readonly string[],
    output: string,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const name = this.name(output);
    this.emit(opType, input, name, attributes);
    return name;
  }

  /** Adds an operation whose result has a name that was taken before. */
  emit(
    opType: string,
    input: readonly string[],
    name: string,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): void {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeMessage(key, value));
    this.#nodes.push({ input: [...input], output: [name], name, opType, attribute });
  }

  /** The file's bytes. */
  finish(inputs: readonly Port[], outputs: readonly Port[], { doc, metadata }: ModelInfo): Uint8Array {
    return encodeModel({
      irVersion: IR_VERSION,
      producerName: "coarsegrad",
      opsetImport: [{ domain: "", version: OPSET }],
      metadataProps: [...metadata],
      graph: {
        name: "network",
        docString: doc,
        node: this.#nodes,
        initializer: this.#initializers,
        input: inputs.map(valueInfo),
        output: outputs.map(valueInfo),
      },
    });
  }
}

function valueInfo({ name, element, shape }: Port): ValueInfo {
  const dim = shape.map((extent) => (typeof extent === "number" ? { dimValue: extent } : { dimParam: extent }));
  return { name, type: { tensorType: { elemType: element, shape: { dim } } } };
}

function attributeMessage(name: string, value: Attribute): AttributeMessage {
  if (typeof value === "number") return { name, type: ATTRIBUTE.INT, i: value };
  if (typeof value === "string") return { name, type: ATTRIBUTE.STRING, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: ATTRIBUTE.FLOAT, f: value.float };
  if ("tensor" in value) return { name, type: ATTRIBUTE.TENSOR, t: tensorMessage("", [1], value.tensor) };
  return { name, type: ATTRIBUTE.INTS, ints: [...value] };
}
