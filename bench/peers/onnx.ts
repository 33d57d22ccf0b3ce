/** @file Small ONNX models, written with protobufjs from the few messages of onnx.proto that they need. */

const PROTO = `
syntax = "proto2";
package onnx;
message AttributeProto { optional string name = 1; optional int64 i = 3; repeated int64 ints = 8; optional int32 type = 20; }
message NodeProto { repeated string input = 1; repeated string output = 2; optional string name = 3; optional string op_type = 4;
  repeated AttributeProto attribute = 5; optional string domain = 7; }
message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9; }
message Dimension { optional int64 dim_value = 1; }
message Shape { repeated Dimension dim = 1; }
message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
message TypeProto { optional TensorType tensor_type = 1; }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message GraphProto { repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message ModelProto { optional int64 ir_version = 1; optional GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8; }
`;
const FLOAT = 1;
const INT_ATTRIBUTE = 2;
const INTS_ATTRIBUTE = 7;
const IR_VERSION = 8;
const OPSET = 17;
const MICROSOFT = "com.microsoft";

/** An f32 value's name and shape. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Elements of a constant; the array's type is the tensor's. */
export type Data = Float32Array | Uint8Array | Int8Array;

/** A value that is known ahead, so that a runtime may lay it out as it likes. */
export interface Constant extends Value {
  readonly data: Data;
}

/** One operation. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
  /** Of ONNX Runtime's own operators. */
  readonly microsoft?: boolean;
}

/** A graph with f32 inputs and outputs. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly constants?: readonly Constant[];
}

/** What this file uses of protobufjs. */
interface Protobuf {
  parse(
    source: string,
    options: { keepCase: boolean },
  ): {
    root: {
      lookupType(name: string): {
        fromObject(value: object): unknown;
        encode(message: unknown): { finish(): Uint8Array };
      };
    };
  };
}

const info = ({ name, shape }: Value): object => ({
  name,
  type: { tensor_type: { elem_type: FLOAT, shape: { dim: shape.map((dim_value) => ({ dim_value })) } } },
});

function dataType(data: Data): number {
  if (data instanceof Float32Array) return FLOAT;
  return data instanceof Uint8Array ? 2 : 3;
}

/** The model's bytes. */
export function onnxModel(protobuf: Protobuf, graph: Graph): Uint8Array {
  const { root } = protobuf.parse(PROTO, { keepCase: true });
  const model = root.lookupType("onnx.ModelProto");
  const message = model.fromObject({
    ir_version: IR_VERSION,
    opset_import: [
      { domain: "", version: OPSET },
      { domain: MICROSOFT, version: 1 },
    ],
    graph: {
      name: "bench",
      node: graph.nodes.map(({ op, inputs, output, attributes = {}, microsoft = false }) => ({
        op_type: op,
        name: output,
        input: inputs,
        output: [output],
        domain: microsoft ? MICROSOFT : "",
        attribute: Object.entries(attributes).map(([name, value]) =>
          typeof value === "number"
            ? { name, type: INT_ATTRIBUTE, i: value }
            : { name, type: INTS_ATTRIBUTE, ints: value },
        ),
      })),
      input: graph.inputs.map(info),
      output: graph.outputs.map(info),
      initializer: (graph.constants ?? []).map(({ name, shape, data }) => ({
        name,
        dims: shape,
        data_type: dataType(data),
        raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
    },
  });
  return model.encode(message).finish();
}

/** C = A·B, both given at run time. */
export function matmulGraph(M: number, K: number, N: number): Graph {
  return {
    nodes: [{ op: "MatMul", inputs: ["a", "b"], output: "c" }],
    inputs: [
      { name: "a", shape: [M, K] },
      { name: "b", shape: [K, N] },
    ],
    outputs: [{ name: "c", shape: [M, N] }],
  };
}

/** A convolution of NCHW images with constant weights [O,I,K,K]. */
export function convGraph(options: {
  image: readonly [batch: number, channels: number, height: number, width: number];
  weight: Constant;
  padding: number;
  stride: number;
}): Graph {
  const { image, weight, padding, stride } = options;
  const [filters, , kernel] = weight.shape;
  const side = (extent: number): number => Math.floor((extent + 2 * padding - kernel) / stride) + 1;
  return {
    nodes: [
      {
        op: "Conv",
        inputs: ["x", weight.name],
        output: "y",
        attributes: convAttributes(kernel, padding, stride),
      },
    ],
    inputs: [{ name: "x", shape: image }],
    outputs: [{ name: "y", shape: [image[0], filters, side(image[2]), side(image[3])] }],
    constants: [weight],
  };
}

/** Attributes of a square window. */
export function convAttributes(
  kernel: number,
  padding: number,
  stride: number,
  groups = 1,
): Record<string, number | readonly number[]> {
  const window = { pads: Array(4).fill(padding), strides: [stride, stride], kernel_shape: [kernel, kernel] };
  return groups === 1 ? window : { ...window, group: groups };
}
