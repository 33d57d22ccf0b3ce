/** @file Accuracy of packed models: which of equal outputs wins, and what a NaN is worth. */
import { expect, it } from "vitest";
import { imageDataset } from "../../src/data/index.js";
import type { Session } from "../../src/infer/index.js";
import { packedAccuracy } from "../../src/run/packed.js";

/** Percentages on images of the given labels, each of which has the same outputs. */
async function accuracy(outputs: readonly number[], labels: readonly number[]): Promise<[top1: number, top5: number]> {
  const data = imageDataset({
    ...{ name: "points", classes: outputs.length, shape: [1, 1, 1] },
    ...{ images: new Uint8Array(labels.length), labels: Uint8Array.from(labels) },
  });
  const session = {
    inputShape: [1, 1, 1],
    outputShape: [outputs.length],
    run: (images: Uint8Array) => Float32Array.from(Array.from(images, () => outputs).flat()),
  } as unknown as Session;
  const { top1, top5, images } = await packedAccuracy(session, data);
  expect(images).toBe(labels.length);
  return [top1, top5];
}

it("the first of equal outputs wins", async () => {
  const equal = Array<number>(7).fill(2.5);
  expect(await accuracy(equal, [0])).toEqual([100, 100]);
  expect(await accuracy(equal, [1])).toEqual([0, 100]);
  expect(await accuracy(equal, [4])).toEqual([0, 100]);
  expect(await accuracy(equal, [5])).toEqual([0, 0]);
  expect(await accuracy([1, 3, 3, 2], [1, 2])).toEqual([50, 100]);
});

it("a NaN is no answer, and all others come before it", async () => {
  expect(await accuracy([Number.NaN, 1, 0, 0, 0, 0, 0], [0])).toEqual([0, 0]);
  expect(await accuracy([Number.NaN, 1], [1])).toEqual([0, 100]);
});
