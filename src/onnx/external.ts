/**
 * @file Values of ONNX files that lie in other files beside them ("external data"): which there are, and files made
 * whole.
 */
import { isMap } from "../core/containers.js";
import { FormatError } from "../core/errors.js";
import { bytesIn } from "../core/typed-arrays.js";
import { decodeModel, encodeModel } from "./codec.js";
import { EXTERNAL, type GraphMessage, type ModelMessage, type TensorMessage } from "./schema.js";

/** Bytes of the files that an ONNX file names, by the name that it gives them; or those of the only one. */
export type ExternalData = Uint8Array | Readonly<Record<string, Uint8Array>> | ReadonlyMap<string, Uint8Array>;

/** True if a tensor's values lie in another file. */
export function isExternal({ dataLocation, externalData }: TensorMessage): boolean {
  return dataLocation === EXTERNAL || (externalData?.length ?? 0) > 0;
}

/** Where a tensor's values lie. Without a length they go on to the file's end. */
interface Place {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

function placeOf({ externalData = [] }: TensorMessage, where: string): Place {
  const entry = (key: string): string | undefined => externalData.find((found) => found.key === key)?.value;
  const count = (key: string): number | undefined => {
    const text = entry(key);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    throw new FormatError({ op: where, what: `${key} of external data`, expected: "bytes, below 2^53", got: text });
  };
  const location = entry("location") ?? "";
  if (location !== "") return { location, offset: count("offset") ?? 0, length: count("length") };
  throw new FormatError({ op: where, what: "external data", expected: "the name of a file", got: "none" });
}

function fileOf(given: ExternalData | undefined, location: string): Uint8Array | null {
  const whole = bytesIn(given);
  if (whole !== null || given === undefined) return whole;
  if (isMap(given)) return bytesIn(given.get(location));
  return Object.hasOwn(given, location) ? bytesIn((given as Readonly<Record<string, Uint8Array>>)[location]) : null;
}

/**
 * The bytes of a tensor that lie in another file.
 *
 * @param where file and initializer, for messages
 * @throws FormatError that names the file that is missing, or too short
 */
export function externalBytes(tensor: TensorMessage, given: ExternalData | undefined, where: string): Uint8Array {
  const { location, offset, length } = placeOf(tensor, where);
  const bytes = fileOf(given, location);
  if (bytes === null) {
    throw new FormatError({
      op: where,
      what: "external data",
      expected: `the bytes of ${location}`,
      got: "none",
      hint: "give them as externalData, or save the model as one file",
    });
  }
  const end = length === undefined ? bytes.length : offset + length;
  if (offset <= end && end <= bytes.length) return bytes.subarray(offset, end);
  throw new FormatError({
    op: where,
    what: `external data in ${location}`,
    expected: `${end} bytes at least`,
    got: `${bytes.length}`,
  });
}

function tensorsOf({ initializer = [], node = [] }: GraphMessage): TensorMessage[] {
  const inNodes = node.flatMap(({ attribute = [] }) => attribute.flatMap(({ t }) => (t === undefined ? [] : [t])));
  return [...initializer, ...inNodes];
}

function externalTensors(model: ModelMessage): TensorMessage[] {
  return tensorsOf(model.graph ?? {}).filter(isExternal);
}

/**
 * Names of the files that an ONNX file's values lie in beside it, each once, as it spells them.
 * @param file the file's name for messages
 */
export function externalFiles(bytes: Uint8Array, file = "ONNX file"): string[] {
  const places = externalTensors(decodeModel(bytes, file)).map((tensor) =>
    placeOf(tensor, `${file}: tensor "${tensor.name ?? ""}"`),
  );
  return [...new Set(places.map(({ location }) => location))];
}

/** The file with all its values inside: the same bytes if they are already. @throws FormatError as `importOnnx` */
export function withExternalData(bytes: Uint8Array, given: ExternalData, file = "ONNX file"): Uint8Array {
  const model = decodeModel(bytes, file);
  const tensors = externalTensors(model);
  if (tensors.length === 0) return bytes;
  for (const tensor of tensors) {
    tensor.rawData = externalBytes(tensor, given, `${file}: tensor "${tensor.name ?? ""}"`);
    delete tensor.externalData;
    delete tensor.dataLocation;
  }
  return encodeModel(model);
}
