/**
 * @file Sample losses and coarse gradients through the engine: the chain rule is autograd's, the proxy is a custom
 * backward rule.
 */

import { defineOp } from "../autograd/define.js";
import { tensor } from "../autograd/functions/creation.js";
import type { Variable } from "../autograd/graph.js";
import type { Tensor } from "../autograd/tensor.js";
import { check } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";
import { scope } from "../memory/scope.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { CoarseProxy } from "../quant/proxy.js";
import { checkPair, type TwoLayer } from "./model.js";
import { isProxy } from "./vector.js";

/**
 * The binary unit 1{x > 0} as an op: its backward is the proxy's derivative, called as `dx(x, 1, 1)`, a 1-bit staircase
 * with α = 1.
 *
 * @gradient coarse (proxy)
 * @see BCGD §2 (coarse gradient)
 * @example
 * binaryStep([x], reluProxy).sum().backward();
 */
export const binaryStep: (inputs: readonly Variable[], proxy: CoarseProxy) => Tensor = defineOp<
  CoarseProxy,
  { x: NDArray }
>({
  name: "binaryStep",
  coarse: true,
  shape: ([x], proxy) => {
    floatTypeOf("binaryStep", x);
    check("binaryStep", "proxy", proxy, isProxy);
    return x.shape;
  },
  forward: ([x]) => ({
    y: NDArray.from(
      x.view().map((value) => (value > 0 ? 1 : 0)),
      x.shape,
      x.dtype,
    ),
    saved: { x },
  }),
  backward: (dy, { x }, proxy) => {
    // Copies: the user's function may allocate, and growth of the heap would detach views.
    const values = x.toTypedArray();
    const grads = dy.toTypedArray();
    for (let i = 0; i < grads.length; i++) {
      const slope = proxy.dx(values[i], 1, 1);
      grads[i] = slope === 0 ? 0 : grads[i] * slope;
    }
    return [NDArray.from(grads, x.shape, x.dtype)];
  },
});

/** Losses and gradients of single samples, row-major. */
export interface SampleGradients {
  /** Number of samples B. */
  readonly samples: number;
  /** ½(y − y*)², [B]. */
  readonly loss: Float64Array;
  /** ∂loss/∂v, [B, m]: exact almost everywhere. */
  readonly v: Float64Array;
  /** Coarse gradient in w, [B, n]. */
  readonly w: Float64Array;
}

/**
 * Loss and gradients of each of B samples, all from one backward pass: every sample has its own copy of v and w, so
 * that nothing is summed.
 *
 * g_μ = Zᵀ(μ′(Zw) ⊙ v)(vᵀσ(Zw) − v*ᵀσ(Zw*)) for each Z; computed in f64.
 *
 * @param inputs B matrices Z, [B, m, n] row-major
 * @param proxy μ′, called as `dx(x, 1, 1)`
 * @gradient coarse (proxy) in w
 * @throws ArgumentError on non-finite numbers; ShapeError if the sizes do not fit
 * @see BCGD §2 (coarse gradient)
 */
export function sampleGradients(
  student: TwoLayer,
  teacher: TwoLayer,
  inputs: Float64Array,
  proxy: CoarseProxy,
): SampleGradients {
  checkPair("sampleGradients", student, teacher);
  check("sampleGradients", "inputs", inputs, (value) => (kindOf(value) === "Float64Array" ? null : "a Float64Array"));
  check("sampleGradients", "proxy", proxy, isProxy);
  const m = student.v.length;
  const n = student.w.length;
  const samples = inputs.length / (m * n);
  if (!Number.isInteger(samples) || samples === 0) {
    throw new ShapeError({
      op: "sampleGradients",
      what: "number of inputs",
      expected: `a multiple of m·n = ${m * n}`,
      got: `${inputs.length}`,
    });
  }
  return scope(() => {
    const z = tensor(inputs, { shape: [samples, m, n] });
    const v = tensor(repeated(student.v, samples), { shape: [samples, m], requiresGrad: true });
    const w = tensor(repeated(student.w, samples), { shape: [samples, 1, n], requiresGrad: true });
    const target = outputs(z, tensor(Float64Array.from(teacher.v)), tensor(Float64Array.from(teacher.w)), proxy);
    const residual = outputs(z, v, w, proxy).sub(target);
    const loss = residual.mul(residual).mul(0.5);
    loss.sum().backward();
    return {
      samples,
      loss: numbers(loss),
      v: numbers(v.grad),
      w: numbers(w.grad),
    };
  });
}

/** vᵀσ(Zw) for each sample: z [B, m, n], v [B, m] or [m], w [B, 1, n] or [n]. */
function outputs(z: Tensor, v: Tensor, w: Tensor, proxy: CoarseProxy): Tensor {
  return binaryStep([z.mul(w).sum(-1)], proxy)
    .mul(v)
    .sum(-1);
}

function repeated(values: readonly number[], times: number): Float64Array {
  const out = new Float64Array(values.length * times);
  for (let i = 0; i < out.length; i++) out[i] = values[i % values.length];
  return out;
}

function numbers(values: Tensor | null): Float64Array {
  if (values === null) throw new ArgumentError({ op: "sampleGradients", what: "internal: no gradient came" });
  return Float64Array.from(values.toTypedArray());
}

/**
 * Mean loss ½(y − y*)² of samples; an estimate of the population loss.
 *
 * @param inputs B matrices Z, [B, m, n] row-major
 * @throws as {@link sampleGradients}
 */
export function sampleLoss(student: TwoLayer, teacher: TwoLayer, inputs: Float64Array): number {
  const { loss } = sampleGradients(student, teacher, inputs, { name: "none", dx: () => 0 });
  return loss.reduce((sum, x) => sum + x, 0) / loss.length;
}
