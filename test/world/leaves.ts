/** @file Vectors of shards with values of very different sizes: another order of adding them gives other bits. */
import { Rng } from "../../src/core/rng.js";

export const SHARDS = [1, 8] as const;
/** None, fewer than ranks, a number that nothing divides, more than one packet. */
export const LENGTHS = [0, 1, 3, 1009, 70_001] as const;

/** The vector of a shard. */
export function leaf(shard: number, length: number): Float32Array {
  const rng = new Rng(`leaf ${shard} of ${length}`);
  return Float32Array.from({ length }, () => (rng.uniform() - 0.5) * 2 ** rng.int(24));
}
