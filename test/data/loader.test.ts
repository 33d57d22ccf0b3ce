/**
 * @file Batches: coverage, order by (seed, epoch) alone, augmentation by (seed, epoch, index) alone, look-ahead,
 * resuming.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { type ImageDataset, imageDataset } from "../../src/data/dataset.js";
import { type Batch, DataLoader, type LoaderOptions } from "../../src/data/loader.js";
import { horizontalFlip, type ImageTransform, randomCrop } from "../../src/data/transforms.js";

/** `count` images of 2×3×1 whose first pixel is their index. */
function toy(count: number): ImageDataset {
  const images = Uint8Array.from({ length: count * 6 }, (_, i) => (i % 6 === 0 ? i / 6 : 200 + (i % 6)));
  const labels = Uint8Array.from({ length: count }, (_, n) => n % 4);
  return imageDataset({ name: "toy", shape: [2, 3, 1], classes: 4, images, labels });
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}
const orderOf = (batches: Batch[]) => batches.flatMap((batch) => [...batch.indices]);

describe("an epoch", () => {
  it("visits every image once, in batches of the size, with its own pixels and label", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 0, max: 5 }),
        async (count, batch, shuffle, dropLast, prefetch) => {
          fc.pre(!dropLast || batch <= count);
          const loader = new DataLoader(toy(count), { batch, shuffle, dropLast, prefetch, seed: 3 });
          const batches = await collect(loader.epoch(2));
          expect(batches.length).toBe(loader.batches);
          const order = orderOf(batches);
          expect(order.length).toBe(loader.images);
          expect(new Set(order).size).toBe(order.length);
          if (!dropLast) expect(order.length).toBe(count);
          if (!shuffle) expect(order).toEqual(order.map((_, i) => i));
          batches.forEach((b, index) => {
            expect([b.epoch, b.index]).toEqual([2, index]);
            expect(b.shape).toEqual([b.count, 2, 3, 1]);
            expect(b.images.length).toBe(b.count * 6);
            if (index < batches.length - 1 || dropLast) expect(b.count).toBe(batch);
            b.indices.forEach((n, k) => {
              expect(b.images[k * 6]).toBe(n);
              expect(b.labels[k]).toBe(n % 4);
            });
          });
        },
      ),
      { numRuns: 60 },
    );
  });
  it("gives arrays that the receiver may change", async () => {
    const dataset = toy(4);
    const before = dataset.images.slice();
    for await (const { images, labels } of new DataLoader(dataset, { batch: 2 }).epoch(0)) {
      images.fill(0);
      labels.fill(9);
    }
    expect(dataset.images).toEqual(before);
  });
});

describe("order", () => {
  const order = (options: LoaderOptions, epoch: number) => [
    ...new DataLoader(toy(50), { shuffle: true, ...options }).order(epoch),
  ];
  it("depends on seed and epoch", () => {
    expect(order({ seed: 1 }, 0)).toEqual(order({ seed: 1, batch: 7, prefetch: 0 }, 0));
    expect(order({ seed: 1 }, 0)).not.toEqual(order({ seed: 1 }, 1));
    expect(order({ seed: 1 }, 0)).not.toEqual(order({ seed: 2 }, 0));
  });
  it("is a known one", () => {
    expect(order({ seed: 1 }, 0).slice(0, 12)).toEqual([36, 23, 43, 24, 28, 26, 33, 32, 16, 22, 27, 12]);
  });
  it("iterating over the loader itself goes from epoch to epoch", async () => {
    const options = { batch: 8, shuffle: true, seed: 1 };
    const loader = new DataLoader(toy(20), { ...options, epoch: 3 });
    const direct = new DataLoader(toy(20), options);
    expect(await collect(loader)).toEqual(await collect(direct.epoch(3)));
    expect(await collect(loader)).toEqual(await collect(direct.epoch(4)));
  });
});

describe("augmentation", () => {
  const transforms = [randomCrop({ padding: 1 }), horizontalFlip()];
  /** Pixels of each image by index, over one epoch. */
  async function seen(options: LoaderOptions, epoch: number): Promise<Map<number, string>> {
    const loader = new DataLoader(toy(30), { seed: 5, transforms, ...options });
    const pixels = new Map<number, string>();
    for (const batch of await collect(loader.epoch(epoch))) {
      batch.indices.forEach((n, k) => {
        pixels.set(n, batch.images.subarray(k * 6, k * 6 + 6).join());
      });
    }
    return pixels;
  }
  it("of an image depends on seed, epoch and index, and not on order or batch size", async () => {
    const base = await seen({ batch: 4 }, 1);
    expect(base.size).toBe(30);
    const sorted = (map: Map<number, string>) => [...map].sort(([a], [b]) => a - b);
    expect(sorted(await seen({ batch: 30, shuffle: true }, 1))).toEqual(sorted(base));
    expect(sorted(await seen({ batch: 4 }, 2))).not.toEqual(sorted(base));
    expect(sorted(await seen({ batch: 4, seed: 6 }, 1))).not.toEqual(sorted(base));
    const plain = await seen({ batch: 4, transforms: [] }, 1);
    expect(sorted(plain)).not.toEqual(sorted(base));
  });
  it("a transform's stream does not depend on the draws of the one before it", async () => {
    const greedy: ImageTransform = { name: "greedy", apply: (_, __, rng) => void rng.int(3) };
    const lazy: ImageTransform = { name: "lazy", apply: () => {} };
    const second = horizontalFlip();
    expect(await seen({ transforms: [greedy, second] }, 0)).toEqual(await seen({ transforms: [lazy, second] }, 0));
  });
});

describe("resuming", () => {
  it("batch k is the same alone, after the others, and in an epoch begun at k", async () => {
    const options = { batch: 4, shuffle: true, seed: 9, transforms: [randomCrop({ padding: 1 })] };
    const all = await collect(new DataLoader(toy(23), options).epoch(4));
    const loader = new DataLoader(toy(23), options);
    expect(loader.batch(4, 3)).toEqual(all[3]);
    expect(await collect(loader.epoch(4, 2))).toEqual(all.slice(2));
    expect(await collect(loader.epoch(4, loader.batches))).toEqual([]);
  });
});

describe("look-ahead", () => {
  /** A transform that counts the images it has seen. */
  function counter(): { transform: ImageTransform; count: () => number } {
    let count = 0;
    return { transform: { name: "count", apply: () => void count++ }, count: () => count };
  }
  /** Lets the event loop turn so often that all work that wants to run has run: the loader gives way once a batch. */
  const idle = async (turns = 50) => {
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  it("makes `prefetch` batches while the consumer waits, no more, and none twice", async () => {
    for (const prefetch of [0, 1, 3]) {
      const { transform, count } = counter();
      const loader = new DataLoader(toy(20), { batch: 2, prefetch, transforms: [transform] });
      let taken = 0;
      for await (const _ of loader.epoch(0)) {
        taken += 1;
        await idle();
        expect(count()).toBe(2 * Math.min(10, taken + prefetch));
      }
      expect(count()).toBe(20);
    }
  });
  it("stops when the consumer leaves", async () => {
    const { transform, count } = counter();
    const loader = new DataLoader(toy(20), { batch: 2, prefetch: 4, transforms: [transform] });
    for await (const _ of loader.epoch(0)) break;
    await idle();
    expect(count()).toBe(2);
  });
  it("lets the event loop run between batches even if the consumer never waits", async () => {
    let turns = 0;
    let over = false;
    const turn = () => {
      turns += 1;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    const loader = new DataLoader(toy(200), { batch: 1, prefetch: 0 });
    // A loader that never gives way runs its two hundred batches within one turn of the event loop.
    for await (const _ of loader.epoch(0)) for (const end = performance.now() + 0.1; performance.now() < end; );
    over = true;
    expect(turns).toBeGreaterThan(0);
  });
  it("a transform that throws fails the batch it belongs to, once the consumer gets there", async () => {
    let calls = 0;
    const transform: ImageTransform = {
      name: "fragile",
      apply(pixels) {
        calls += 1;
        if (pixels[0] === 5) throw new Error("image 5");
      },
    };
    const loader = new DataLoader(toy(8), { batch: 2, prefetch: 3, transforms: [transform] });
    const taken: number[] = [];
    const run = async () => {
      for await (const batch of loader.epoch(0)) {
        taken.push(batch.index);
        await idle();
      }
    };
    await expect(run()).rejects.toThrow("image 5");
    expect(taken).toEqual([0, 1]);
    expect(calls).toBeGreaterThan(4);
  });
});

describe("refusals", () => {
  it.each<[string, LoaderOptions]>([
    ["batch 0", { batch: 0 }],
    ["half a batch", { batch: 0.5 }],
    ["a negative epoch", { epoch: -1 }],
    ["a negative prefetch", { prefetch: -1 }],
    ["a bad seed", { seed: Number.NaN }],
    ["no full batch", { batch: 11, dropLast: true }],
  ])("%s", (_, options) => {
    expect(() => new DataLoader(toy(10), options)).toThrow(ArgumentError);
  });
  it("an empty data set, and batches out of range", async () => {
    expect(() => new DataLoader(toy(0))).toThrow(/no batch in toy/);
    const loader = new DataLoader(toy(10), { batch: 5 });
    expect(() => loader.batch(0, 2)).toThrow(/batch out of range; expected 0 to 1, got 2/);
    expect(() => loader.order(-1)).toThrow(ArgumentError);
    await expect(loader.epoch(-1).next()).rejects.toThrow(ArgumentError);
  });
});
