/** @file From a batch of 8-bit images to what a network takes, and from logits to hits. */
import { Tensor } from "../autograd/tensor.js";
import { rankOf } from "../codes/ranking.js";
import { PIXEL_STEP } from "../codes/scales.js";
import { check, checkBytes, instanceOf, integer, refuse } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { NDArray } from "../ndarray/ndarray.js";

/**
 * Images as a coded tensor of real values f32(1/255)·pixel, which the first layer multiplies exactly.
 *
 * @param images pixels, row-major
 * @param shape [N,H,W,C]
 * @returns a tensor that the open scope (or the caller) owns
 * @throws DTypeError unless the images are bytes; ShapeError
 */
export function imageTensor(images: Uint8Array, shape: readonly number[]): Tensor {
  return new Tensor(NDArray.from(checkBytes("imageTensor", "images", images), shape, "u8", PIXEL_STEP));
}

/** Labels as an i32 tensor [N]. @throws ArgumentError unless they are integers */
export function labelTensor(labels: ArrayLike<number>): Tensor {
  checkLabelList("labelTensor", labels);
  return new Tensor(NDArray.from(labels, [labels.length], "i32"));
}

/** How many of a batch are right. */
export interface Hits {
  /** The label has the largest logit (the first of equals counts). */
  top1: number;
  /** The label is among the five largest. */
  top5: number;
}

/** How many logits of other classes rank above the label's, for each row. */
function ranks(logits: Tensor, labels: ArrayLike<number>): number[] {
  const values = logits.value.view();
  const classes = logits.shape[logits.rank - 1];
  return Array.from(labels, (label, row) => rankOf(values, label, row * classes, classes));
}

/** Which rows of logits have the label's as the largest; see {@link countHits}. */
export function hitRows(logits: Tensor, labels: ArrayLike<number>): boolean[] {
  return ranks(logits, labels).map((above) => above < 1);
}

/**
 * Counts hits of logits [N, classes]. A logit that is NaN outranks all others, so that a broken network scores nothing.
 *
 * @param labels [N], each in 0 … classes − 1
 * @throws ArgumentError, ShapeError unless there is one label for each row
 */
export function countHits(logits: Tensor, labels: ArrayLike<number>): Hits {
  checkHits(logits, labels);
  const hits = { top1: 0, top5: 0 };
  for (const above of ranks(logits, labels)) {
    if (above < 1) hits.top1++;
    if (above < 5) hits.top5++;
  }
  return hits;
}

function checkHits(logits: Tensor, labels: ArrayLike<number>): void {
  check("countHits", "logits", logits, instanceOf(Tensor, "a tensor"));
  checkLabelList("countHits", labels);
  const [rows, classes] = logits.shape;
  if (logits.rank !== 2 || rows !== labels.length) {
    throw new ShapeError({
      op: "countHits",
      what: "logits do not fit the labels",
      expected: `[${labels.length},classes]`,
      got: shapeText(logits.shape),
    });
  }
  for (let row = 0; row < rows; row++) check("countHits", `label ${row}`, labels[row], integer(0, classes - 1));
}

function checkLabelList(op: string, labels: ArrayLike<number>): void {
  if (!Array.isArray(labels) && kindOf(labels) === null) refuse(op, "labels", "class numbers, an Int32Array", labels);
}
