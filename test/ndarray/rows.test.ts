/** @file A row's result depends on the row alone: not on the batch around it, its place in it, or how chunks fall. */
import { describe, expect, test } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { convForward, packWeights } from "../../src/ndarray/convolve/conv.js";
import { rowsTimesTransposed } from "../../src/ndarray/linear.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { convolution } from "../../src/ops/conv.js";

const rng = new Rng("rows");
const random = (shape: number[]): NDArray => {
  const out = NDArray.empty(shape);
  rng.fillNormal(out.view() as Float32Array, 0, 1);
  return out;
};

/** The same bits for every copy of one example in batches of several sizes. */
function checkBatches(example: NDArray, sizes: readonly number[], run: (batch: NDArray) => NDArray): void {
  const alone = Array.from(run(example).toTypedArray());
  for (const size of sizes) {
    scope(() => {
      const batch = NDArray.empty([size, ...example.shape.slice(1)]);
      for (let n = 0; n < size; n++) batch.view().set(example.view(), n * example.size);
      const flat = run(batch).toTypedArray();
      for (let n = 0; n < size; n++) {
        const part = Array.from(flat.subarray(n * alone.length, (n + 1) * alone.length));
        expect(part, `example ${n} of ${size}`).toEqual(alone);
      }
    });
  }
}

describe("a row's bits do not depend on the batch", () => {
  for (const [inputs, outputs] of [
    [3, 5],
    [64, 10],
    [301, 33],
  ]) {
    test(`linear ${inputs} → ${outputs}`, () => {
      scope(() => {
        const weight = random([outputs, inputs]);
        checkBatches(random([1, inputs]), [2, 3, 5, 8, 13, 64, 129], (x) => rowsTimesTransposed(x, weight));
      });
    });
  }
  const layers = [
    { w: [6, 3, 3, 3], hw: 5, options: {} },
    { w: [16, 32, 3, 3], hw: 12, options: { padding: 1 } }, // chunks end inside an image
    { w: [8, 8, 1, 1], hw: 6, options: {} },
    { w: [8, 1, 3, 3], hw: 6, options: { groups: 8, padding: 1 } },
    { w: [8, 4, 3, 3], hw: 6, options: { groups: 2 } },
  ];
  for (const { w, hw, options } of layers) {
    test(`conv2d [${w}] ${JSON.stringify(options)}`, () => {
      scope(() => {
        const packed = packWeights(random(w));
        const channels = w[1] * ("groups" in options ? (options.groups ?? 1) : 1);
        checkBatches(random([1, hw, hw, channels]), [2, 7, 40], (x) =>
          convForward(x, packed, convolution("conv2d", x.shape, w, options)),
        );
      });
    });
  }
});
