/**
 * @file Weights in the orders that kernels want, made once for each version of the weights and freed with them. Nobody
 * writes into what is kept.
 */
import { allocator, heap, kernelsFor } from "../../kernels/engine.js";
import { LOOKUP_OFFSET } from "../../kernels/lookup.js";
import { Storage } from "../../memory/storage.js";
import { expectArrays, expectRank } from "../checks.js";
import { codesAsReal } from "../matmul.js";
import { trustedPermute } from "../movement.js";
import { NDArray, trustedAlias } from "../ndarray.js";

/** What was made of a block's contents; released when they change or the block is freed. */
interface Derived {
  release(): void;
}

/** What blocks keep, by the name of what was made, extents included. */
const DERIVED = new WeakMap<Storage, Map<string, Derived>>();

/** What `make` gives of a block's contents: made once for each version of them. */
function derive<T extends Derived>(storage: Storage, key: string, make: () => T): T {
  const known = DERIVED.get(storage)?.get(key);
  if (known !== undefined) return known as T;
  const fresh = make();
  const all = DERIVED.get(storage) ?? new Map<string, Derived>();
  all.set(key, fresh);
  DERIVED.set(storage, all);
  storage.whenChanged = () => {
    DERIVED.delete(storage);
    storage.whenChanged = null;
    for (const item of all.values()) item.release();
  };
  return fresh;
}

/** Axes of [O,Kh,Kw,I] in [O,I,Kh,Kw], and the reverse. */
const PACKED = [0, 2, 3, 1];
const UNPACKED = [0, 3, 1, 2];

/**
 * Weights [O,I,Kh,Kw] as [O,Kh,Kw,I], real or codes; i8 codes become f32 whole numbers.
 * @returns the caller's own
 * @throws ShapeError
 */
export function packWeights(weight: NDArray): NDArray {
  expectArrays("conv2d", weight);
  expectRank("conv2d", "weight", weight, 4, "[O,I,K,K]");
  if (weight.dtype !== "i8") return trustedPermute(weight, PACKED);
  const real = codesAsReal(weight);
  try {
    return trustedPermute(real, PACKED);
  } finally {
    real.dispose();
  }
}

/** The reverse of {@link packWeights} for real arrays. @throws ShapeError */
export function unpackWeights(packed: NDArray): NDArray {
  expectArrays("conv2d", packed);
  expectRank("conv2d", "weight", packed, 4, "[O,K,K,I]");
  return trustedUnpack(packed);
}

/** {@link unpackWeights} of an array of rank 4. */
export function trustedUnpack(packed: NDArray): NDArray {
  return trustedPermute(packed, UNPACKED);
}

/** An array on a block that `weight` keeps, made by `make` for this version of it. */
function kept(weight: NDArray, form: string, make: () => NDArray): NDArray {
  const block = derive(weight.storage, `${form} ${weight.dtype} ${weight.shape}`, () => {
    const array = make();
    const storage = array.storage.retain();
    array.dispose();
    return new KeptArray(storage, array);
  });
  return block.array();
}

/** The block of an array that is gone, and what it was. */
class KeptArray implements Derived {
  readonly #storage: Storage;
  readonly #shape: readonly number[];
  readonly #dtype: NDArray["dtype"];

  constructor(storage: Storage, { shape, dtype }: NDArray) {
    this.#storage = storage;
    this.#shape = shape;
    this.#dtype = dtype;
  }
  array(): NDArray {
    return new NDArray(this.#storage.retain(), this.#shape, this.#dtype, null);
  }
  release(): void {
    this.#storage.release();
  }
}

/** What {@link packWeights} gives, kept with the weights: not to be written. @throws ShapeError */
export function packedWeights(weight: NDArray): NDArray {
  expectArrays("conv2d", weight);
  const moves = weight.rank === 4 && weight.shape[1] !== 1 && weight.shape[2] * weight.shape[3] !== 1;
  // Without a move the packed form is the block itself, which must not keep itself alive.
  if (!moves && weight.dtype !== "i8") return packWeights(weight);
  return kept(weight, "packed", () => packWeights(weight));
}

/** Weight codes as whole f32 numbers, kept with the codes: not to be written. */
export function realCodes(codes: NDArray): NDArray {
  return kept(codes, "real", () => codesAsReal(codes));
}

/** A number that was read off weights. */
class KnownNumber implements Derived {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
  release(): void {}
}

/** The or of all (weight code + `LOOKUP_OFFSET`), low byte. */
export function weightBits(codes: NDArray): number {
  const read = (): KnownNumber => new KnownNumber(kernelsFor("f32").i8_bits(codes.ptr, codes.size, LOOKUP_OFFSET));
  return derive(codes.storage, "bits", read).value;
}

/**
 * A block of `bytes` that `pack` fills from the rows [filters, patch] of weight codes, kept with the codes.
 *
 * @param codes i8 [O,I,Kh,Kw], or [out, in]
 * @param form names what `pack` makes, beside the codes' shape
 * @returns its address, good while the codes keep their version
 */
export function packedRows(
  codes: NDArray,
  form: string,
  bytes: number,
  pack: (rows: number, out: number) => void,
): number {
  return derive(codes.storage, `${form} ${codes.shape}`, () => {
    const rows = codes.rank === 4 ? trustedPermute(codes, PACKED) : trustedAlias(codes);
    const block = new Storage(allocator(), bytes);
    try {
      pack(rows.ptr, block.ptr);
    } catch (error) {
      block.release();
      throw error;
    } finally {
      rows.dispose();
    }
    return block;
  }).ptr;
}

/** Rows of weight codes, each padded with zeros to `stride` bytes; see {@link packedRows}. */
export function paddedRows(codes: NDArray, stride: number): number {
  const [filters] = codes.shape;
  const width = codes.size / filters;
  return packedRows(codes, "rows", filters * stride, (rows, out) => {
    const from = heap().u8(rows, filters * width);
    const to = heap()
      .u8(out, filters * stride)
      .fill(0);
    for (let row = 0; row < filters; row++) to.set(from.subarray(row * width, (row + 1) * width), row * stride);
  });
}
