/** @file Storage: one block of the heap, shared by the arrays that view it and freed with the last of them. */
import { DisposedError } from "../core/errors.js";
import type { Allocator } from "./allocator.js";

/** A reference-counted block of an {@link Allocator}'s heap. Arrays retain it; the last release frees it. */
export class Storage {
  readonly allocator: Allocator;
  /** Bytes that were asked for. */
  readonly bytes: number;
  readonly #ptr: number;
  #references = 1;
  #version = 0;
  #writer = "";
  /** Called when the contents change or the block is freed: what was made of them ends. */
  whenChanged: (() => void) | null = null;

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
    this.whenChanged?.();
  }
  retain(): this {
    this.#references++;
    return this;
  }
  release(): void {
    if (this.#references === 0) return;
    this.#references--;
    if (this.#references > 0) return;
    this.whenChanged?.();
    this.allocator.free(this.#ptr, this.bytes);
  }
}
