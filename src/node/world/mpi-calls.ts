/** @file The dozen functions of MPI that ranks need, with the handles of either library. */

import { WorldError } from "../../core/errors.js";
import { kindOf } from "../../core/typed-arrays.js";
import type { ForeignFunction } from "./mpi-koffi.js";
import type { MpiLibrary } from "./mpi-library.js";

/** Threads may call MPI, one at a time. */
const THREAD_SERIALIZED = 2;

/** MPICH's handles: constants of its headers, which its ABI keeps for good. */
const MPICH_HANDLES = {
  world: 0x44000000,
  float: 0x4c00040a,
  int: 0x4c000405,
  byte: 0x4c00010d,
  errorsReturn: 0x54000001,
} as const;

/** Open MPI's handles are the addresses of these. */
const OPEN_MPI_HANDLES = {
  world: "ompi_mpi_comm_world",
  float: "ompi_mpi_float",
  int: "ompi_mpi_int",
  byte: "ompi_mpi_byte",
  errorsReturn: "ompi_mpi_errors_return",
} as const;

type Handles = Readonly<Record<keyof typeof MPICH_HANDLES, number | bigint>>;

/** What each rank sends or gets: so many elements from these places on. */
export interface Parts {
  readonly counts: Int32Array;
  readonly starts: Int32Array;
}

/** MPI_COMM_WORLD. Functions that wait for others run on another thread; what they are given must stay until then. */
export class MpiCalls {
  readonly #handles: Handles;
  readonly #functions: Readonly<Record<string, ForeignFunction>>;
  readonly #file: string;
  readonly #open: boolean;

  constructor({ file, library, flavour }: MpiLibrary) {
    const open = flavour === "Open MPI";
    this.#file = file;
    this.#open = open;
    const handles = Object.entries(OPEN_MPI_HANDLES).map(([name, symbol]) => [name, open && library.symbol(symbol)]);
    this.#handles = open ? Object.fromEntries(handles) : MPICH_HANDLES;
    const handle = open ? "void *" : "int";
    const declare = (name: string, ...parameters: readonly string[]): ForeignFunction =>
      library.func(`int ${name}(${parameters.join(", ")})`);
    const parts = ["void *", "void *", "void *", handle];
    this.#functions = {
      init: declare("MPI_Init_thread", "void *", "void *", "int", "_Out_ int *"),
      rank: declare("MPI_Comm_rank", handle, "_Out_ int *"),
      size: declare("MPI_Comm_size", handle, "_Out_ int *"),
      onError: declare("MPI_Comm_set_errhandler", handle, handle),
      errorText: declare("MPI_Error_string", "int", "void *", "_Out_ int *"),
      exchange: declare("MPI_Alltoallv", ...parts, ...parts, handle),
      collect: declare("MPI_Allgather", "void *", "int", handle, "void *", "int", handle, handle),
      collectParts: declare("MPI_Allgatherv", "void *", "int", handle, ...parts, handle),
      barrier: declare("MPI_Barrier", handle),
      abort: declare("MPI_Abort", handle, "int"),
      finalize: declare("MPI_Finalize"),
    };
  }

  /** What another thread needs to call the same library: plain data. */
  forThread(): { file: string; open: boolean; handles: Handles; handle: string } {
    return { file: this.#file, open: this.#open, handles: this.#handles, handle: this.#open ? "void *" : "int" };
  }
  /** Joins. @throws WorldError if the library cannot be called from other threads */
  init(): { rank: number; size: number } {
    const { init, rank, size, onError } = this.#functions;
    const { world, errorsReturn } = this.#handles;
    const out = [0];
    const asked = (code: number, name: string): number => {
      this.#settle(name, code);
      return out[0];
    };
    if (asked(init(null, null, THREAD_SERIALIZED, out), "MPI_Init_thread") < THREAD_SERIALIZED) {
      throw new WorldError({ op: "mpi", what: "the library of MPI was built without threads" });
    }
    this.#settle("MPI_Comm_set_errhandler", onError(world, errorsReturn));
    return { rank: asked(rank(world, out), "MPI_Comm_rank"), size: asked(size(world, out), "MPI_Comm_size") };
  }
  /** Part r of `send` goes to rank r; what rank r sent goes to part r of `received`. */
  exchange(send: Float32Array, sent: Parts, received: Float32Array, gotten: Parts): Promise<void> {
    const { float, world } = this.#handles;
    const { counts, starts } = sent;
    return this.#wait("exchange", send, counts, starts, float, received, gotten.counts, gotten.starts, float, world);
  }
  /** Every rank's number. */
  async collectInts(value: number, size: number): Promise<Int32Array> {
    const { int, world } = this.#handles;
    const own = Int32Array.of(value);
    const all = new Int32Array(size);
    await this.#wait("collect", own, 1, int, all, 1, int, world);
    return all;
  }
  /** `own` becomes this rank's part of `all`, on every rank. */
  collectParts(own: Float32Array | Uint8Array, all: Float32Array | Uint8Array, parts: Parts): Promise<void> {
    const { float, byte, world } = this.#handles;
    const type = kindOf(own) === "Float32Array" ? float : byte;
    return this.#wait("collectParts", own, own.length, type, all, parts.counts, parts.starts, type, world);
  }
  barrier(): Promise<void> {
    return this.#wait("barrier", this.#handles.world);
  }
  finalize(): void {
    this.#settle("MPI_Finalize", this.#functions.finalize());
  }
  /** Ends all ranks; this one too, now or a moment later. */
  abort(code: number): void {
    this.#functions.abort(this.#handles.world, code);
  }

  #wait(name: string, ...args: readonly unknown[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#functions[name].async(...args, (error: Error | null, code: number) => {
        try {
          if (error !== null) throw error;
          this.#settle(name, code);
          resolve();
        } catch (failure) {
          reject(failure);
        }
      });
    });
  }
  #settle(name: string, code: number): void {
    if (code === 0) return;
    const text = new Uint8Array(8192);
    const length = [0];
    this.#functions.errorText(code, text, length);
    const got = new TextDecoder().decode(text.subarray(0, length[0])).split("\n")[0];
    throw new WorldError({ op: "mpi", what: `${name} failed`, got, hint: "another rank may be lost" });
  }
}
