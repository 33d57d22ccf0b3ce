/**
 * @file Losses that compare a prediction with a target element by element. Each element in f64; sums run in f64 and are
 * rounded once.
 */
import { above, anything, check, type OptionRules } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { exp, log1p } from "../core/math.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { NDArray } from "../ndarray/ndarray.js";
import { checkReduction, type Reduction } from "./loss-reduction.js";
import type { OpDef } from "./op.js";

/** What every loss of this kind takes. */
export interface LossOptions {
  /** Default `mean`, over all elements. */
  readonly reduction?: Reduction;
}

/** One element: its loss, and the loss's derivatives by prediction and target. */
interface Element {
  value(x: number, t: number): number;
  slope(x: number, t: number): number;
  targetSlope(x: number, t: number): number;
}

/** Refuses shapes that differ: broadcasting a target is almost always a mistake. */
export function checkPair(op: string, prediction: NDArray, target: NDArray): Shape {
  floatTypeOf(op, prediction, target);
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError({
      op,
      what: "shapes differ",
      expected: shapeText(prediction.shape),
      got: shapeText(target.shape),
      hint: "broadcasting a target is almost always a mistake: use broadcastTo if you mean it",
    });
  }
  return prediction.shape;
}

/** An op of one element's rule. @param elementOf checks the attributes and makes the rule */
function pointwiseLoss<Attrs extends LossOptions>(
  name: string,
  elementOf: (attrs: Attrs) => Element,
): OpDef<Attrs, { prediction: NDArray; target: NDArray }> {
  return {
    name,
    shape: ([prediction, target], attrs) => {
      const shape = checkPair(name, prediction, target);
      checkReduction(name, attrs.reduction ?? "mean", shape, prediction.size);
      elementOf(attrs);
      return attrs.reduction === "none" ? shape : [];
    },
    forward: ([prediction, target], attrs, { shape }) => {
      const { reduction = "mean" } = attrs;
      const { value } = elementOf(attrs);
      const y = NDArray.empty(shape, prediction.dtype);
      const [out, x, t] = [y.view(), prediction.view(), target.view()];
      let total = 0;
      for (let i = 0; i < x.length; i++) {
        const loss = value(x[i], t[i]);
        if (reduction === "none") out[i] = loss;
        else total += loss;
      }
      if (reduction !== "none") out[0] = reduction === "sum" ? total : total / x.length;
      return { y, saved: { prediction, target } };
    },
    backward: (dy, { prediction, target }, attrs, { needs }) => {
      const { reduction = "mean" } = attrs;
      const { slope, targetSlope } = elementOf(attrs);
      const gradient = (rule: Element["slope"]): NDArray => {
        const dx = NDArray.empty(prediction.shape, prediction.dtype);
        const [out, x, t, seed] = [dx.view(), prediction.view(), target.view(), dy.view()];
        for (let i = 0; i < out.length; i++) {
          const share = reduction === "none" ? seed[i] : reduction === "sum" ? seed[0] : seed[0] / out.length;
          // An element that counts for nothing has no gradient, whatever its difference is.
          out[i] = share === 0 ? 0 : rule(x[i], t[i]) * share;
        }
        return dx;
      };
      return [needs[0] ? gradient(slope) : null, needs[1] ? gradient(targetSlope) : null];
    },
  };
}

/** A rule that depends on d = x − t alone. */
function ofDifference(value: (d: number) => number, slope: (d: number) => number): Element {
  return {
    value: (x, t) => value(x - t),
    slope: (x, t) => slope(x - t),
    targetSlope: (x, t) => -slope(x - t),
  };
}

const ABSOLUTE = ofDifference(Math.abs, Math.sign);

/** |prediction − target|; derivative sign, 0 at 0. */
export const l1Loss = pointwiseLoss<LossOptions>("l1Loss", () => ABSOLUTE);

/** Options of the Huber loss. */
export interface HuberOptions extends LossOptions {
  /** δ > 0: where the parabola becomes a line. Default 1. */
  readonly delta?: number;
}

/** ½d² for |d| ≤ δ, else δ(|d| − ½δ), d = prediction − target. */
export const huberLoss = pointwiseLoss<HuberOptions>("huberLoss", ({ delta = 1 }) => {
  check("huberLoss", "delta", delta, above(0));
  return ofDifference(
    (d) => (Math.abs(d) <= delta ? 0.5 * d * d : delta * (Math.abs(d) - 0.5 * delta)),
    (d) => Math.max(-delta, Math.min(delta, d)),
  );
});

/** Options of the binary cross entropy. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** p > 0: how much a target of 1 counts beside one of 0. Default 1. */
  readonly positiveWeight?: number;
}

/** ln(1 + e^x) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + log1p(exp(-Math.abs(x)));
}

/** 1/(1 + e^−x) without overflow. */
function logistic(x: number): number {
  const e = exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/** −p·t·ln s(x) − (1 − t)·ln(1 − s(x)), s(x) = 1/(1 + e^−x), p the positive weight; t is any real number. */
export const binaryCrossEntropy = pointwiseLoss<BinaryCrossEntropyOptions>(
  "binaryCrossEntropy",
  ({ positiveWeight: p = 1 }) => {
    check("binaryCrossEntropy", "positiveWeight", p, above(0));
    return {
      value: (x, t) => (t === 0 ? 0 : p * t * softplus(-x)) + (t === 1 ? 0 : (1 - t) * softplus(x)),
      slope: (x, t) => (1 - t) * logistic(x) - p * t * logistic(-x),
      targetSlope: (x) => p * softplus(-x) - softplus(x),
    };
  },
);

/** What each option of these losses must be. */
export const LOSS_OPTIONS: OptionRules<LossOptions> = { reduction: anything };
/** {@link LOSS_OPTIONS} of the Huber loss. */
export const HUBER_OPTIONS: OptionRules<HuberOptions> = { ...LOSS_OPTIONS, delta: anything };
/** {@link LOSS_OPTIONS} of the binary cross entropy. */
export const BINARY_CROSS_ENTROPY_OPTIONS: OptionRules<BinaryCrossEntropyOptions> = {
  ...LOSS_OPTIONS,
  positiveWeight: anything,
};
