/**
 * @file The generated digits: the same bytes everywhere, independent of the counts, varied, and neither trivial nor
 * hopeless.
 */
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { exp } from "../../src/core/math.js";
import { Rng } from "../../src/core/rng.js";
import { sha256Hex } from "../../src/core/sha256.js";
import { type ImageDataset, labelHistogram } from "../../src/data/dataset.js";
import { digits } from "../../src/data/digits.js";
import { GLYPHS } from "../../src/data/glyphs.js";
import { datasetInfo } from "../../src/data/registry.js";

describe("digits", () => {
  it("has these bytes on every machine", () => {
    const { train, test } = digits({ train: 300, test: 100, seed: 1 });
    expect(sha256Hex(train.images)).toBe("dcabb137ebbe30bb1f0a44aaa4bbe4d8a4970c28a588732e42ad0173c5fbe654");
    expect(sha256Hex(test.images)).toBe("99f61181e228a7c274335735de1e9294a84f667f77fad702fbdc418dd1236287");
  });
  it("does not change images when more are asked for", () => {
    const few = digits({ train: 30, test: 7, seed: "s" });
    const many = digits({ train: 50, test: 90, seed: "s" });
    expect(many.train.images.slice(0, few.train.images.length)).toEqual(few.train.images);
    expect(many.test.images.slice(0, few.test.images.length)).toEqual(few.test.images);
  });
  it("depends on the seed, and its parts differ", () => {
    const a = digits({ train: 20, test: 20, seed: 1 });
    const b = digits({ train: 20, test: 20, seed: 2 });
    expect(a.train.images).not.toEqual(b.train.images);
    expect(a.train.images).not.toEqual(a.test.images);
  });
  it("has 6000 and 1000 images of 28×28×1 by default, all classes alike", () => {
    const { train, test } = digits();
    expect([train.count, test.count, train.name, test.name]).toEqual([6000, 1000, "digits/train", "digits/test"]);
    expect(train.images.length).toBe(6000 * 784);
    expect(labelHistogram(train)).toEqual(new Array(10).fill(600));
    expect(labelHistogram(test)).toEqual(new Array(10).fill(100));
    // The registry's normalization constants are measured ones.
    let sum = 0;
    let squares = 0;
    for (const x of train.images) {
      sum += x / 255;
      squares += (x / 255) ** 2;
    }
    const mean = sum / train.images.length;
    const std = Math.sqrt(squares / train.images.length - mean * mean);
    const info = datasetInfo("digits");
    expect(mean).toBeCloseTo(info.mean[0], 4);
    expect(std).toBeCloseTo(info.std[0], 4);
    expect([train.count, test.count]).toEqual([info.train, info.test]);
  });
  it("draws every image: ink inside, no two alike", () => {
    const { train } = digits({ train: 1000, test: 0 });
    const seen = new Set<string>();
    for (let n = 0; n < train.count; n++) {
      const image = train.images.subarray(n * 784, (n + 1) * 784);
      const ink = image.reduce((count, x) => count + (x > 100 ? 1 : 0), 0);
      expect(ink, `image ${n}`).toBeGreaterThan(8);
      expect(ink, `image ${n}`).toBeLessThan(784 / 2);
      seen.add(sha256Hex(image));
    }
    expect(seen.size).toBe(1000);
  });
  it.each([-1, 1.5, Number.NaN, Infinity])("refuses %d images", (train) => {
    expect(() => digits({ train })).toThrow(ArgumentError);
  });
});

describe("glyphs", () => {
  it("have strokes of two points or more, inside the unit box", () => {
    expect(GLYPHS.length).toBe(10);
    for (const { points, strokes } of GLYPHS.flat()) {
      for (const x of points) expect(x >= 0 && x <= 1).toBe(true);
      for (const stroke of strokes) {
        expect(stroke.length).toBeGreaterThanOrEqual(2);
        for (const p of stroke) expect(Number.isInteger(p) && p >= 0 && 2 * p + 1 < points.length).toBe(true);
      }
    }
  });
});

/** Test accuracy of softmax regression trained by minibatch gradient descent. */
function linearAccuracy(train: ImageDataset, test: ImageDataset, epochs: number): number {
  const size = 784;
  const rng = new Rng(5);
  const weights = new Float64Array(10 * (size + 1));
  const scores = new Float64Array(10);
  const score = (images: Uint8Array, n: number) => {
    for (let k = 0; k < 10; k++) {
      let sum = weights[k * (size + 1) + size];
      for (let i = 0; i < size; i++) sum += (weights[k * (size + 1) + i] * images[n * size + i]) / 255;
      scores[k] = sum;
    }
  };
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.02 / (1 + epoch);
    for (const n of rng.permutation(train.count)) {
      score(train.images, n);
      const top = Math.max(...scores);
      const odds = Array.from(scores, (s) => exp(s - top));
      const total = odds.reduce((a, b) => a + b);
      for (let k = 0; k < 10; k++) {
        const step = rate * (odds[k] / total - (train.labels[n] === k ? 1 : 0));
        for (let i = 0; i < size; i++) weights[k * (size + 1) + i] -= (step * train.images[n * size + i]) / 255;
        weights[k * (size + 1) + size] -= step;
      }
    }
  }
  let right = 0;
  for (let n = 0; n < test.count; n++) {
    score(test.images, n);
    right += scores.indexOf(Math.max(...scores)) === test.labels[n] ? 1 : 0;
  }
  return right / test.count;
}

it("a linear classifier learns most of it, but not all", () => {
  const { train, test } = digits();
  const accuracy = linearAccuracy(train, test, 5);
  expect(accuracy).toBeGreaterThan(0.84);
  expect(accuracy).toBeLessThan(0.96);
});
