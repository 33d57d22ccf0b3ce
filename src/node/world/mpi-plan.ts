/** @file Who sends which part of a vector to whom, so that every rank adds up one chunk of it. */
import { type Block, blocksOf, blocksOfAll, shardsOf } from "../../world/tree.js";
import type { Parts } from "./mpi-calls.js";

/** One exchange: of the k-th pieces of all ranks that have so many. */
export interface Round {
  readonly sent: Parts;
  readonly received: Parts;
}

/** The sum of vectors of one length, for one rank. */
export interface SumPlan {
  /** The blocks of all ranks, in order. */
  readonly blocks: readonly Block[];
  readonly rounds: readonly Round[];
  /** Which part of the vector each rank adds up. */
  readonly chunks: Parts;
  /** This rank's: as long as each of the vectors that it adds up. */
  readonly chunk: number;
}

/** Cuts a length into `size` parts that differ by one at most: part r is ⌊rL/n⌋ to ⌊(r+1)L/n⌋ − 1. */
export function cut(length: number, size: number): Parts {
  const starts = Int32Array.from({ length: size }, (_, rank) => Math.floor((rank * length) / size));
  const counts = starts.map((start, rank) => (rank + 1 < size ? starts[rank + 1] : length) - start);
  return { counts, starts };
}

/** The plan of rank r of n. Received vectors lie one after the other in the order of blocks. */
export function sumPlan(shards: number, size: number, rank: number, length: number): SumPlan {
  const chunks = cut(length, size);
  const chunk = chunks.counts[rank];
  const pieces = Array.from({ length: size }, (_, other) => blocksOf(shardsOf(shards, size, other)).length);
  const first = pieces.map((_, other) => pieces.slice(0, other).reduce((sum, count) => sum + count, 0));
  const none = new Int32Array(size);
  const rounds = Array.from({ length: Math.max(...pieces) }, (_, k) => ({
    sent: k < pieces[rank] ? chunks : { counts: none, starts: none },
    received: {
      counts: Int32Array.from(pieces, (count) => (k < count ? chunk : 0)),
      starts: Int32Array.from(pieces, (count, other) => (k < count ? (first[other] + k) * chunk : 0)),
    },
  }));
  return { blocks: blocksOfAll(shards, size), rounds, chunks, chunk };
}
