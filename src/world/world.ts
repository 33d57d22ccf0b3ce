/** @file The ranks that train one network together, whatever carries bytes between them. */
import { check, checkBytes, integer, type Rule } from "../core/checks.js";

/** Some elements of a vector: `from` to `end` − 1. */
export interface VectorPart {
  /** Its first element. */
  readonly from: number;
  /** The element behind its last. */
  readonly end: number;
}

/** Sums of one length whose parts travel while the rest is still computed, one sum after the other. */
export interface SumInParts {
  /** This rank's blocks, as for {@link World.sum}: to be written, each part before it is given. */
  readonly pieces: readonly Float32Array[];
  /** The next part of all pieces is written, and may travel. Other calls of the world wait for the end. */
  give(): void;
  /** After all parts were given: the sum over all shards, to read until the next part is given. @throws WorldError */
  end(): Promise<Float32Array>;
  /** Frees what it holds. */
  dispose(): void;
}

/**
 * The ranks of a run, seen from one of them. All of its methods but `abort` are collective: every rank calls the same
 * ones in the same order, and each call ends when all have come, or with a WorldError on every rank when one is lost.
 */
export interface World {
  /** Which rank this is: 0 … size − 1. Rank 0 reports and writes. */
  readonly rank: number;
  /** Number of ranks. */
  readonly size: number;
  /** What carries numbers between ranks. */
  readonly carrier: "alone" | "threads" | "mpi";
  /**
   * Adds up vectors along the tree of shards (see `tree.ts`): every rank gets the same bits, and so does every number of
   * ranks.
   *
   * @param pieces the sums of this rank's blocks, in order, all of one length that is the same on every rank; a rank
   * without shards gives none. They may be overwritten
   * @param length of every piece
   * @returns the sum over all shards, this rank's to read until its next call
   * @throws WorldError
   */
  sum(pieces: readonly Float32Array[], length: number, shards: number): Promise<Float32Array>;
  /**
   * The same sums, bit for bit, of vectors that come in parts. Absent where nothing is gained by it.
   *
   * @param parts of the vector, in the order in which they will be given, the same on every rank
   */
  sumInParts?(length: number, shards: number, parts: readonly VectorPart[]): SumInParts;
  /** What every rank gave, by rank; lengths may differ. @throws WorldError */
  gather(bytes: Uint8Array): Promise<Uint8Array[]>;
  /** Ends the run on the other ranks: their calls throw a WorldError that tells the cause. */
  abort(cause: unknown): void;
  /** Leaves; to be called by every rank at the end. Afterwards nothing else may be called. */
  close(): Promise<void>;
}

const METHODS = ["sum", "gather", "abort", "close"] as const;
/** What a world has. */
export const worldRule: Rule = (value) => {
  const world = (value ?? {}) as Partial<World>;
  const counts = Number.isInteger(world.rank) && Number.isInteger(world.size);
  const good = counts && METHODS.every((name) => typeof world[name] === "function");
  return good ? null : "a world of ranks, as joinWorld() gives it";
};

/** A world of one rank: what a process without a launcher has. */
export function aloneWorld(): World {
  return {
    rank: 0,
    size: 1,
    carrier: "alone",
    sum: async ([sum]) => sum,
    gather: async (bytes) => [bytes],
    abort: () => {},
    close: async () => {},
  };
}

/** The bytes of one rank, on every rank. @param bytes of the rank that sends; what others give is not looked at */
export async function broadcast(world: World, bytes: Uint8Array | null, from = 0): Promise<Uint8Array> {
  check("broadcast", "world", world, worldRule);
  check("broadcast", "sender", from, integer(0, world.size - 1));
  if (world.rank === from) bytes = checkBytes("broadcast", "bytes", bytes);
  const all = await world.gather(world.rank === from && bytes !== null ? bytes : new Uint8Array(0));
  return all[from];
}

/** What every rank gave, as plain JSON, by rank. */
export async function gatherJson<T>(world: World, value: T): Promise<T[]> {
  check("gatherJson", "world", world, worldRule);
  if (world.size === 1) return [value];
  const all = await world.gather(new TextEncoder().encode(JSON.stringify(value)));
  const text = new TextDecoder();
  return all.map((bytes) => JSON.parse(text.decode(bytes)) as T);
}
