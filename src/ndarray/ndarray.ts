/** @file NDArray: a dense row-major array in the heap, without history. */
import { check, instanceOf, refuse } from "../core/checks.js";
import { DISPOSE } from "../core/dispose.js";
import {
  bytesPer,
  checkDType,
  type DType,
  dtypeOf,
  elementOf,
  type TypedArray,
  viewOf,
  writeElements,
} from "../core/dtype.js";
import { DisposedError, DTypeError, ShapeError } from "../core/errors.js";
import { checkShape, resolveReshape, type Shape, shapeText, sizeOf } from "../core/shape.js";
import { ALL_KERNELS } from "../kernels/all.js";
import { allocator, countArray, heap, kernelsFor, provideKernels } from "../kernels/engine.js";
import { OWNED, type Owner, type Scope, track } from "../memory/scope.js";
import { Storage } from "../memory/storage.js";

/** The block of an array that is being made of extents that were checked; null at all other times. */
let looked: Storage | null = null;

/**
 * A new array of extents and a type that were checked, contents undefined.
 * @param shape becomes the array's own: nobody else may hold it
 */
export function trustedEmpty(shape: Shape, dtype: DType, step: number | null = null): NDArray {
  provideKernels(ALL_KERNELS);
  looked = new Storage(allocator(), sizeOf(shape) * bytesPer(dtype));
  return new NDArray(looked, shape, dtype, step);
}

/**
 * A second array on the block of a live one, of extents of the same size that were checked.
 * @param shape as for {@link trustedEmpty}
 */
export function trustedAlias(x: NDArray, shape: Shape = x.shape.slice(), step: number | null = x.step): NDArray {
  void x.ptr; // refuses a disposed source
  looked = x.storage.retain();
  return new NDArray(looked, shape, x.dtype, step);
}
const STORAGE = instanceOf(Storage, "a block of the heap");

/** Refuses extents, types and steps that no array has. @throws ArgumentError, ShapeError, DTypeError */
function checkLayout(shape: Shape, dtype: DType, step: number | null): void {
  checkShape("array", shape);
  checkDType("array", dtype);
  if (step !== null && !(dtype === "u8" && Number.isFinite(step)))
    refuse("array", "step", "a finite number, for u8 alone", step);
}

/**
 * A dense row-major array. A u8 array with a `step` is **coded**: it stands for the real values step·code, which is how
 * activation codes travel from a staircase to the layer that multiplies them.
 */
export class NDArray implements Owner {
  /** Where the values lie in the heap. */
  readonly storage: Storage;
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
  /** The value of code 1 (an f32 number) if the array is coded, else null. */
  readonly step: number | null;
  /** Number of elements. */
  readonly size: number;
  scope: Scope | null = null;
  #alive = true;

  /**
   * Takes over one reference of `storage`. Use the static makers.
   *
   * @throws ArgumentError, DTypeError, ShapeError unless the elements lie within the block
   */
  constructor(storage: Storage, shape: Shape, dtype: DType, step: number | null) {
    if (!(storage instanceof Storage)) check("array", "storage", storage, STORAGE);
    // What comes from `trustedEmpty` and `trustedAlias` was looked at, and the list is nobody else's.
    const trusted = storage === looked;
    looked = null;
    if (!trusted) checkLayout(shape, dtype, step);
    this.size = sizeOf(shape);
    if (this.size * bytesPer(dtype) > storage.bytes) {
      throw new ShapeError({
        op: "array",
        what: "block is too small",
        expected: `${this.size * bytesPer(dtype)} bytes for ${dtype} ${shapeText(shape)}`,
        got: `${storage.bytes} bytes`,
      });
    }
    this.storage = storage;
    // Nobody's list but its own. Not frozen: frozen lists make every loop over extents twice as slow.
    this.shape = trusted ? shape : shape.slice();
    this.dtype = dtype;
    this.step = step;
    countArray(1);
    track(this);
  }

  /** Contents undefined. @throws ShapeError, MemoryError */
  static empty(shape: Shape, dtype: DType = "f32", step: number | null = null): NDArray {
    checkLayout(shape, dtype, step);
    return trustedEmpty(shape.slice(), dtype, step);
  }
  /** An array of one value, in the scope that is open. */
  static full(shape: Shape, value: number, dtype: DType = "f32"): NDArray {
    checkDType("full", dtype);
    const element = elementOf("full", dtype, value);
    checkShape("array", shape);
    const out = trustedEmpty(shape.slice(), dtype);
    out.view().fill(element);
    return out;
  }
  /** An array of zeros, in the scope that is open. */
  static zeros(shape: Shape, dtype: DType = "f32"): NDArray {
    return NDArray.full(shape, 0, dtype);
  }
  /**
   * Copies `values`, which must hold exactly the shape's size.
   *
   * @param values numbers, or a typed array, which also gives the default type
   * @throws ShapeError; DTypeError for element types that no dtype holds; ArgumentError for elements that the type
   * would cut
   */
  static from(values: ArrayLike<number>, shape: Shape, dtype?: DType, step: number | null = null): NDArray {
    checkShape("array", shape);
    if (!ArrayBuffer.isView(values) && !Array.isArray(values)) {
      refuse("array", "values", "numbers or a typed array", values);
    }
    const type = dtype ?? (ArrayBuffer.isView(values) ? dtypeOf(values as unknown as TypedArray) : "f32");
    checkDType("array", type);
    if (values.length !== sizeOf(shape)) {
      throw new ShapeError({
        op: "array",
        what: "number of values",
        expected: `${sizeOf(shape)} for ${shapeText(shape)}`,
        got: `${values.length}`,
      });
    }
    const out = NDArray.empty(shape, type, step);
    try {
      writeElements("array", out.view(), type, values);
    } catch (error) {
      out.dispose();
      throw error;
    }
    return out;
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }
  /** True until it is disposed of. */
  get alive(): boolean {
    return this.#alive;
  }
  /** True for u8 codes that stand for step·code. */
  get coded(): boolean {
    return this.step !== null;
  }
  /** @throws DisposedError if the array was disposed of */
  expectLive(): void {
    void this.ptr;
  }
  /** The elements' bytes as they lie in the heap (little-endian), for use at once: growth of the heap detaches them. */
  bytes(): Uint8Array {
    return heap().u8(this.ptr, this.size * bytesPer(this.dtype));
  }
  /** Address of the first element, for this room and the runtime alone. @throws DisposedError */
  get ptr(): number {
    if (!this.#alive) {
      throw new DisposedError({
        op: "array",
        what: `${this.dtype} ${shapeText(this.shape)} was disposed of`,
        expected: "a live array",
        got: "one whose scope has closed or that was disposed of",
        hint: "return it from the scope, or keep() it",
      });
    }
    return this.storage.ptr;
  }

  /**
   * A view of the elements for use inside one function: growth of the heap detaches it. Whoever writes through it into
   * an array that others may hold says so with {@link touch}.
   */
  view(): TypedArray {
    return viewOf(heap().buffer, this.dtype, this.ptr, this.size);
  }
  /**
   * Announces a change of the elements: graphs that saved them refuse their backward pass, naming `writer`, and what
   * was packed of them is made anew.
   */
  touch(writer: string): void {
    this.storage.touch(writer);
  }
  /** A copy of the elements; of codes, not of the values that they stand for. */
  toTypedArray(): TypedArray {
    return this.view().slice();
  }
  /** The only element as a number. @throws ShapeError if there is not exactly one. */
  item(): number {
    if (this.size !== 1) {
      throw new ShapeError({
        op: "item",
        what: "not a single element",
        expected: "size 1",
        got: shapeText(this.shape),
      });
    }
    return this.step === null ? this.view()[0] : Math.fround(this.step * this.view()[0]);
  }

  /** The same elements under another shape (one −1 allowed); shares the storage. @throws ShapeError */
  reshape(shape: Shape): NDArray {
    return trustedAlias(this, resolveReshape("reshape", this.shape, shape));
  }
  /** A second array on the same storage. @throws ShapeError if the number of elements differs */
  alias(shape: Shape = this.shape, step: number | null = this.step): NDArray {
    if (shape === this.shape && step === this.step) return trustedAlias(this);
    void this.ptr; // refuses a disposed source
    checkLayout(shape, this.dtype, step);
    if (sizeOf(shape) !== this.size) {
      throw new ShapeError({
        op: "alias",
        what: "size changes",
        expected: `${this.size} elements as in ${shapeText(this.shape)}`,
        got: shapeText(shape),
      });
    }
    return trustedAlias(this, shape.slice(), step);
  }
  /** The raw codes of a coded array, as a u8 array without a step; shares the storage. */
  codes(): NDArray {
    return this.alias(this.shape, null);
  }
  /** A copy in a new block. */
  clone(): NDArray {
    const out = trustedEmpty(this.shape.slice(), this.dtype, this.step);
    out.view().set(this.view());
    return out;
  }
  /** Copies the elements of an array of equal size and type into this one. @throws ShapeError, DTypeError */
  assign(source: NDArray): void {
    check("assign", "source", source, instanceOf(NDArray, "an NDArray"));
    if (source.size !== this.size) {
      throw new ShapeError({
        op: "assign",
        what: "sizes differ",
        expected: shapeText(this.shape),
        got: shapeText(source.shape),
      });
    }
    if (source.dtype !== this.dtype) {
      throw new DTypeError({ op: "assign", what: "types differ", expected: this.dtype, got: source.dtype });
    }
    this.view().set(source.view());
    this.touch("assign");
  }
  /** The real values of a coded array, f32(step·code) in `dtype`; a plain array gives an alias. */
  dequantize(dtype: "f32" | "f64" = "f32"): NDArray {
    if (dtype !== "f32" && dtype !== "f64") refuse("dequantize", "dtype", "f32 or f64", dtype);
    if (this.step === null) return this.alias();
    const out = NDArray.empty(this.shape, dtype);
    kernelsFor(dtype).u8_dequantize(this.ptr, out.ptr, this.size, this.step);
    return out;
  }

  dispose(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.scope?.release(this);
    this.storage.release();
    countArray(-1);
  }
  [DISPOSE](): void {
    this.dispose();
  }
  *[OWNED](): Iterable<Owner> {
    yield this;
  }
}
