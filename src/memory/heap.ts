/** @file The heap: the one owner of linear memory and the one maker of typed-array views of it. */
import { MemoryError } from "../core/errors.js";

const PAGE = 65536;

/**
 * Linear memory that kernels address by byte. With WebAssembly it is a `WebAssembly.Memory`; where that is forbidden it
 * is an `ArrayBuffer` that is copied on growth. Views die when it grows: make one, use it, drop it inside the same
 * function.
 */
export class Heap {
  /** The memory that WebAssembly instances import; null on the reference backend. */
  readonly memory: WebAssembly.Memory | null;
  /** Bytes beyond which it never grows. */
  readonly maximumBytes: number;
  #buffer: ArrayBuffer | null;

  /**
   * @param options `wasm`: WebAssembly memory; `shared`: such that several threads may use, whose views stay valid when
   * it grows; `initialBytes` default one page; `maximumBytes` default 4 GiB, less where the engine has no addresses for
   * as many
   * @throws MemoryError if the engine has addresses for hardly any
   */
  constructor(options: { wasm: boolean; shared?: boolean; initialBytes?: number; maximumBytes?: number }) {
    const initial = Math.max(1, Math.ceil((options.initialBytes ?? PAGE) / PAGE));
    const most = Math.ceil((options.maximumBytes ?? 2 ** 32) / PAGE);
    if (options.wasm) {
      const { memory, maximum } = reserve(initial, most, options.shared ?? false);
      this.memory = memory;
      this.maximumBytes = maximum * PAGE;
      this.#buffer = null;
    } else {
      this.memory = null;
      this.maximumBytes = most * PAGE;
      this.#buffer = new ArrayBuffer(initial * PAGE);
    }
  }

  /** The buffer of this moment; growth detaches it. */
  get buffer(): ArrayBufferLike {
    return this.memory === null ? (this.#buffer as ArrayBuffer) : this.memory.buffer;
  }

  /** Bytes that the heap spans now. */
  get byteLength(): number {
    return this.buffer.byteLength;
  }

  /**
   * Makes the heap at least `bytes` long.
   * @throws MemoryError, with nothing changed, if that is too long or the engine refuses
   */
  ensure(bytes: number): void {
    const have = this.byteLength;
    if (bytes <= have) return;
    const need = Math.ceil((bytes - have) / PAGE);
    const room = (this.maximumBytes - have) / PAGE;
    // Grow by at least a quarter, so that many small allocations do not each copy or remap; by what is needed where
    // that is too much.
    const ahead = Math.ceil(Math.min(have / 4, 2 ** 28) / PAGE);
    if (need <= room && (this.#grow(Math.min(Math.max(need, ahead), room)) || this.#grow(need))) return;
    const got = `${need > room ? this.maximumBytes : have}`;
    throw new MemoryError({ op: "memory", what: "the heap cannot grow", expected: `${bytes} bytes`, got });
  }

  /** @returns false, with nothing changed, if the engine has no memory for as many pages */
  #grow(pages: number): boolean {
    try {
      if (this.memory !== null) {
        this.memory.grow(pages);
      } else {
        const grown = new ArrayBuffer(this.byteLength + pages * PAGE);
        new Uint8Array(grown).set(new Uint8Array(this.#buffer as ArrayBuffer));
        this.#buffer = grown;
      }
      return true;
    } catch {
      return false;
    }
  }

  f32(ptr: number, length: number): Float32Array {
    return new Float32Array(this.buffer, ptr, length);
  }
  f64(ptr: number, length: number): Float64Array {
    return new Float64Array(this.buffer, ptr, length);
  }
  i32(ptr: number, length: number): Int32Array {
    return new Int32Array(this.buffer, ptr, length);
  }
  u8(ptr: number, length: number): Uint8Array {
    return new Uint8Array(this.buffer, ptr, length);
  }
  i8(ptr: number, length: number): Int8Array {
    return new Int8Array(this.buffer, ptr, length);
  }
}

/** Pages that a heap needs to be of any use: 64 MiB. */
const LEAST = 1024;

/**
 * Memory of WebAssembly's; an engine reserves the addresses of its maximum at once, and may have room for less only.
 */
function reserve(
  initial: number,
  maximum: number,
  shared: boolean,
): { readonly memory: WebAssembly.Memory; readonly maximum: number } {
  for (let most = maximum; ; most = Math.max(initial, most >> 1)) {
    try {
      return { memory: new WebAssembly.Memory({ initial, maximum: most, shared }), maximum: most };
    } catch (cause) {
      if (most > Math.max(initial, LEAST)) continue;
      throw new MemoryError({
        op: "memory",
        what: "WebAssembly memory cannot be reserved",
        expected: "some 10 GiB of free addresses",
        got: (cause as Error).message,
        hint: 'raise the limit of virtual memory (ulimit -v); init({ backend: "reference" }) works everywhere, slowly',
      });
    }
  }
}
