/**
 * @file The messages of ONNX that this library reads and writes: their fields as types, and as tables of field numbers.
 */

/** Tensor element types of ONNX. */
export const ELEMENT = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
} as const;

/** `data_location` of a tensor whose values lie in another file. */
export const EXTERNAL = 1;

/** Attribute types of ONNX. */
export const ATTRIBUTE = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
} as const;

/** Name of a tensor element type, for messages. */
export function elementName(type: number | undefined): string {
  if (type === undefined) return "no element type";
  return Object.entries(ELEMENT).find(([, value]) => value === type)?.[0] ?? `element type ${type}`;
}

export interface Entry {
  key?: string;
  value?: string;
}
export interface TensorMessage {
  dims?: number[];
  dataType?: number;
  segment?: object;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: number[];
  name?: string;
  rawData?: Uint8Array;
  doubleData?: number[];
  externalData?: Entry[];
  dataLocation?: number;
}
export interface AttributeMessage {
  name?: string;
  f?: number;
  i?: number;
  s?: Uint8Array;
  t?: TensorMessage;
  g?: GraphMessage;
  floats?: number[];
  ints?: number[];
  strings?: Uint8Array[];
  type?: number;
  refAttrName?: string;
}
export interface NodeMessage {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  attribute?: AttributeMessage[];
  domain?: string;
}
export interface Dimension {
  dimValue?: number;
  dimParam?: string;
}
export interface ValueInfo {
  name?: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim?: Dimension[] } } };
}
export interface GraphMessage {
  node?: NodeMessage[];
  name?: string;
  initializer?: TensorMessage[];
  sparseInitializer?: object[];
  docString?: string;
  input?: ValueInfo[];
  output?: ValueInfo[];
}
export interface ModelMessage {
  irVersion?: number;
  producerName?: string;
  producerVersion?: string;
  graph?: GraphMessage;
  opsetImport?: { domain?: string; version?: number }[];
  metadataProps?: Entry[];
  functions?: object[];
}

/**
 * How a field lies in the file. `int` is any varint integer, as a number (rounded beyond 2⁵³, which users of the field
 * refuse).
 */
export type Kind = "int" | "float" | "double" | "string" | "bytes" | MessageTable;

/** One field of a message. */
export interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly repeated: boolean;
}

/** Fields of a message by number. A function, as messages hold each other. */
export type MessageTable = () => ReadonlyMap<number, Field>;

const one = (name: string, kind: Kind): Field => ({ name, kind, repeated: false });
const many = (name: string, kind: Kind): Field => ({ name, kind, repeated: true });

function message(fields: Readonly<Record<number, Field>>): MessageTable {
  const map = new Map(Object.entries(fields).map(([number, field]) => [Number(number), field]));
  return () => map;
}

const ENTRY = message({ 1: one("key", "string"), 2: one("value", "string") });
const EMPTY = message({});
const TENSOR = message({
  1: many("dims", "int"),
  2: one("dataType", "int"),
  3: one("segment", EMPTY),
  4: many("floatData", "float"),
  5: many("int32Data", "int"),
  7: many("int64Data", "int"),
  8: one("name", "string"),
  9: one("rawData", "bytes"),
  10: many("doubleData", "double"),
  13: many("externalData", ENTRY),
  14: one("dataLocation", "int"),
});
const NODE = message({
  1: many("input", "string"),
  2: many("output", "string"),
  3: one("name", "string"),
  4: one("opType", "string"),
  5: many("attribute", () => ATTRIBUTE_FIELDS()),
  7: one("domain", "string"),
});
const SHAPE = message({ 1: many("dim", message({ 1: one("dimValue", "int"), 2: one("dimParam", "string") })) });
const TYPE = message({ 1: one("tensorType", message({ 1: one("elemType", "int"), 2: one("shape", SHAPE) })) });
const VALUE_INFO = message({ 1: one("name", "string"), 2: one("type", TYPE) });
const GRAPH = message({
  1: many("node", NODE),
  2: one("name", "string"),
  5: many("initializer", TENSOR),
  10: one("docString", "string"),
  11: many("input", VALUE_INFO),
  12: many("output", VALUE_INFO),
  15: many("sparseInitializer", EMPTY),
});
const ATTRIBUTE_FIELDS = message({
  1: one("name", "string"),
  2: one("f", "float"),
  3: one("i", "int"),
  4: one("s", "bytes"),
  5: one("t", TENSOR),
  6: one("g", GRAPH),
  7: many("floats", "float"),
  8: many("ints", "int"),
  9: many("strings", "bytes"),
  20: one("type", "int"),
  21: one("refAttrName", "string"),
});
/** The whole file. */
export const MODEL = message({
  1: one("irVersion", "int"),
  2: one("producerName", "string"),
  3: one("producerVersion", "string"),
  7: one("graph", GRAPH),
  8: many("opsetImport", message({ 1: one("domain", "string"), 2: one("version", "int") })),
  14: many("metadataProps", ENTRY),
  25: many("functions", EMPTY),
});
