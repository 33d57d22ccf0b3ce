/**
 * @file Constant tensors of ONNX files: read from any of the places where they may lie, written as raw little-endian
 * bytes.
 */
import { FormatError } from "../core/errors.js";
import { type Shape, shapeText } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { type ExternalData, externalBytes, isExternal } from "./external.js";
import { ELEMENT, elementName, type TensorMessage } from "./schema.js";

/** Elements of one constant. */
const MAX_ELEMENTS = 2 ** 31 - 1;

/** A constant outside the heap: floats (half precision, FLOAT, DOUBLE rounded to f32) or integers (each exact). */
export interface Constant {
  readonly name: string;
  readonly shape: Shape;
  readonly type: "float" | "integer";
  readonly data: Float32Array | Float64Array;
}

/** The number that 16 bits stand for in IEEE half precision. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const word = new DataView(new ArrayBuffer(4));

/** The number whose upper 16 bits in f32 these are. */
function brainFloat(bits: number): number {
  word.setUint32(0, bits * 2 ** 16);
  return word.getFloat32(0);
}

/** Element types that become real numbers. */
const REAL: readonly (number | undefined)[] = [ELEMENT.FLOAT, ELEMENT.DOUBLE, ELEMENT.FLOAT16, ELEMENT.BFLOAT16];

/** True if numbers of an element type are reals, which are f32 here. */
export function isReal(element: number): boolean {
  return REAL.includes(element);
}

/** Names of the element types that constants may have. */
const READABLE = "FLOAT, DOUBLE, INT64, INT32, UINT8, INT8, BOOL, FLOAT16, BFLOAT16, UINT32, UINT16 or INT16";

/** How elements of a type lie in `raw_data`. */
const RAW: ReadonlyMap<number, readonly [bytes: number, read: (view: DataView, at: number) => number]> = new Map([
  [ELEMENT.FLOAT, [4, (view, at) => view.getFloat32(at, true)]],
  [ELEMENT.DOUBLE, [8, (view, at) => view.getFloat64(at, true)]],
  [ELEMENT.INT64, [8, (view, at) => Number(view.getBigInt64(at, true))]],
  [ELEMENT.INT32, [4, (view, at) => view.getInt32(at, true)]],
  [ELEMENT.FLOAT16, [2, (view, at) => half(view.getUint16(at, true))]],
  [ELEMENT.BFLOAT16, [2, (view, at) => brainFloat(view.getUint16(at, true))]],
  [ELEMENT.UINT32, [4, (view, at) => view.getUint32(at, true)]],
  [ELEMENT.UINT16, [2, (view, at) => view.getUint16(at, true)]],
  [ELEMENT.INT16, [2, (view, at) => view.getInt16(at, true)]],
  [ELEMENT.UINT8, [1, (view, at) => view.getUint8(at)]],
  [ELEMENT.INT8, [1, (view, at) => view.getInt8(at)]],
  [ELEMENT.BOOL, [1, (view, at) => view.getUint8(at)]],
]);

/**
 * Reads a constant.
 *
 * @param where file and node or initializer, for messages
 * @param external bytes of the files beside the file
 * @throws FormatError on data in a file that was not given, an element type that is neither real, an integer nor BOOL,
 *   extents that are negative or beyond what memory can hold, and a number of elements that the shape does not ask for
 */
export function readTensor(tensor: TensorMessage, where: string, external?: ExternalData): Constant {
  const { dims = [], dataType, name = "" } = tensor;
  const refuse = (what: string, expected: string, got: string, hint?: string): never => {
    throw new FormatError({ op: where, what, expected, got, hint });
  };
  if (tensor.segment !== undefined) refuse("a segment of a tensor", "whole tensors", "a part");
  if (!dims.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    refuse("extents", "integers from 0 to 2^53 - 1", shapeText(dims));
  }
  // A product beyond 2^53 is rounded, but far above the limit.
  const count = dims.reduce((product, extent) => product * extent, 1);
  if (count > MAX_ELEMENTS) refuse("number of elements", `at most ${MAX_ELEMENTS}`, `${count} in ${shapeText(dims)}`);
  const raw = RAW.get(dataType ?? 0);
  if (raw === undefined) {
    return refuse("element type", READABLE, elementName(dataType));
  }
  const real = REAL.includes(dataType);
  const typed = typedData(tensor);
  const rawData = isExternal(tensor) ? externalBytes(tensor, external, where) : tensor.rawData;
  if (rawData !== undefined && typed.length > 0) refuse("values", "raw or typed", "both");
  const [bytes, read] = raw;
  const got = rawData === undefined ? typed.length : rawData.length / bytes;
  if (got !== count) refuse(`values of ${shapeText(dims)}`, `${count}`, `${got}`);
  const data = real ? new Float32Array(count) : new Float64Array(count);
  if (rawData === undefined) data.set(typed);
  else {
    const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
    for (let i = 0; i < count; i++) data[i] = read(view, i * bytes);
  }
  return { name, shape: dims, type: real ? "float" : "integer", data };
}

function typedData({ dataType, floatData, doubleData, int64Data, int32Data }: TensorMessage): readonly number[] {
  switch (dataType) {
    case ELEMENT.FLOAT16:
      return int32Data?.map((bits) => half(bits & 0xffff)) ?? [];
    case ELEMENT.BFLOAT16:
      return int32Data?.map((bits) => brainFloat(bits & 0xffff)) ?? [];
    case ELEMENT.FLOAT:
      return floatData ?? [];
    case ELEMENT.DOUBLE:
      return doubleData ?? [];
    case ELEMENT.INT64:
      return int64Data ?? [];
    default:
      return int32Data ?? [];
  }
}

/** A tensor to write. */
export type TensorData = Float32Array | Uint8Array | Int32Array | BigInt64Array;

/** Element type of an array. */
export function elementOf(data: TensorData): number {
  const kind = kindOf(data);
  if (kind === "Float32Array") return ELEMENT.FLOAT;
  if (kind === "Uint8Array") return ELEMENT.UINT8;
  return kind === "Int32Array" ? ELEMENT.INT32 : ELEMENT.INT64;
}

/** A tensor message with raw little-endian data. */
export function tensorMessage(name: string, shape: Shape, data: TensorData): TensorMessage {
  const bytes = new Uint8Array(data.byteLength);
  const view = new DataView(bytes.buffer);
  const size = data.BYTES_PER_ELEMENT;
  const dataType = elementOf(data);
  for (let i = 0; i < data.length; i++) {
    if (dataType === ELEMENT.UINT8) bytes[i] = data[i] as number;
    else if (dataType === ELEMENT.FLOAT) view.setFloat32(size * i, data[i] as number, true);
    else if (dataType === ELEMENT.INT32) view.setInt32(size * i, data[i] as number, true);
    else view.setBigInt64(size * i, data[i] as bigint, true);
  }
  return { dims: [...shape], dataType, name, rawData: bytes };
}
