/** @file Checkpoints as torch.save writes them, from arrays: a pickle by hand, and the storages beside it. */
import { zipOf } from "./zip-of.js";

/** A tensor to write: its storage's class (`Float`, `Half`), its elements' bytes, its extents. */
export interface TorchTensor {
  readonly storage: string;
  readonly data: Uint8Array | Uint16Array | Float32Array | BigInt64Array;
  readonly shape: readonly number[];
  /** Default: row-major. */
  readonly strides?: readonly number[];
  readonly offset?: number;
}

const text = (value: string): number[] => [...new TextEncoder().encode(value)];
const u32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);

/** Opcodes of one value each. */
export const op = {
  text: (value: string): number[] => [0x58, ...u32(text(value).length), ...text(value)],
  int: (value: number): number[] => [0x4a, ...u32(value)],
  global: (module: string, name: string): number[] => [0x63, ...text(`${module}\n${name}\n`)],
  tuple: (...items: readonly (readonly number[])[]): number[] => [0x28, ...items.flat(), 0x74],
  dict: (...pairs: readonly (readonly number[])[]): number[] => [0x7d, 0x28, ...pairs.flat(), 0x75],
  call: (name: readonly number[], args: readonly number[]): number[] => [...name, ...args, 0x52],
  storage: (kind: string, key: string, count: number): number[] => [
    ...op.tuple(op.text("storage"), op.global("torch", `${kind}Storage`), op.text(key), op.text("cpu"), op.int(count)),
    0x51,
  ],
  /** _rebuild_tensor_v2 of a storage. */
  tensor: (storage: readonly number[], shape: readonly number[], strides: readonly number[], offset = 0): number[] =>
    op.call(
      op.global("torch._utils", "_rebuild_tensor_v2"),
      op.tuple(
        storage,
        op.int(offset),
        op.tuple(...shape.map(op.int)),
        op.tuple(...strides.map(op.int)),
        [0x89],
        op.call(op.global("collections", "OrderedDict"), [0x29]),
      ),
    ),
};

const bytesOf = (data: TorchTensor["data"]): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** An archive of a pickle and storages. */
export function archiveOf(pickle: readonly number[], storages: readonly Uint8Array[] = []): Uint8Array {
  const encoded = (value: string): Uint8Array => new TextEncoder().encode(value);
  return zipOf(
    [
      ["net/data.pkl", Uint8Array.from([0x80, 2, ...pickle, 0x2e])],
      ["net/byteorder", encoded("little")],
      ...storages.map((data, i) => [`net/data/${i}`, data] as const),
      ["net/version", encoded("3\n")],
    ],
    true,
  );
}

/** A file as before 1.6: a pickle, keys and, behind the count of its elements, each storage. */
export function legacyBytes(
  pickle: readonly number[],
  keys: readonly string[],
  storages: readonly TorchTensor["data"][],
): Uint8Array {
  const whole = (...opcodes: readonly number[]): number[] => [0x80, 2, ...opcodes, 0x2e];
  return Uint8Array.from([
    ...whole(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19),
    ...whole(...op.int(1001)),
    ...whole(...op.dict([...op.text("little_endian"), 0x88])),
    ...whole(...pickle),
    ...whole(0x5d, 0x28, ...keys.flatMap(op.text), 0x65),
    ...storages.flatMap((data) => [...u32(data.length), ...u32(0), ...bytesOf(data)]),
  ]);
}

/** Opcodes of a state dict whose storages are called by their places in it. */
function stateOf(state: ReadonlyMap<string, TorchTensor>): number[] {
  const pairs = [...state].map(([name, { storage, data, shape, strides, offset }], i) => {
    const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    return [...op.text(name), ...op.tensor(op.storage(storage, `${i}`, data.length), shape, strides ?? steps, offset)];
  });
  return op.dict(...pairs);
}

/** A state dict in a file as before 1.6. @param keys default: of all storages */
export function legacyOf(
  state: ReadonlyMap<string, TorchTensor>,
  keys = [...state.keys()].map((_, i) => `${i}`),
): Uint8Array {
  return legacyBytes(
    stateOf(state),
    keys,
    [...state.values()].map(({ data }) => data),
  );
}

/** A state dict in a file. @param under keys that it stands below, the outermost first */
export function pytorchOf(state: ReadonlyMap<string, TorchTensor>, under: readonly string[] = []): Uint8Array {
  const pickle = under.reduceRight((inner, key) => op.dict(op.text(key), inner), stateOf(state));
  return archiveOf(
    pickle,
    [...state.values()].map(({ data }) => bytesOf(data)),
  );
}
