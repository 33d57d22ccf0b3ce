/** @file The heap: the one owner of linear memory and the one maker of typed-array views of it. */
import { type DType, type TypedArray, viewOf } from "../core/dtype.js";
import { MemoryError } from "../core/errors.js";

const PAGE = 65536;

/**
 * Linear memory that kernels address by byte. With WebAssembly it is a `WebAssembly.Memory`; where that is forbidden it is
 * an `ArrayBuffer` that is copied on growth. Views die when it grows: make one, use it, drop it inside the same function.
 */
export class Heap {
  /** The memory that WebAssembly instances import; null on the reference backend. */
  readonly memory: WebAssembly.Memory | null;
  #buffer: ArrayBuffer | null;

  /** `shared`: memory that several threads may use; its views are over a SharedArrayBuffer and stay valid when it grows. */
  constructor(options: { wasm: boolean; shared?: boolean; initialBytes?: number; maximumBytes?: number }) {
    const initial = Math.max(1, Math.ceil((options.initialBytes ?? PAGE) / PAGE));
    if (options.wasm) {
      const maximum = Math.ceil((options.maximumBytes ?? 2 ** 32) / PAGE);
      this.memory = options.shared ? sharedMemory(initial, maximum) : new WebAssembly.Memory({ initial, maximum });
      this.#buffer = null;
    } else {
      this.memory = null;
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

  /** Makes the heap at least `bytes` long. @throws MemoryError if the engine refuses. */
  ensure(bytes: number): void {
    const have = this.byteLength;
    if (bytes <= have) return;
    // Grow by at least a quarter, so that many small allocations do not each copy or remap.
    const pages = Math.ceil((Math.max(bytes, Math.min(have * 1.25, have + 2 ** 28)) - have) / PAGE);
    try {
      if (this.memory !== null) {
        this.memory.grow(pages);
      } else {
        const grown = new ArrayBuffer(have + pages * PAGE);
        new Uint8Array(grown).set(new Uint8Array(this.#buffer as ArrayBuffer));
        this.#buffer = grown;
      }
    } catch {
      throw new MemoryError({
        op: "memory",
        what: "the heap cannot grow",
        expected: `${bytes} bytes`,
        got: `${have} bytes at most`,
        hint: "use smaller batches, or dispose of arrays with scope()",
      });
    }
  }

  view(dtype: DType, ptr: number, length: number): TypedArray {
    return viewOf(this.buffer, dtype, ptr, length);
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

/** Shared memory; an engine reserves the addresses of its maximum at once, and may have room for less only. */
function sharedMemory(initial: number, maximum: number): WebAssembly.Memory {
  for (let most = maximum; ; most = Math.max(initial, most >> 1)) {
    try {
      return new WebAssembly.Memory({ initial, maximum: most, shared: true });
    } catch (cause) {
      if (most <= Math.max(initial, 1024)) throw cause;
    }
  }
}
