/** @file The courier of a rank: a thread that carries sums in parts, from the first that is given to the last. */
import { Worker } from "node:worker_threads";
import { WorldError } from "../../core/errors.js";
import { additionsOf, blocksOf, blocksOfAll, shardsOf } from "../../world/tree.js";
import type { VectorPart } from "../../world/world.js";
import type { MpiCalls } from "./mpi-calls.js";
import { COURIER, courierSource } from "./mpi-courier-source.js";
import { koffiFile } from "./mpi-koffi.js";
import { cut } from "./mpi-plan.js";

/** A sum that the courier knows. */
export interface CarriedSum {
  readonly id: number;
  readonly parts: number;
  /** Memory that both see. */
  readonly pieces: readonly Float32Array[];
  readonly result: Float32Array;
}

const shared = (length: number): Float32Array => new Float32Array(new SharedArrayBuffer(4 * length));

/** Starts the thread; it does nothing until there is something to carry. */
export class Courier {
  readonly #state = new Int32Array(new SharedArrayBuffer(4 * Object.keys(COURIER).length));
  readonly #rank: number;
  readonly #size: number;
  readonly #worker: Worker;
  #made = 0;
  /** Resolves with what went wrong. */
  #carried: Promise<string | null> | null = null;

  constructor(calls: MpiCalls, rank: number, size: number) {
    this.#rank = rank;
    this.#size = size;
    const workerData = { memory: this.#state.buffer, koffi: koffiFile(), rank, size, ...calls.forThread() };
    this.#worker = new Worker(courierSource, { eval: true, name: "coarsegrad-courier", execArgv: [], workerData });
    this.#worker.unref();
  }

  /** Memory and plan of sums of one length. */
  make(length: number, shards: number, parts: readonly VectorPart[]): CarriedSum {
    const ranks = Array.from({ length: this.#size }, (_, rank) => rank);
    const counts = ranks.map((rank) => blocksOf(shardsOf(shards, this.#size, rank)).length);
    const blocks = blocksOfAll(shards, this.#size);
    const pieces = Array.from({ length: counts[this.#rank] }, () => shared(length));
    const sum: CarriedSum = { id: this.#made++, parts: parts.length, pieces, result: shared(length) };
    const plans = parts.map(({ from, end }) => {
      const chunks = cut(end - from, this.#size);
      return { from, ...chunks, vectors: blocks.map(() => shared(chunks.counts[this.#rank])) };
    });
    this.#worker.postMessage({ make: { ...sum, parts: plans, counts, additions: additionsOf(blocks) } });
    return sum;
  }
  drop({ id }: CarriedSum): void {
    this.#worker.postMessage({ drop: id });
  }

  /** The next part may travel. */
  give(sum: CarriedSum, part: number): void {
    if (part === 0) {
      Atomics.store(this.#state, COURIER.given, 0);
      Atomics.store(this.#state, COURIER.waiting, 0);
      this.#carried = new Promise((resolve) => {
        this.#worker.once("message", resolve);
      });
      this.#worker.postMessage({ run: sum.id });
    }
    Atomics.store(this.#state, COURIER.given, part + 1);
    this.#signal();
  }
  /** Waits until all parts have come. @throws WorldError */
  async end(): Promise<void> {
    Atomics.store(this.#state, COURIER.waiting, 1);
    this.#signal();
    // Without it, nothing would keep a process that only waits.
    this.#worker.ref();
    const error = await this.#carried;
    this.#worker.unref();
    this.#carried = null;
    if (error !== null)
      throw new WorldError({ op: "sum", what: "MPI failed", got: error, hint: "another rank may be lost" });
  }
  /** Stops carrying a sum that will not end. */
  giveUp(): void {
    Atomics.store(this.#state, COURIER.given, -1);
    this.#signal();
  }
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #signal(): void {
    Atomics.add(this.#state, COURIER.signal, 1);
    Atomics.notify(this.#state, COURIER.signal);
  }
}
