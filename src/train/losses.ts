/** @file Losses by name, as objects, or as functions of your own; what targets each takes. */
import type { Tensor } from "../autograd/tensor.js";
import { Tensor as TensorClass } from "../autograd/tensor.js";
import { describe, refuse } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { sameShape, shapeText } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { type ExampleArray, toNDArray } from "../data/examples.js";
import { NDArray } from "../ndarray/ndarray.js";
import { BinaryCrossEntropyLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss } from "../nn/loss.js";

const LOSSES = {
  crossEntropy: CrossEntropyLoss,
  binaryCrossEntropy: BinaryCrossEntropyLoss,
  mse: MSELoss,
  l1: L1Loss,
  huber: HuberLoss,
} as const;

/** Names of built-in losses. */
export type LossName = keyof typeof LOSSES;

/** A loss of your own: one number for the batch, or one for each example or element, whose mean is taken. */
export type LossFunction = (output: Tensor, target: Tensor) => Tensor;

/**
 * What `fit` minimizes: a name, an object such as `new HuberLoss({ delta: 2 })`, or a function; with a teacher besides:
 * `distillation(teacher)`.
 */
export type Loss = LossName | CrossEntropyLoss | BinaryCrossEntropyLoss | MSELoss | L1Loss | HuberLoss | LossFunction;

/** A loss, ready for batches. */
export interface ResolvedLoss {
  /** Whether targets are class numbers. Null: as they were given. */
  readonly classes: boolean | null;
  /** The mean over a batch; with weights Σ w·l / Σ w. */
  of(output: Tensor, target: Tensor, weights: Float32Array | null): Tensor;
}

/** @throws ArgumentError on what is no loss */
export function resolveLoss(op: string, loss: Loss): ResolvedLoss {
  if (typeof loss === "function")
    return { classes: null, of: (output, target, weights) => weightedMean(op, loss(output, target), output, weights) };
  const known = typeof loss === "string" && Object.hasOwn(LOSSES, loss) ? new LOSSES[loss]() : loss;
  const type = Object.values(LOSSES).find((each) => (known as object) instanceof each);
  if (typeof known === "string" || type === undefined) {
    return refuse(op, "loss", `${Object.keys(LOSSES).join(", ")}, a loss object, or a function`, loss);
  }
  const options = { ...known.options } as { reduction?: "mean" | "sum" | "none" };
  if (options.reduction !== undefined && options.reduction !== "mean") {
    refuse(op, "loss.reduction", "mean: sums depend on the size of batches", options.reduction);
  }
  const each = new (type as typeof MSELoss)({ ...options, reduction: "none" });
  return {
    classes: type === CrossEntropyLoss,
    of: (output, target, weights) =>
      weights === null
        ? known.forward(output, target)
        : weightedMean(op, each.forward(output, target), output, weights),
  };
}

/** The mean of losses of examples or elements, by weights of examples. */
export function weightedMean(op: string, loss: Tensor, output: Tensor, weights: Float32Array | null): Tensor {
  if (!(loss instanceof TensorClass)) refuse(op, "loss", "a tensor from the loss function", loss);
  if (weights === null) return loss.size === 1 ? loss.reshape([]) : loss.mean();
  const count = output.shape[0];
  if (loss.rank === 0 || loss.shape[0] !== count) {
    throw new ShapeError({
      op,
      what: "a loss of one number cannot be weighted",
      expected: `one for each of ${count} examples`,
      got: shapeText(loss.shape),
    });
  }
  const rows = loss.size === count ? loss.reshape([count]) : loss.reshape([count, loss.size / count]).mean(-1);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // A batch of examples that count for nothing: zeros, and no gradient.
  return rows
    .mul(new TensorClass(NDArray.from(weights, [count])))
    .sum()
    .div(total === 0 ? 1 : total);
}

/**
 * Targets in the open scope, of the type and, where an axis of one element is all that differs, the shape that the loss
 * wants.
 * @throws ArgumentError
 */
export function targetTensor(targets: ExampleArray, output: Tensor, { classes }: ResolvedLoss): Tensor {
  if (classes === null) return new TensorClass(toNDArray(targets));
  if (classes) return new TensorClass(NDArray.from(classNumbers(targets), targets.shape, "i32"));
  const { shape, data, step } = targets;
  const values = step === undefined ? data : Float32Array.from(data as Uint8Array, (code) => code * step);
  const fits = sameShape([...shape, 1], output.shape) || sameShape(shape, [...output.shape, 1]);
  return new TensorClass(NDArray.from(values, fits ? output.shape : shape, "f32"));
}

/** Targets as class numbers. @throws ArgumentError naming the first that is none */
export function classNumbers({ data }: ExampleArray): Int32Array {
  if (kindOf(data) === "Int32Array") return data as Int32Array;
  const bad = data.findIndex((value) => !Number.isInteger(value));
  if (bad < 0) return Int32Array.from(data);
  throw new ArgumentError({
    op: "crossEntropy",
    what: `target ${bad} is no class number`,
    expected: "integers from 0",
    got: describe(data[bad]),
    hint: "numbers are learned by loss mse, l1 or huber",
  });
}
