/** @file Batch normalization joined to the quantized activation behind it, as an op. */
import { staircaseTop } from "../../codes/levels.js";
import { check } from "../../core/checks.js";
import { alphaRuleId, proxyId } from "../../kernels/staircase/rules.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { normalizedStaircase, normalizedStaircaseBackward } from "../../ndarray/normalize.js";
import type { BatchNormTrainAttrs } from "../../ops/norm.js";
import { batchNormRows, checkNormActivation, normGradients } from "../../ops/norm-activation.js";
import type { OpDef } from "../../ops/op.js";
import { checkedAlpha, type StaircaseAttrs, staircaseOp } from "./staircase.js";

/** Attributes of {@link batchNormStaircaseOp}. Proxy and rule are those with kernels. */
export interface BatchNormStaircaseAttrs extends StaircaseAttrs, BatchNormTrainAttrs {}

interface Saved {
  readonly x: NDArray;
  readonly shortcut: NDArray | undefined;
  readonly codes: NDArray;
  readonly rows: NDArray;
  readonly alpha: number;
}

/**
 * σ(batchNorm(x) + shortcut, α) with the batch's own statistics, every step rounded as by the single ops. Inputs: x
 * [..., C], γ [C], β [C], alpha (one element), and maybe a shortcut of x's shape, coded or real.
 *
 * The pre-activations are formed anew in backward instead of being kept.
 *
 * @gradient coarse as `staircase`; the sum for α has another order
 * @see BCGD §3 (staircase)
 */
export const batchNormStaircaseOp: OpDef<BatchNormStaircaseAttrs, Saved> = {
  name: "batchNormStaircase",
  coarse: true,
  coded: true,
  shape: ([x, gamma, beta, alpha, shortcut], attrs) => {
    checkNormActivation([x, gamma, beta], attrs, shortcut);
    const own = "functions of one's own take the single ops";
    check("batchNormStaircase", "proxy.kernelId", attrs.proxy?.kernelId, proxyId, own);
    check("batchNormStaircase", "rule.kernelId", attrs.rule?.kernelId, alphaRuleId, own);
    return staircaseOp.shape([x, alpha], attrs);
  },
  forward: ([x, gamma, beta, step, shortcut], attrs) => {
    const alpha = checkedAlpha(step);
    const rows = batchNormRows(x, gamma, beta, attrs);
    const kernel = { alpha, top: staircaseTop(attrs.bits), nearest: attrs.rounding === "nearest" };
    const codes = normalizedStaircase(x, rows, shortcut, kernel);
    return { y: codes, saved: { x, shortcut, codes, rows, alpha } };
  },
  backward: (dy, { x, shortcut, codes, rows, alpha }, { bits, proxy, rule }, { inputs, needs }) => {
    const kernel = { alpha, top: staircaseTop(bits), proxy: proxy.kernelId as number, rule: rule.kernelId as number };
    let dalpha = 0;
    const grads = normGradients(x, rows, needs, 4, (sums) => {
      dalpha = normalizedStaircaseBackward({ x, shortcut, codes, rows }, dy, kernel, sums);
    });
    const [, gamma, beta, step] = needs;
    const first = [grads.x, gamma ? grads.gamma : null, beta ? grads.beta : null];
    const dstep = step ? NDArray.from([dalpha], inputs[3].shape, inputs[3].dtype) : null;
    return inputs.length === 5 ? [...first, dstep, grads.shortcut] : [...first, dstep];
  },
};
