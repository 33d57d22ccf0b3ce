/** @file Gradients that travel while the backward pass goes on: when they are handed over, and that no bit changes. */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { defineOp, manualSeed, type Tensor } from "../../src/index.js";
import { BatchNorm1d, Linear, Module, ReLU, Sequential } from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import { fit as train, weightsDigest } from "../../src/train/index.js";
import { ShardLayout } from "../../src/train/shard-layout.js";
import type { SumInParts, VectorPart, World } from "../../src/world/index.js";

const rng = new Rng("sending");
const x = { shape: [32, 5], data: Float32Array.from({ length: 160 }, () => rng.normal()) };
const y = { shape: [32, 1], data: Float32Array.from({ length: 32 }, () => rng.normal()) };

const SIZE = 512;
let log: string[] = [];

/** Tells when a backward pass comes through. */
class Mark extends Module {
  forward(input: Tensor): Tensor {
    return Mark.#op([input]);
  }
  static readonly #op = defineOp({
    name: "mark",
    shape: ([shape]) => shape.shape,
    forward: ([input]) => ({ y: input.clone(), saved: null }),
    backward: (dy) => {
      log.push("front");
      return [dy.clone()];
    },
  });
}

/** One rank of several: its sums are those of its own blocks, taken at the moment in which they are handed over. */
function rankOf(size: number, rank: number, parted: boolean): World {
  const added = (pieces: readonly Float32Array[], from: number, end: number): Float32Array =>
    pieces.map((piece) => piece.slice(from, end)).reduce((sum, piece) => sum.map((value, i) => value + piece[i]));
  const sumInParts = (length: number, shards: number, parts: readonly VectorPart[]): SumInParts => {
    const pieces = Array.from({ length: size === 2 ? 1 : 2 }, () => new Float32Array(length).fill(Number.NaN));
    const result = new Float32Array(length).fill(Number.NaN);
    let given = 0;
    expect(shards).toBe(8);
    return {
      pieces,
      give: () => {
        const { from, end } = parts[given++];
        result.set(added(pieces, from, end), from);
        log.push("given");
      },
      end: async () => {
        expect(given).toBe(parts.length);
        given = 0;
        return result;
      },
      dispose: () => void log.push("disposed"),
    };
  };
  return {
    rank,
    size,
    carrier: "mpi",
    sum: async (pieces, length) => added(pieces, 0, length),
    ...(parted && { sumInParts }),
    gather: async (bytes) => Array.from({ length: size }, () => bytes),
    abort: () => {},
    close: async () => {},
  };
}

async function trained(world: World, frozen = false): Promise<string> {
  log = [];
  manualSeed(3);
  const front = [new Linear(5, SIZE), new BatchNorm1d(SIZE), new Mark(), new ReLU()];
  const last = new Linear(SIZE, 1);
  const net = new Sequential([...front, new Linear(SIZE, SIZE), new ReLU(), last]);
  if (frozen) for (const parameter of last.parameters()) parameter.requireGrad(false);
  const optimizer = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });
  await train(net, { x, y }, { epochs: 1, batch: 16, optimizer, loss: "mse", shards: 8, world, recalibrate: false });
  const digest = weightsDigest(net);
  optimizer.dispose();
  net.dispose();
  return digest;
}

describe("gradients in parts", () => {
  // Rank 1 of 3 has a whole block beside its last shard; rank 2 one before those that its last shard is added to.
  it.each([
    [2, 0, 4],
    [2, 1, 4],
    [3, 1, 3],
    [3, 2, 3],
  ])("of %i ranks, number %i: go while the pass of its last shard still runs", async (size, rank, shards) => {
    const whole = await trained(rankOf(size, rank, false));
    expect(log).toEqual(Array.from({ length: 2 * shards }, () => "front"));
    const parted = await trained(rankOf(size, rank, true));
    const step = [...Array.from({ length: shards - 1 }, () => "front"), "given", "front", "given"];
    expect(log).toEqual([...step, ...step, "disposed"]);
    expect(parted).toBe(whole);
  });

  it("do not wait for parameters that get none", async () => {
    const whole = await trained(rankOf(2, 0, false), true);
    const parted = await trained(rankOf(2, 0, true), true);
    expect(log.slice(0, 6)).toEqual(["front", "front", "front", "given", "front", "given"]);
    expect(parted).toBe(whole);
  });

  it("cover the vector from its end to its beginning, large layers cut and small ones together", () => {
    const net = new Sequential([
      new Linear(4, 1024),
      new Linear(1024, 1500),
      new BatchNorm1d(1500),
      new Linear(1500, 2),
    ]);
    const { parts, length, parameters } = new ShardLayout(net);
    expect(length).toBeGreaterThan(1024 * 1500);
    let end = length;
    for (const part of parts) {
      expect(part.end).toBe(end);
      expect(part.end - part.from).toBeGreaterThan(0);
      expect(part.end - part.from).toBeLessThanOrEqual(2 ** 19);
      end = part.from;
    }
    expect(end).toBe(0);
    expect(parts.length).toBe(4);
    for (const [parameter, at] of parameters) {
      const own = parts.filter((part) => part.from < at + parameter.size && part.end > at);
      expect(own.length).toBeGreaterThan(0);
      for (const part of own) expect(part.parameters).toContain(parameter);
    }
    net.dispose();
  });
});
