/** @file The quantized activation as an op: a staircase forward, coarse derivatives backward. */
import { checkBits, staircaseTop } from "../../codes/levels.js";
import type { Rounding } from "../../codes/staircase.js";
import { check } from "../../core/checks.js";
import { DTypeError, QuantError, ShapeError } from "../../core/errors.js";
import { shapeText } from "../../core/shape.js";
import { alphaRuleId, proxyId } from "../../kernels/staircase/rules.js";
import { staircase, staircaseBackward, staircaseStepGradient } from "../../ndarray/activation.js";
import { convert, floatTypeOf } from "../../ndarray/convert.js";
import { NDArray } from "../../ndarray/ndarray.js";
import type { OpDef } from "../../ops/op.js";
import type { AlphaRule } from "../alpha-rule.js";
import type { CoarseProxy } from "../proxy.js";

const { fround } = Math;

/** Attributes of {@link staircaseOp}. */
export interface StaircaseAttrs {
  /** 1…8; L = 2^bits − 1. */
  readonly bits: number;
  /** ∂σ/∂x of the backward pass. */
  readonly proxy: CoarseProxy;
  /** ∂σ/∂α of the backward pass. */
  readonly rule: AlphaRule;
  /** Up, or to the nearest. */
  readonly rounding: Rounding;
}

interface Saved {
  readonly x: NDArray;
  readonly codes: NDArray;
  readonly alpha: number;
}

/** The step as an f32 number. @throws QuantError unless it is finite and positive */
export function checkedAlpha(step: NDArray): number {
  const alpha = fround(step.item());
  if (alpha > 0 && Number.isFinite(alpha)) return alpha;
  throw new QuantError({
    op: "staircase",
    what: "bad step alpha",
    expected: "a finite number > 0",
    got: `${alpha}`,
    hint: "clamp it: Staircase keeps it in [0.001, 5] by its constraint",
  });
}

/**
 * σ(x, α): codes 0…L of real values α·code, as a coded u8 array with step f32(α). Inputs: x (any shape), alpha (one
 * element).
 *
 * Level k for (k−1)α < x ≤ kα: open below, closed above; decided by the f32 quotient x/α, by true division. NaN gives
 * 0.
 *
 * @gradient coarse: dx = dy·proxy.dx, dα = Σ dy·rule.dalpha (summed in f64, rounded once); where a derivative is 0 dy
 * does not count, be it ∞ or NaN
 * @see BCGD §3 (staircase)
 */
export const staircaseOp: OpDef<StaircaseAttrs, Saved> = {
  name: "staircase",
  coarse: true,
  shape: ([x, alpha], { bits, proxy, rule }) => {
    floatTypeOf("staircase", x);
    checkBits("staircase", bits);
    if (proxy?.kernelId !== undefined) check("staircase", "proxy.kernelId", proxy.kernelId, proxyId);
    if (rule?.kernelId !== undefined) check("staircase", "rule.kernelId", rule.kernelId, alphaRuleId);
    if (alpha.size !== 1) {
      throw new ShapeError({ op: "staircase", what: "alpha", expected: "one element", got: shapeText(alpha.shape) });
    }
    if (alpha.dtype !== "f32" && alpha.dtype !== "f64") {
      throw new DTypeError({ op: "staircase", what: "alpha", expected: "f32 or f64", got: alpha.dtype });
    }
    return x.shape;
  },
  forward: ([x, step], { bits, rounding }) => {
    const alpha = checkedAlpha(step);
    const y = staircase(x, alpha, staircaseTop(bits), rounding === "nearest");
    return { y, saved: { x, codes: y, alpha } };
  },
  backward: (incoming, { x, codes, alpha }, { bits, proxy, rule }, { inputs, needs }) => {
    const top = staircaseTop(bits);
    // Gradients of coded arrays are f32 unless the op after them computes in f64; the kernels take one type.
    const dy = incoming.dtype === x.dtype ? incoming : convert(incoming, x.dtype);
    return [
      needs[0] ? inputGradient(dy, x, alpha, top, proxy) : null,
      needs[1] ? stepGradient(dy, { x, codes, alpha }, top, rule, inputs[1]) : null,
    ];
  },
};

function inputGradient(dy: NDArray, x: NDArray, alpha: number, top: number, proxy: CoarseProxy): NDArray {
  if (proxy.kernelId !== undefined) return staircaseBackward(x, dy, alpha, top, proxy.kernelId);
  const dx = NDArray.empty(x.shape, x.dtype);
  // Copies: the user's function may allocate, and growth of the heap would detach views.
  const values = x.toTypedArray();
  const grads = dy.toTypedArray();
  for (let i = 0; i < grads.length; i++) {
    const slope = proxy.dx(values[i], alpha, top);
    // As in the kernels: where nothing passes the gradient is 0, also if dy is not finite.
    grads[i] = slope === 0 ? 0 : grads[i] * slope;
  }
  dx.view().set(grads);
  return dx;
}

function stepGradient(
  dy: NDArray,
  { x, codes, alpha }: Saved,
  top: number,
  rule: AlphaRule,
  input: { shape: readonly number[]; dtype: NDArray["dtype"] },
): NDArray {
  let sum = 0;
  if (rule.kernelId !== undefined) {
    sum = staircaseStepGradient(x, codes, dy, alpha, top, rule.kernelId);
  } else {
    const values = x.toTypedArray();
    const grads = dy.toTypedArray();
    for (let i = 0; i < grads.length; i++) {
      const slope = rule.dalpha(values[i], alpha, top);
      if (slope !== 0) sum += grads[i] * slope;
    }
  }
  return NDArray.from([sum], input.shape, input.dtype);
}
