/** @file Vectors of shards with values of very different sizes: another order of adding them gives other bits. */
import { createHash } from "node:crypto";
import { Rng } from "../../src/core/rng.js";
import { plainTree } from "../../src/world/tree.js";

export const SHARDS = [1, 8] as const;
/** None, fewer than ranks, a number that nothing divides, more than one packet. */
export const LENGTHS = [0, 1, 3, 1009, 70_001] as const;

/** The vector of a shard. */
export function leaf(shard: number, length: number): Float32Array {
  const rng = new Rng(`leaf ${shard} of ${length}`);
  return Float32Array.from({ length }, () => (rng.uniform() - 0.5) * 2 ** rng.int(24));
}

/** What a sum came to, in one line. */
export function sumLine(shards: number, length: number, sum: Float32Array): string {
  const bytes = new Uint8Array(sum.buffer, sum.byteOffset, sum.byteLength);
  return `${shards}/${length} ${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The lines of all sums, added up by one process. */
export function ofOneProcess(): string[] {
  return SHARDS.flatMap((shards) =>
    LENGTHS.map((length) => {
      const tree = plainTree(length);
      for (let start = 0; start < shards; start++) tree.add({ start, size: 1 }, leaf(start, length));
      return sumLine(shards, length, tree.pieces[0]);
    }),
  );
}
