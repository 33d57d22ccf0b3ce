/** @file Element types of PyTorch's checkpoints. */
import { widenBrains, widenHalves } from "./float16.js";
import type { SafeData, SafeDType, SafeTensor } from "./safetensors.js";

/** Elements as they lie in a storage. */
export interface Elements {
  readonly bytes: number;
  /** null: known, not read. */
  readonly dtype: SafeDType | null;
  readonly stored?: SafeTensor["stored"];
  readonly make?: (buffer: ArrayBuffer) => SafeData;
}
export type ReadElements = Elements & { readonly dtype: SafeDType } & Required<Pick<Elements, "make">>;
const elements = (
  dtype: SafeDType,
  Type: { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer): SafeData },
): Elements => ({ bytes: Type.BYTES_PER_ELEMENT, dtype, make: (buffer) => new Type(buffer) });
const unreadable = (bytes: number): Elements => ({ bytes, dtype: null });

/** Element types, their names, and the classes of their storages, which newer types have not. */
const elementTypes = (): [name: string, storage: string | null, Elements][] => [
  ["float32", "Float", elements("F32", Float32Array)],
  ["float64", "Double", elements("F64", Float64Array)],
  ["float16", "Half", { bytes: 2, dtype: "F32", stored: "F16", make: widenHalves }],
  ["bfloat16", "BFloat16", { bytes: 2, dtype: "F32", stored: "BF16", make: widenBrains }],
  ["int64", "Long", elements("I64", BigInt64Array)],
  ["int32", "Int", elements("I32", Int32Array)],
  ["int16", "Short", elements("I16", Int16Array)],
  ["int8", "Char", elements("I8", Int8Array)],
  ["uint8", "Byte", elements("U8", Uint8Array)],
  ["bool", "Bool", elements("BOOL", Uint8Array)],
  ["uint16", null, elements("U16", Uint16Array)],
  ["uint32", null, elements("U32", Uint32Array)],
  ["uint64", null, elements("U64", BigUint64Array)],
  ["complex64", "ComplexFloat", unreadable(8)],
  ["complex128", "ComplexDouble", unreadable(16)],
  ["float8_e4m3fn", null, unreadable(1)],
  ["float8_e5m2", null, unreadable(1)],
  ["float8_e4m3fnuz", null, unreadable(1)],
  ["float8_e5m2fnuz", null, unreadable(1)],
  ["float8_e8m0fnu", null, unreadable(1)],
];
let byName: ReadonlyMap<string, Elements> | undefined;

/** An element type by its name, or its storage's class. */
export function typeOf(name: string): Elements | undefined {
  byName ??= new Map(
    elementTypes().flatMap(([type, storage, found]): [string, Elements][] => [
      [`torch.${type}`, found],
      ...(storage === null ? [] : ([[`torch.${storage}Storage`, found]] as [string, Elements][])),
    ]),
  );
  return byName.get(name);
}
