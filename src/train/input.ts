/** @file From a batch of 8-bit images to what a network takes, and from logits to hits. */
import { Tensor } from "../autograd/tensor.js";
import { NDArray } from "../ndarray/ndarray.js";

/** Value of pixel code 1: f32(1/255), so that codes 0 … 255 stand for 0 … 1. */
export const PIXEL_STEP = Math.fround(1 / 255);

/**
 * Images as a coded tensor of real values f32(1/255)·pixel, which the first layer multiplies exactly.
 *
 * @param images pixels, row-major
 * @param shape [N,H,W,C]
 * @returns a tensor that the open scope (or the caller) owns
 */
export function imageTensor(images: Uint8Array, shape: readonly number[]): Tensor {
  return new Tensor(NDArray.from(images, shape, "u8", PIXEL_STEP));
}

/** Labels as an i32 tensor [N]. */
export function labelTensor(labels: Int32Array): Tensor {
  return new Tensor(NDArray.from(labels, [labels.length], "i32"));
}

/** How many of a batch are right. */
export interface Hits {
  /** The label has the largest logit (the first of equals counts). */
  top1: number;
  /** The label is among the five largest. */
  top5: number;
}

/**
 * Counts hits of logits [N, classes]. A logit that is NaN outranks all others, so that a broken network scores nothing.
 */
export function countHits(logits: Tensor, labels: Int32Array): Hits {
  const values = logits.value.view();
  const classes = logits.shape[logits.rank - 1];
  const hits = { top1: 0, top5: 0 };
  labels.forEach((label, row) => {
    const own = values[row * classes + label];
    let above = 0;
    for (let c = 0; c < classes; c++) {
      const other = values[row * classes + c];
      if (c !== label && !(other < own || (other === own && c > label))) above++;
    }
    if (Number.isNaN(own)) return;
    if (above < 1) hits.top1++;
    if (above < 5) hits.top5++;
  });
  return hits;
}
