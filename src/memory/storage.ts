/** @file Storage: one block of the heap, shared by the arrays that view it and freed with the last of them. */
import { DisposedError } from "../core/errors.js";
import type { Allocator } from "./allocator.js";

/** What was made of a block's contents, such as weights in a kernel's order. */
export interface Derived {
  /** The block's contents have changed, or it is freed. */
  release(): void;
}

/** A reference-counted block of an {@link Allocator}'s heap. Arrays retain it; the last release frees it. */
export class Storage {
  readonly allocator: Allocator;
  /** Bytes that were asked for. */
  readonly bytes: number;
  readonly #ptr: number;
  #references = 1;
  #version = 0;
  #writer = "";
  #derived: Map<string, Derived> | null = null;

  constructor(allocator: Allocator, bytes: number) {
    this.allocator = allocator;
    this.bytes = bytes;
    this.#ptr = allocator.allocate(bytes);
  }

  /** True until the last reference is released. */
  get alive(): boolean {
    return this.#references > 0;
  }
  /** Number of arrays that share the block. */
  get references(): number {
    return this.#references;
  }
  /** Address in the heap. @throws DisposedError after the last release. */
  get ptr(): number {
    if (this.#references === 0) {
      throw new DisposedError({
        op: "storage",
        what: "used after it was freed",
        expected: "a live block",
        got: "a freed one",
      });
    }
    return this.#ptr;
  }
  /** Grows with every announced change of the contents. A graph compares it with that of when it saved the block. */
  get version(): number {
    return this.#version;
  }
  /** What changed the contents last, in the user's words: `SGD.step`, `set`. */
  get writer(): string {
    return this.#writer;
  }
  /** To be called by whoever writes into a block that others may hold. */
  touch(writer: string): void {
    this.#version++;
    this.#writer = writer;
    this.#forget();
  }
  /**
   * What `make` gives of the contents: made once for each version of them, and released with it or with the block.
   *
   * @param key names what is made, extents included
   */
  derive<T extends Derived>(key: string, make: () => T): T {
    const known = this.#derived?.get(key);
    if (known !== undefined) return known as T;
    const fresh = make();
    this.#derived ??= new Map();
    this.#derived.set(key, fresh);
    return fresh;
  }
  #forget(): void {
    const derived = this.#derived;
    this.#derived = null;
    if (derived !== null) for (const item of derived.values()) item.release();
  }
  retain(): this {
    this.#references++;
    return this;
  }
  release(): void {
    if (this.#references === 0) return;
    this.#references--;
    if (this.#references > 0) return;
    this.#forget();
    this.allocator.free(this.#ptr, this.bytes);
  }
}
