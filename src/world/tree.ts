/**
 * @file The one order in which shards are added up: a binary tree with a leaf for each shard. Who adds which part of it
 * changes no bit.
 */
import { check, integer, type Rule } from "../core/checks.js";

/** A subtree: `size` shards, a power of two, from `start` on, which is a multiple of it. */
export interface Block {
  readonly start: number;
  readonly size: number;
}

/** Shards of a run: a power of two, so that halves are halves all the way down. */
export const shardsRule: Rule = (value) => {
  const problem = integer(1, 65536)(value);
  if (problem !== null) return problem;
  const count = value as number;
  return (count & (count - 1)) === 0 ? null : "a power of two";
};

/** The shards that a rank computes: `first` to `end` − 1. Ranks beyond the number of shards have none. */
export interface ShardRange {
  /** Shards of the whole batch. */
  readonly shards: number;
  /** The first shard of this rank. */
  readonly first: number;
  /** One past its last shard. */
  readonly end: number;
}

/** The consecutive shards of rank r of n: ⌊rS/n⌋ to ⌊(r+1)S/n⌋ − 1. @throws ArgumentError */
export function shardsOf(shards: number, size: number, rank: number): ShardRange {
  check("shardsOf", "shards", shards, shardsRule);
  check("shardsOf", "size", size, integer(1));
  check("shardsOf", "rank", rank, integer(0, size - 1));
  return { shards, first: Math.floor((rank * shards) / size), end: Math.floor(((rank + 1) * shards) / size) };
}

/** The largest subtrees within a range of shards, in order. */
export function blocksOf({ first, end }: ShardRange): Block[] {
  const blocks: Block[] = [];
  for (let start = first; start < end; ) {
    let size = 1;
    while (start % (2 * size) === 0 && start + 2 * size <= end) size *= 2;
    blocks.push({ start, size });
    start += size;
  }
  return blocks;
}

/** The blocks of all ranks, in order of shards. */
export function blocksOfAll(shards: number, size: number): Block[] {
  return Array.from({ length: size }, (_, rank) => blocksOf(shardsOf(shards, size, rank))).flat();
}

/** Halves of one block: equally large, side by side, the left one where such a block begins. */
function areHalves(left: Block, right: Block): boolean {
  const { start, size } = left;
  return size === right.size && start + size === right.start && start % (2 * size) === 0;
}

/** a ← a + b, each sum rounded to f32 once. */
function addInto(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) a[i] += b[i];
}

/**
 * Adds up vectors as their shards come in, each sum the left half plus the right half: f32(left + right), rounded once
 * per level. Vectors go back into a free list, so that a step makes none.
 */
export class TreeSum<Vector = Float32Array> {
  readonly #stack: { block: Block; sum: Vector }[] = [];
  readonly #free: Vector[] = [];
  readonly #make: () => Vector;
  readonly #add: (into: Vector, other: Vector) => void;

  /**
   * @param make gives a vector, with whatever is in it
   * @param add into ← into + other, rounded to f32 once
   */
  constructor(make: () => Vector, add: (into: Vector, other: Vector) => void) {
    this.#make = make;
    this.#add = add;
  }
  /** A vector to fill, with whatever is in it. */
  vector(): Vector {
    return this.#free.pop() ?? this.#make();
  }
  /**
   * Adds the sum of a block, which comes right of all before it; the vector is the tree's from now on.
   *
   * @param addUp replaces the tree's own addition: where the caller has added up already, as {@link chainOf} says
   */
  add(block: Block, sum: Vector, addUp = this.#add): void {
    this.#stack.push({ block, sum });
    for (;;) {
      const right = this.#stack.at(-1);
      const left = this.#stack.at(-2);
      if (left === undefined || right === undefined || !areHalves(left.block, right.block)) return;
      const size = left.block.size;
      addUp(left.sum, right.sum);
      this.#free.push(right.sum);
      this.#stack.length -= 2;
      this.#stack.push({ block: { start: left.block.start, size: 2 * size }, sum: left.sum });
    }
  }
  /**
   * What adding a block will do: it is added into the last of these, that into the one before it, and so on; the first
   * is then the sum of a larger block. Empty where nothing is added.
   */
  chainOf(block: Block): readonly Vector[] {
    let right = block;
    let at = this.#stack.length;
    for (; at > 0; at--) {
      const left = this.#stack[at - 1].block;
      if (!areHalves(left, right)) break;
      right = { start: left.start, size: 2 * left.size };
    }
    return this.#stack.slice(at).map(({ sum }) => sum);
  }
  /** The blocks that are left: one, if all shards came. */
  get pieces(): readonly Vector[] {
    return this.#stack.map(({ sum }) => sum);
  }
  /** Takes all vectors back for the next step. */
  clear(): void {
    for (const { sum } of this.#stack.splice(0)) this.#free.push(sum);
  }
}

/** A tree of plain vectors of one length. */
export function plainTree(length: number): TreeSum {
  return new TreeSum<Float32Array>(() => new Float32Array(length), addInto);
}

/** The sum of the blocks of all ranks, in place: it lies in the first vector. @param blocks as {@link blocksOfAll} */
export function sumBlocks(blocks: readonly Block[], vectors: readonly Float32Array[]): Float32Array {
  const tree = plainTree(0);
  blocks.forEach((block, i) => {
    tree.add(block, vectors[i]);
  });
  return tree.pieces[0];
}

/** Which vectors {@link sumBlocks} adds, in order: the second of each pair into the first. */
export function additionsOf(blocks: readonly Block[]): (readonly [into: number, other: number])[] {
  const additions: (readonly [number, number])[] = [];
  const tree = new TreeSum<number>(
    () => 0,
    (into, other) => void additions.push([into, other]),
  );
  blocks.forEach((block, i) => {
    tree.add(block, i);
  });
  return additions;
}
