/** @file The ranks of an MPI run. Communication runs on another thread, so that the event loop goes on meanwhile. */

import { writeSync } from "node:fs";
import { CoarsegradError, WorldError } from "../../core/errors.js";
import { messageOf } from "../../core/foreign-errors.js";
import { sumBlocks } from "../../world/tree.js";
import type { SumInParts, VectorPart, World } from "../../world/world.js";
import type { MpiCalls } from "./mpi-calls.js";
import { Courier } from "./mpi-courier.js";
import { type SumPlan, sumPlan } from "./mpi-plan.js";
import type { Watch, WatchedCall } from "./mpi-watch.js";

/** A plan and its memory: used again by every sum of the same length. */
interface Sum {
  readonly plan: SumPlan;
  /** Chunks of the blocks of all ranks. */
  readonly received: Float32Array;
  readonly vectors: readonly Float32Array[];
  readonly result: Float32Array;
}

/** Lengths of sums whose memory is kept. */
const KEPT = 4;
/** Milliseconds in which the launcher reads a last message. */
const READING_MS = 200;
/** MPI counts in 32 bits. */
const MOST = 2 ** 31 - 1;

/** A {@link World} over MPI_COMM_WORLD; see there. */
export class MpiWorld implements World {
  readonly carrier = "mpi";
  readonly rank: number;
  readonly size: number;
  readonly #sums = new Map<string, Sum>();
  readonly #calls: MpiCalls;
  readonly #watch: Watch;
  #courier: Courier | null = null;
  #uncaught = "";
  #state: "open" | "busy" | "left" = "open";

  constructor(calls: MpiCalls, watch: Watch, rank: number, size: number) {
    this.rank = rank;
    this.size = size;
    this.#calls = calls;
    this.#watch = watch;
    process.on("exit", this.#atExit);
    process.on("uncaughtExceptionMonitor", this.#atError);
  }

  sum(pieces: readonly Float32Array[], length: number, shards: number): Promise<Float32Array> {
    return this.#watched("sum", async () => {
      if (this.size === 1) return pieces[0];
      const { plan, received, vectors, result } = this.#sum(length, shards);
      const nothing = new Float32Array(0);
      for (const [k, { sent, received: gotten }] of plan.rounds.entries()) {
        await this.#calls.exchange(pieces[k] ?? nothing, sent, received, gotten);
      }
      await this.#calls.collectParts(sumBlocks(plan.blocks, vectors), result, plan.chunks);
      return result;
    });
  }

  sumInParts(length: number, shards: number, parts: readonly VectorPart[]): SumInParts {
    this.#courier ??= new Courier(this.#calls, this.rank, this.size);
    const courier = this.#courier;
    const sum = courier.make(length, shards, parts);
    let given = 0;
    return {
      pieces: sum.pieces,
      give: () => {
        if (given === 0) this.#enter("sum");
        courier.give(sum, given++);
      },
      // How long the others take counts from here on: before, this rank still computes.
      end: () =>
        this.#waited("sum", async () => {
          given = 0;
          await courier.end();
          return sum.result;
        }),
      dispose: () => {
        if (given > 0) courier.giveUp();
        courier.drop(sum);
      },
    };
  }

  gather(bytes: Uint8Array): Promise<Uint8Array[]> {
    return this.#watched("gather", async () => {
      const counts = await this.#calls.collectInts(Math.min(bytes.length, MOST), this.size);
      const starts = new Float64Array(this.size);
      for (let rank = 1; rank < this.size; rank++) starts[rank] = starts[rank - 1] + counts[rank - 1];
      const total = starts[this.size - 1] + counts[this.size - 1];
      if (total >= MOST) {
        const got = `${total} bytes`;
        throw new WorldError({ op: "gather", what: "too much at once", expected: `less than ${MOST} bytes`, got });
      }
      const all = new Uint8Array(total);
      await this.#calls.collectParts(bytes, all, { counts, starts: Int32Array.from(starts) });
      return Array.from(counts, (count, rank) => all.subarray(starts[rank], starts[rank] + count));
    });
  }

  abort(cause: unknown): void {
    if (this.#state === "left") return;
    this.#end(`${textOf(cause)}\nrank ${this.rank} of ${this.size} ends the run`, 1);
  }

  async close(): Promise<void> {
    await this.#watched("close", async () => {
      await this.#courier?.close();
      await this.#calls.barrier();
      this.#calls.finalize();
    });
    this.#state = "left";
    this.#unlisten();
    await this.#watch.close();
  }

  /** Node prints what nobody caught after its listeners of the end, which never end here. */
  readonly #atError = (error: unknown): void => {
    this.#uncaught = `${textOf(error)}\n`;
  };
  /** A process that ends without leaving would let the others wait for ever, or end as if nothing had happened. */
  readonly #atExit = (code: number): void => {
    const text = `world: rank ${this.rank} of ${this.size} ended before it left; expected close() at the end of every rank`;
    const why = code === 0 ? "" : this.#uncaught;
    this.#end(`${why}WorldError: ${text}, got exit code ${code}; the run ends`, code === 0 ? 1 : code);
  };

  #end(text: string, code: number): void {
    this.#state = "left";
    this.#unlisten();
    process.exitCode = code;
    writeSync(2, `${text}\n`);
    this.#watch.ending();
    // MPICH's launcher may drop what it has not read when a rank aborts.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, READING_MS);
    this.#calls.abort(code);
  }

  #unlisten(): void {
    process.off("exit", this.#atExit);
    process.off("uncaughtExceptionMonitor", this.#atError);
  }

  async #watched<T>(name: WatchedCall, work: () => Promise<T>): Promise<T> {
    this.#enter(name);
    return this.#waited(name, work);
  }
  #enter(name: WatchedCall): void {
    if (this.#state !== "open") {
      const what = this.#state === "left" ? "this rank has left" : "another call is under way";
      throw new WorldError({ op: name, what, hint: "ranks make one call after the other and close() at the end" });
    }
    this.#state = "busy";
  }
  /** Waits for the others in a call that was entered. */
  async #waited<T>(name: WatchedCall, work: () => Promise<T>): Promise<T> {
    this.#watch.begin(name);
    try {
      return await work();
    } finally {
      this.#watch.end();
      // Unless it was left meanwhile.
      if ((this.#state as string) === "busy") this.#state = "open";
    }
  }

  #sum(length: number, shards: number): Sum {
    const key = `${length} of ${shards}`;
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      const plan = sumPlan(shards, this.size, this.rank, length);
      const received = new Float32Array(plan.blocks.length * plan.chunk);
      const vectors = plan.blocks.map((_, i) => received.subarray(i * plan.chunk, (i + 1) * plan.chunk));
      sum = { plan, received, vectors, result: new Float32Array(length) };
      const [oldest] = this.#sums.keys();
      if (this.#sums.size === KEPT) this.#sums.delete(oldest);
      this.#sums.set(key, sum);
    }
    return sum;
  }
}

/** The library's own errors say all in their message. */
function textOf(cause: unknown): string {
  if (cause instanceof CoarsegradError) return `${cause.name}: ${cause.message}`;
  return (cause as Error | null)?.stack ?? messageOf(cause);
}
