/** @file Augmentations against scalar definitions, their distributions, and normalization. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import type { ImageShape } from "../../src/data/dataset.js";
import { horizontalFlip, mirrorImage, normalize, randomCrop, shiftImage } from "../../src/data/transforms.js";

const image: fc.Arbitrary<{ shape: ImageShape; pixels: Uint8Array }> = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 3))
  .chain(([h, w, c]) =>
    fc
      .uint8Array({ minLength: h * w * c, maxLength: h * w * c })
      .map((pixels) => ({ shape: [h, w, c] as ImageShape, pixels })),
  );

describe("shiftImage", () => {
  it("moves each pixel, and fills where nothing comes from", () => {
    fc.assert(
      fc.property(
        image,
        fc.integer({ min: -8, max: 8 }),
        fc.integer({ min: -8, max: 8 }),
        ({ shape, pixels }, dy, dx) => {
          const [h, w, c] = shape;
          const moved = pixels.slice();
          shiftImage(moved, shape, dy, dx, 7);
          for (let y = 0; y < h; y++) {
            for (let x = 0; x < w; x++) {
              for (let k = 0; k < c; k++) {
                const inside = y - dy >= 0 && y - dy < h && x - dx >= 0 && x - dx < w;
                const want = inside ? pixels[((y - dy) * w + x - dx) * c + k] : 7;
                expect(moved[(y * w + x) * c + k]).toBe(want);
              }
            }
          }
        },
      ),
    );
  });
});

describe("mirrorImage", () => {
  it("swaps left and right of every row and keeps the channels, and undoes itself", () => {
    fc.assert(
      fc.property(image, ({ shape, pixels }) => {
        const [h, w, c] = shape;
        const mirrored = pixels.slice();
        mirrorImage(mirrored, shape);
        for (let i = 0; i < h * w; i++) {
          for (let k = 0; k < c; k++) {
            const from = Math.floor(i / w) * w + (w - 1 - (i % w));
            expect(mirrored[i * c + k]).toBe(pixels[from * c + k]);
          }
        }
        mirrorImage(mirrored, shape);
        expect(mirrored).toEqual(pixels);
      }),
    );
  });
});

describe("random transforms", () => {
  it("randomCrop makes all (2p+1)² shifts equally often", () => {
    const crop = randomCrop({ padding: 1 });
    const rng = new Rng(11);
    const counts = new Array<number>(9).fill(0);
    for (let i = 0; i < 9000; i++) {
      const pixels = new Uint8Array(9);
      pixels[4] = 1;
      crop.apply(pixels, [3, 3, 1], rng);
      counts[pixels.indexOf(1)]++;
    }
    const chi = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi).toBeLessThan(8 + 4 * Math.sqrt(16));
  });
  it("horizontalFlip flips with its probability", () => {
    for (const p of [0, 0.5, 0.9, 1]) {
      const flip = horizontalFlip({ p });
      const rng = new Rng(12);
      let flipped = 0;
      for (let i = 0; i < 10_000; i++) {
        const pixels = Uint8Array.of(1, 2);
        flip.apply(pixels, [1, 2, 1], rng);
        flipped += pixels[0] === 2 ? 1 : 0;
      }
      expect(Math.abs(flipped - 10_000 * p)).toBeLessThanOrEqual(4 * Math.sqrt(10_000 * p * (1 - p)));
    }
  });
  it("refuses bad options", () => {
    expect(() => randomCrop({ padding: -1 })).toThrow(ArgumentError);
    expect(() => randomCrop({ padding: 0.5 })).toThrow(ArgumentError);
    expect(() => randomCrop({ fill: 256 })).toThrow(ArgumentError);
    expect(() => horizontalFlip({ p: 1.1 })).toThrow(ArgumentError);
    expect(() => horizontalFlip({ p: Number.NaN })).toThrow(ArgumentError);
  });
});

describe("normalize", () => {
  it("is (x/255 − mean)/std per channel, rounded once", () => {
    const pixels = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
    const mean = [0.4914, 0.4822, 0.4465];
    const std = [0.2023, 0.1994, 0.201];
    const out = normalize(pixels, mean, std);
    for (let i = 0; i < 768; i++) expect(out[i]).toBe(Math.fround((pixels[i] / 255 - mean[i % 3]) / std[i % 3]));
  });
  it("refuses what does not fit", () => {
    expect(() => normalize(new Uint8Array(4), [0, 0, 0], [1, 1, 1])).toThrow(ArgumentError);
    expect(() => normalize(new Uint8Array(4), [0, 0], [1])).toThrow(ArgumentError);
    expect(() => normalize(new Uint8Array(4), [0], [0])).toThrow(ArgumentError);
    expect(() => normalize(new Uint8Array(4), [], [])).toThrow(ArgumentError);
  });
});
