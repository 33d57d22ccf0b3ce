/** @file The watch of a rank: a thread that ends the run when other ranks do not come to a call for too long. */
import { Worker } from "node:worker_threads";
import { koffiFile } from "./mpi-koffi.js";
import { MOST_NEIGHBOURS, PLACE, watchSource } from "./mpi-watch-source.js";

const NAMES = ["MPI_Init", "sum", "gather", "close"] as const;

/** What a rank waits in. */
export type WatchedCall = (typeof NAMES)[number];

/** A rank of this machine. */
export interface Neighbour {
  readonly rank: number;
  readonly pid: number;
}

/** Begins and ends what is watched; costs two atomic writes a call. */
export class Watch {
  readonly #state = new Int32Array(new SharedArrayBuffer(4 * (PLACE.first + 2 * MOST_NEIGHBOURS)));
  readonly #worker: Worker;

  /** @param file of the MPI library @param limitSeconds that a call may take @param rank as the launcher says */
  constructor(file: string, limitSeconds: number, rank: number) {
    this.#state[PLACE.rank] = rank;
    const workerData = { memory: this.#state.buffer, names: NAMES, limitSeconds, koffi: koffiFile(), file };
    this.#worker = new Worker(watchSource, { eval: true, name: "coarsegrad-watch", execArgv: [], workerData });
    this.#worker.unref();
  }
  begin(call: WatchedCall): void {
    this.#state[PLACE.name] = NAMES.indexOf(call);
    Atomics.add(this.#state, PLACE.calls, 1);
  }
  end(): void {
    Atomics.add(this.#state, PLACE.calls, 1);
  }
  /** Who may be looked at when one of them does not answer. */
  know(neighbours: readonly Neighbour[]): void {
    const known = neighbours.slice(0, MOST_NEIGHBOURS);
    this.#state.set(
      known.flatMap(({ rank, pid }) => [rank, pid]),
      PLACE.first,
    );
    Atomics.store(this.#state, PLACE.neighbours, known.length);
  }
  /** The rank ends the run: if that does not end it within seconds, the watch does. */
  ending(): void {
    Atomics.store(this.#state, PLACE.ending, 1);
  }
  async close(): Promise<void> {
    Atomics.store(this.#state, PLACE.stop, 1);
    Atomics.notify(this.#state, PLACE.stop);
    await this.#worker.terminate();
  }
}
