/**
 * @file Ranks that are threads of one machine: workers of Node or of a page that share memory. Each has an engine and a
 * heap of its own; what they exchange goes through slots that all of them see.
 */
import { check, checkOptions, integer, type Rule, within } from "../core/checks.js";
import { WorldError } from "../core/errors.js";
import { eventLoopTurn } from "../core/event-loop.js";
import { messageOf } from "../core/foreign-errors.js";
import { blocksOf, blocksOfAll, shardsOf, sumBlocks } from "./tree.js";
import type { World } from "./world.js";

/** The memory of a world of threads: plain data, to be sent to every worker. */
export interface SharedWorld {
  /** Number of ranks. */
  readonly size: number;
  /** Where ranks meet. */
  readonly control: SharedArrayBuffer;
  /** Where numbers pass from rank to rank. */
  readonly slots: SharedArrayBuffer;
  /** How late a rank may be. */
  readonly limitSeconds: number;
}

/** Choices of {@link shareWorld}. */
export interface ShareOptions {
  /** Seconds that a rank may be late before the run ends with an error. @default 60 */
  readonly limitSeconds?: number;
}

/** Words of the control block. */
const ARRIVED = 0;
const GENERATION = 1;
const FAILED = 2;
const TEXT_LENGTH = 3;
const FIRST = 4;
/** Words of each rank: how many barriers it came to; then twice (calls take turns) what it calls, and with which number. */
const PER_RANK = 5;
const TEXT_BYTES = 8192;
/** Bytes of a slot: two of each rank stay within a second-level cache. */
const SLOT_BYTES = 2 ** 18;
/** Milliseconds that a rank spins for the others before it sleeps. */
const SPIN_MS = 0.05;
/** Longest nap: between two, the event loop gets a turn, in which the end of a worker is noticed. */
const NAP_MS = 20;

const CALLS = ["sum", "gather", "close"] as const;

/**
 * Memory for a world of threads.
 * @param size number of ranks
 * @throws ArgumentError; WorldError where memory cannot be shared
 */
export function shareWorld(size: number, options: ShareOptions = {}): SharedWorld {
  check("shareWorld", "size", size, integer(1, 1024));
  checkOptions<ShareOptions>("shareWorld", options, { limitSeconds: within(0.1, 1e6) });
  if (typeof SharedArrayBuffer === "undefined") {
    throw new WorldError({
      op: "shareWorld",
      what: "memory cannot be shared here",
      expected: "Node, or a page that is cross-origin isolated",
      got: "no SharedArrayBuffer",
    });
  }
  return {
    size,
    control: new SharedArrayBuffer(4 * (FIRST + PER_RANK * size) + TEXT_BYTES),
    slots: new SharedArrayBuffer(2 * size * SLOT_BYTES),
    limitSeconds: options.limitSeconds ?? 60,
  };
}

/**
 * One rank of a world of threads. It sleeps while it waits: not for a page's main thread, which may not.
 *
 * @param shared as `shareWorld` gave it
 */
export function threadWorld(shared: SharedWorld, rank: number): World {
  check("threadWorld", "shared memory", shared, sharedRule);
  check("threadWorld", "rank", rank, integer(0, shared.size - 1));
  const threads = new Threads(shared, rank);
  return {
    rank,
    size: shared.size,
    carrier: "threads",
    sum: (pieces, length, shards) => threads.sum(pieces, length, shards),
    gather: (bytes) => threads.gather(bytes),
    abort: (cause) => abortWorld(shared, cause, rank),
    close: () => threads.close(),
  };
}

const sharedRule: Rule = (value) => {
  const { size, control, slots } = (value ?? {}) as Partial<SharedWorld>;
  const good = integer(1, 1024)(size) === null && [control, slots].every(isSharedMemory);
  return good ? null : "what shareWorld gives";
};
const isSharedMemory = (value: unknown): boolean =>
  Object.prototype.toString.call(value) === "[object SharedArrayBuffer]";

/** Ends a world from outside: whoever watches a worker that was lost. @param rank whose fault it was */
export function abortWorld({ control, size }: SharedWorld, cause: unknown, rank: number): void {
  const words = new Int32Array(control, 0, FIRST + PER_RANK * size);
  if (Atomics.compareExchange(words, FAILED, 0, -1) !== 0) return;
  const said = messageOf(cause);
  const text = new TextEncoder().encode(said).subarray(0, TEXT_BYTES);
  new Uint8Array(control, words.byteLength).set(text);
  Atomics.store(words, TEXT_LENGTH, text.length);
  Atomics.store(words, FAILED, rank + 1);
  Atomics.notify(words, GENERATION);
}

class Threads {
  readonly #size: number;
  readonly #rank: number;
  readonly #limit: number;
  readonly #shared: SharedWorld;
  readonly #words: Int32Array;
  readonly #text: Uint8Array;
  /** Calls so far, and uses of slots: the same on every rank. */
  #calls = 0;
  #uses = 0;
  #result = new Float32Array(0);

  constructor(shared: SharedWorld, rank: number) {
    this.#shared = shared;
    this.#size = shared.size;
    this.#rank = rank;
    this.#limit = shared.limitSeconds * 1000;
    this.#words = new Int32Array(shared.control, 0, FIRST + PER_RANK * shared.size);
    this.#text = new Uint8Array(shared.control, this.#words.byteLength);
  }

  async sum(pieces: readonly Float32Array[], length: number, shards: number): Promise<Float32Array> {
    if (this.#size === 1) return pieces[0];
    await this.#begin("sum", length);
    const { slots } = this.#shared;
    if (this.#result.length !== length) this.#result = new Float32Array(length);
    const counts = Array.from({ length: this.#size }, (_, rank) => countOf(shards, this.#size, rank));
    const capacity = Math.floor(SLOT_BYTES / 4 / Math.max(...counts));
    const blocks = blocksOfAll(shards, this.#size);
    for (let from = 0; from < length; from += capacity) {
      const width = Math.min(capacity, length - from);
      const half = this.#uses++ % 2;
      const at = (rank: number, piece: number): number => this.#slot(half, rank) + 4 * piece * capacity;
      pieces.forEach((piece, i) => {
        new Float32Array(slots, at(this.#rank, i), width).set(piece.subarray(from, from + width));
      });
      await this.#barrier();
      // Each rank adds up its part of the vector, into the first block's place.
      const [begin, end] = [this.#rank, this.#rank + 1].map((rank) => Math.floor((rank * width) / this.#size));
      const vectors = counts.flatMap((count, rank) =>
        Array.from({ length: count }, (_, i) => new Float32Array(slots, at(rank, i) + 4 * begin, end - begin)),
      );
      sumBlocks(blocks, vectors);
      await this.#barrier();
      const first = counts.findIndex((count) => count > 0);
      this.#result.set(new Float32Array(slots, at(first, 0), width), from);
    }
    return this.#result;
  }

  async gather(bytes: Uint8Array): Promise<Uint8Array[]> {
    const lengths = await this.#begin("gather", bytes.length);
    const all = lengths.map((length) => new Uint8Array(length));
    const most = Math.max(...lengths);
    for (let from = 0; from < most; from += SLOT_BYTES) {
      const half = this.#uses++ % 2;
      const own = bytes.subarray(from, from + SLOT_BYTES);
      new Uint8Array(this.#shared.slots, this.#slot(half, this.#rank), own.length).set(own);
      await this.#barrier();
      all.forEach((into, rank) => {
        const width = Math.min(SLOT_BYTES, into.length - from);
        if (width > 0) into.set(new Uint8Array(this.#shared.slots, this.#slot(half, rank), width), from);
      });
    }
    return all;
  }

  async close(): Promise<void> {
    await this.#begin("close", 0);
  }

  #slot(half: number, rank: number): number {
    return (2 * rank + half) * SLOT_BYTES;
  }

  /** Tells what this rank calls; refuses ranks that call something else. @returns the number of each rank */
  async #begin(call: (typeof CALLS)[number], number: number): Promise<number[]> {
    const half = this.#calls++ % 2;
    const word = (rank: number): number => FIRST + PER_RANK * rank + 1 + 2 * half;
    Atomics.store(this.#words, word(this.#rank), CALLS.indexOf(call));
    Atomics.store(this.#words, word(this.#rank) + 1, number);
    await this.#barrier();
    const ranks = Array.from({ length: this.#size }, (_, rank) => rank);
    const calls = ranks.map((rank) => CALLS[Atomics.load(this.#words, word(rank))]);
    const numbers = ranks.map((rank) => Atomics.load(this.#words, word(rank) + 1));
    const other = ranks.find((rank) => calls[rank] !== call || (call === "sum" && numbers[rank] !== number));
    if (other !== undefined) {
      const told = (rank: number): string => `${calls[rank]} of ${numbers[rank]}`;
      throw this.#fail(`rank ${other} does something else than rank ${this.#rank}`, told(this.#rank), told(other));
    }
    return numbers;
  }

  /** Waits until every rank has come. @throws WorldError when one is lost, or later than the limit */
  async #barrier(): Promise<void> {
    const words = this.#words;
    this.#checkAlive();
    const generation = Atomics.load(words, GENERATION);
    Atomics.store(words, FIRST + PER_RANK * this.#rank, generation + 1);
    if (Atomics.add(words, ARRIVED, 1) === this.#size - 1) {
      Atomics.store(words, ARRIVED, 0);
      Atomics.add(words, GENERATION, 1);
      Atomics.notify(words, GENERATION);
      return;
    }
    const started = performance.now();
    while (performance.now() - started < SPIN_MS) if (Atomics.load(words, GENERATION) !== generation) return;
    while (Atomics.load(words, GENERATION) === generation) {
      this.#checkAlive();
      Atomics.wait(words, GENERATION, generation, NAP_MS);
      if (Atomics.load(words, GENERATION) !== generation) break;
      if (performance.now() - started > this.#limit) {
        const late = Array.from({ length: this.#size }, (_, rank) => rank).filter(
          (rank) => Atomics.load(words, FIRST + PER_RANK * rank) !== generation + 1,
        );
        const seconds = this.#limit / 1000;
        throw this.#fail(`rank ${late.join(", ")} does not answer`, `an answer within ${seconds} s`, "none");
      }
      await eventLoopTurn();
    }
    // All came: what was lost since is told by the next call, and a rank that left after the last one is no loss.
  }

  #fail(what: string, expected: string, got: string): WorldError {
    const error = new WorldError({ op: "ranks", what, expected, got });
    abortWorld(this.#shared, error, this.#rank);
    return error;
  }

  #checkAlive(): void {
    const failed = Atomics.load(this.#words, FAILED);
    if (failed <= 0) return;
    const text = new TextDecoder().decode(this.#text.slice(0, Atomics.load(this.#words, TEXT_LENGTH)));
    throw new WorldError({ op: "ranks", what: `rank ${failed - 1} ended the run: ${text}` });
  }
}

/** Blocks of one rank. */
function countOf(shards: number, size: number, rank: number): number {
  return blocksOf(shardsOf(shards, size, rank)).length;
}
