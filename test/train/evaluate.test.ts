/** @file Evaluation: hits, loss, modes, and independence of the batch size. */
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { imageDataset } from "../../src/data/dataset.js";
import { digits } from "../../src/data/digits.js";
import { scope } from "../../src/memory/scope.js";
import { mlp } from "../../src/models/mlp.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Module } from "../../src/nn/module.js";
import { evaluate } from "../../src/train/evaluate.js";
import { countHits, imageTensor, labelTensor } from "../../src/train/input.js";
import { disposeLater } from "../leaks.js";

describe("input", () => {
  it("is coded in steps of f32(1/255)", () => {
    scope(() => {
      const x = imageTensor(Uint8Array.from([0, 1, 255, 7]), [1, 2, 2, 1]);
      expect([x.data.dtype, x.data.step]).toEqual(["u8", Math.fround(1 / 255)]);
      expect(Array.from(x.toTypedArray())).toEqual([0, 1, 255, 7].map((v) => Math.fround(Math.fround(1 / 255) * v)));
      expect(labelTensor(Int32Array.from([3, 1])).dtype).toBe("i32");
    });
  });
});

describe("hits", () => {
  const count = (rows: number[][], labels: number[]) =>
    scope(() =>
      countHits(new Tensor(NDArray.from(rows.flat(), [rows.length, rows[0].length], "f32")), Int32Array.from(labels)),
    );
  it("count the label among the largest; the first of equals wins", () => {
    const row = [5, 1, 4, 9, 2, 3, 8, 0];
    expect(count([row, row, row, row], [3, 5, 0, 2])).toEqual({ top1: 1, top5: 4 });
    expect(count([row], [4])).toEqual({ top1: 0, top5: 0 });
    expect(
      count(
        [
          [1, 1],
          [1, 1],
        ],
        [0, 1],
      ),
    ).toEqual({ top1: 1, top5: 2 });
  });
  it("NaN never scores", () => {
    expect(count([[Number.NaN, Number.NaN]], [0])).toEqual({ top1: 0, top5: 0 });
    expect(count([[Number.NaN, 1]], [1])).toEqual({ top1: 0, top5: 1 });
  });
});

/** Gives pixel c as the logit of class c, and notes the modes that it ran in. */
class Pixels extends Module {
  modes: boolean[] = [];
  inner: Module | null = null;
  override forward(x: Tensor): Tensor {
    this.modes.push(this.training);
    return x.reshape([x.shape[0], 4]).mul(255);
  }
}

const pictures = imageDataset({
  name: "pictures",
  classes: 4,
  shape: [2, 2, 1],
  images: Uint8Array.from([9, 0, 0, 0, 0, 0, 9, 0, 3, 3, 0, 0]),
  labels: Uint8Array.from([0, 1, 1]),
});

describe("evaluate", () => {
  it("gives accuracy and mean cross-entropy", async () => {
    const net = new Pixels();
    const seen: number[] = [];
    const result = await evaluate(net, pictures, {
      batch: 2,
      onProgress: ({ images, total }) => seen.push(images, total),
    });
    const loss = (row: number[], label: number) => Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[label];
    expect(result.loss).toBeCloseTo((loss([9, 0, 0, 0], 0) + loss([0, 0, 9, 0], 1) + loss([3, 3, 0, 0], 1)) / 3, 5);
    expect(result).toMatchObject({ top1: 1 / 3, top5: 1, images: 3 });
    expect(result.imagesPerSecond).toBeGreaterThan(0);
    expect(seen).toEqual([2, 3, 3, 3]);
    expect(net.modes).toEqual([false, false]);
    expect(net.training).toBe(true);
  });
  it("does not depend on the batch size, records nothing and puts modes back", async () => {
    const { test } = digits({ train: 0, test: 50 });
    const net = disposeLater(mlp({ sizes: [784, 16, 10], rng: new Rng(1) }));
    net.act[0].training = false;
    const [a, b] = [await evaluate(net, test, { batch: 7 }), await evaluate(net, test, { batch: 50 })];
    expect(a.top1).toBe(b.top1);
    expect(a.loss).toBe(b.loss);
    expect(net.parameters().every((parameter) => parameter.grad === null)).toBe(true);
    expect([net.training, net.act[0].training]).toEqual([true, false]);
  });
  it("stops when told and puts modes back", async () => {
    const net = new Pixels();
    const control = new AbortController();
    const running = evaluate(net, pictures, {
      batch: 1,
      signal: control.signal,
      onProgress: () => control.abort(new Error("enough")),
    });
    await expect(running).rejects.toThrow("enough");
    expect([net.training, net.modes]).toEqual([true, [false]]);
  });
});
