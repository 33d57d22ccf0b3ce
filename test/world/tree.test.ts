/** @file The tree of shards gives one sum, however many ranks add it up. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { additionsOf, blocksOf, blocksOfAll, plainTree, shardsOf, sumBlocks, TreeSum } from "../../src/world/tree.js";

const shards = fc.integer({ min: 0, max: 7 }).map((k) => 2 ** k);
const LENGTH = 5;

/** The definition: the sum of a range is the sum of its left half plus that of its right half, rounded to f32. */
function byDefinition(leaves: readonly Float32Array[]): Float32Array {
  if (leaves.length === 1) return leaves[0].slice();
  const [left, right] = [leaves.slice(0, leaves.length / 2), leaves.slice(leaves.length / 2)].map(byDefinition);
  return left.map((value, i) => Math.fround(value + right[i]));
}

/** What `size` ranks make of the leaves. */
function byRanks(leaves: readonly Float32Array[], size: number): Float32Array {
  const pieces = Array.from({ length: size }, (_, rank) => {
    const range = shardsOf(leaves.length, size, rank);
    const tree = plainTree(LENGTH);
    for (let shard = range.first; shard < range.end; shard++) {
      const vector = tree.vector();
      vector.set(leaves[shard]);
      tree.add({ start: shard, size: 1 }, vector);
    }
    expect(tree.pieces.length).toBe(blocksOf(range).length);
    return tree.pieces.map((piece) => piece.slice());
  });
  return sumBlocks(blocksOfAll(leaves.length, size), pieces.flat());
}

describe("tree of shards", () => {
  it("gives the bits of its definition with any number of ranks, more ranks than shards included", () => {
    const leaf = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: LENGTH, maxLength: LENGTH });
    const run = shards.chain((count) =>
      fc.tuple(fc.array(leaf, { minLength: count, maxLength: count }), fc.integer({ min: 1, max: 2 * count + 1 })),
    );
    fc.assert(
      fc.property(run, ([leaves, size]) => {
        const vectors = leaves.map((values) => Float32Array.from(values));
        expect(byRanks(vectors, size)).toEqual(byDefinition(vectors));
      }),
    );
  });

  it("says beforehand what it adds into what", () => {
    fc.assert(
      fc.property(shards, fc.integer({ min: 1, max: 200 }), (count, size) => {
        const blocks = blocksOfAll(count, size);
        const did: (readonly [number, number])[] = [];
        const tree = new TreeSum<number>(
          () => 0,
          (into, other) => void did.push([into, other]),
        );
        for (const [i, block] of blocks.entries()) {
          const chain = tree.chainOf(block);
          const before = did.length;
          tree.add(block, i);
          const added = [i, ...[...chain].reverse()];
          expect(did.slice(before)).toEqual(chain.map((_, k) => [added[k + 1], added[k]]));
        }
        expect(tree.pieces).toEqual([0]);
        expect(additionsOf(blocks)).toEqual(did);
      }),
    );
  });

  it("gives every shard to one rank, in order, and blocks cover them", () => {
    fc.assert(
      fc.property(shards, fc.integer({ min: 1, max: 200 }), (count, size) => {
        let next = 0;
        for (let rank = 0; rank < size; rank++) {
          const range = shardsOf(count, size, rank);
          expect(range.first).toBe(next);
          next = range.end;
        }
        expect(next).toBe(count);
        let at = 0;
        for (const { start, size: width } of blocksOfAll(count, size)) {
          expect(start).toBe(at);
          expect(start % width).toBe(0);
          at += width;
        }
        expect(at).toBe(count);
      }),
    );
  });

  it("adds in an order of its own: not from left to right", () => {
    const leaves = [1, 2 ** -24, 2 ** -24, 2 ** -24].map((value) => new Float32Array(LENGTH).fill(value));
    // (1 + 2^-24) + (2^-24 + 2^-24) = 1 + 2^-23; from left to right all of them would be lost.
    expect(byRanks(leaves, 3)[0]).toBe(1 + 2 ** -23);
  });

  it("refuses numbers of shards that are no power of two, and ranks out of range", () => {
    for (const count of [0, 3, 6, 1.5, -2, 2 ** 17]) expect(() => shardsOf(count, 1, 0)).toThrow(/shards/);
    expect(() => shardsOf(4, 2, 2)).toThrow(/rank/);
    expect(() => shardsOf(4, 0, 0)).toThrow(/size/);
  });
});
