/** @file Tensors of a PyTorch checkpoint: how its pickle describes them, and their elements out of the storages. */

import type { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";
import { shapeText } from "../core/shape.js";
import { type ReadElements, typeOf } from "./pytorch-types.js";
import type { SafeData, SafeTensor } from "./safetensors.js";
import type { ZipFail, ZipMember } from "./zip.js";

/** Times the file's bytes that all tensors together may take: storages may be shared. */
const MOST_SHARING = 8;

/** Bytes of a storage in the file. */
export type StorageBytes = Pick<ZipMember, "size" | "contents">;

/** The storage of a key: so many elements of so many bytes. @throws FormatError if there is none */
export type FindStorage = (key: string, count: number, bytesEach: number) => StorageBytes;

/** Memory that tensors lie in, as the pickle names it. */
export class Storage {
  readonly type: string;
  readonly member: StorageBytes;
  constructor(type: string, member: StorageBytes) {
    this.type = type;
    this.member = member;
  }
}

/** A tensor as the pickle describes it. */
export class StoredTensor {
  readonly storage: Storage;
  /** Name of its element type. */
  readonly type: string;
  readonly offset: number;
  readonly shape: number[];
  readonly strides: readonly number[];
  constructor(storage: Storage, type: string, offset: number, shape: number[], strides: readonly number[]) {
    this.storage = storage;
    this.type = type;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** Copies tensors out of their storages, each of which is read once. */
export class Copier {
  readonly #limit: number;
  readonly #fail: ZipFail;
  readonly #read = new Map<StorageBytes, Map<string, SafeData>>();
  #taken = 0;

  /** @param fileBytes of the whole checkpoint */
  constructor(fileBytes: number, fail: ZipFail) {
    this.#limit = MOST_SHARING * fileBytes;
    this.#fail = fail;
  }

  copy(name: string, { storage, type, offset, shape, strides }: StoredTensor): SafeTensor {
    const { bytes, dtype, stored, make } = typeOf(type) as ReadElements;
    const refuse = (what: string, expected: string, got: string): FormatError =>
      this.#fail(`tensor ${cut(name, 100)}: ${what}`, expected, got);
    const { member } = storage;
    if (member.size % bytes !== 0) throw refuse("storage", `a multiple of ${bytes} bytes`, `${member.size}`);
    const held = member.size / bytes;
    let size = shape.includes(0) ? 0 : 1;
    let last = offset;
    for (let axis = 0; axis < shape.length && size > 0; axis++) {
      size *= shape[axis];
      last += (shape[axis] - 1) * strides[axis];
      // At each step: neither an overflow nor a stride of 0 makes more of a storage than there is.
      if (size > held || last >= held) break;
    }
    if (size > held) throw refuse("elements", `at most ${held}, as its storage has`, shapeText(shape));
    if (size > 0 && last >= held) throw refuse("place", `one inside ${held} elements`, `up to ${last}`);
    if (!this.#read.has(member)) this.#taken += member.size;
    this.#taken += size * bytes;
    if (this.#taken > this.#limit) throw refuse("shared storages", `${this.#limit} bytes in all`, "more");
    const whole = this.#elements(member, type, make);
    const inOrder = isWhole(shape, strides);
    // Of the right type and length, whatever is in it.
    const data = inOrder ? whole.slice(offset, offset + size) : whole.slice(0, size);
    if (!inOrder) gather(whole, data, offset, shape, strides);
    return { dtype, ...(stored !== undefined && { stored }), shape, data };
  }

  #elements(member: StorageBytes, type: string, make: (buffer: ArrayBuffer) => SafeData): SafeData {
    const byType = this.#read.get(member) ?? new Map<string, SafeData>();
    this.#read.set(member, byType);
    const known = byType.get(type) ?? make(new Uint8Array(member.contents()).buffer);
    byType.set(type, known);
    return known;
  }
}

/** Whether elements lie in row-major order without gaps. */
function isWhole(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis];
  }
  return true;
}

/** Elements of a view in row-major order. */
function gather(
  from: SafeData,
  to: SafeData,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): void {
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let n = 0; n < to.length; n++) {
    to[n] = from[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}
