/** @file Small ONNX files for the tests of import: written by hand, node by node, in any operator set. */
import type { Shape } from "../../src/core/shape.js";
import { encodeModel } from "../../src/onnx/codec.js";
import {
  ATTRIBUTE,
  type AttributeMessage,
  ELEMENT,
  type GraphMessage,
  type ModelMessage,
} from "../../src/onnx/schema.js";
import { tensorMessage } from "../../src/onnx/tensor.js";

/** An attribute's value: whole numbers are INT, numbers in `{ f }` FLOAT, lists of whole numbers INTS, in `{ fs }` FLOATS. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { readonly f: number }
  | { readonly fs: readonly number[] };

/** A node; its output is named `out` unless it says otherwise. */
export interface TestNode {
  readonly op: string;
  readonly in: readonly string[];
  readonly out?: string;
  /** All outputs, if there are several. */
  readonly outs?: readonly string[];
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** A file; the input is `x`, the output `out`. */
export interface TestModel {
  readonly opset?: number;
  /** Extents with the batch; names for open ones. */
  readonly input: readonly (number | string)[];
  readonly element?: number;
  readonly nodes: readonly TestNode[];
  readonly constants?: Readonly<
    Record<string, { readonly shape: Shape; readonly data: readonly number[] | Float32Array; readonly ints?: boolean }>
  >;
  readonly output?: string;
}

function attribute(name: string, value: AttributeValue): AttributeMessage {
  if (typeof value === "number") return { name, type: ATTRIBUTE.INT, i: value };
  if (typeof value === "string") return { name, type: ATTRIBUTE.STRING, s: new TextEncoder().encode(value) };
  if ("fs" in value) return { name, type: ATTRIBUTE.FLOATS, floats: [...value.fs] };
  if ("f" in value) return { name, type: ATTRIBUTE.FLOAT, f: value.f };
  return { name, type: ATTRIBUTE.INTS, ints: [...value] };
}

/** The file as a message, to be changed before it is encoded. */
export function messageOf({
  opset = 13,
  input,
  element = ELEMENT.FLOAT,
  nodes,
  constants = {},
  output = "out",
}: TestModel): ModelMessage & { graph: GraphMessage } {
  const dim = input.map((extent) => (typeof extent === "number" ? { dimValue: extent } : { dimParam: extent }));
  return {
    irVersion: 8,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "test",
      node: nodes.map(({ op, in: inputs, out = "out", outs = [out], name = "", attributes = {} }) => ({
        opType: op,
        input: [...inputs],
        output: [...outs],
        name,
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      })),
      initializer: Object.entries(constants).map(([name, { shape, data, ints }]) =>
        tensorMessage(name, shape, ints ? BigInt64Array.from(data, BigInt) : Float32Array.from(data)),
      ),
      input: [{ name: "x", type: { tensorType: { elemType: element, shape: { dim } } } }],
      output: [{ name: output, type: { tensorType: { elemType: ELEMENT.FLOAT } } }],
    },
  };
}

/** The file's bytes. */
export function modelBytes(model: TestModel): Uint8Array {
  return encodeModel(messageOf(model));
}
