/** @file Coarse derivatives of the staircase in its input, as values. */

const { fround } = Math;

/**
 * A stand-in for ∂σ/∂x in the backward pass: dx = dy·μ′(x). Users pass their own object with a `name` and a `dx`.
 *
 * @see BCGD §3
 */
export interface CoarseProxy {
  /** Name in messages and in configurations. */
  readonly name: string;
  /** The kernel that computes it; left out for users' own, which run through `dx` one by one. */
  readonly kernelId?: number;
  /** μ′(x). @param alpha the step, an f32 number @param top L = 2^bits − 1 */
  dx(x: number, alpha: number, top: number): number;
}

/**
 * 1 for 0 < x ≤ Lα, else 0: open at 0, closed at Lα, which is rounded to f32 once.
 *
 * @gradient coarse (clipped-relu)
 * @see BCGD §3 (clipped-relu)
 */
export const clippedReLU: CoarseProxy = {
  name: "clipped-relu",
  kernelId: 0,
  dx: (x, alpha, top) => (x > 0 && x <= fround(top * alpha) ? 1 : 0),
};

/**
 * 1 for x > 0, else 0.
 *
 * @gradient coarse (relu)
 * @see BCGD §3 (relu)
 */
export const reluProxy: CoarseProxy = { name: "relu", kernelId: 1, dx: (x) => (x > 0 ? 1 : 0) };

/**
 * 1 everywhere: the plain straight-through estimator, unstable near good minima at low bits.
 *
 * @gradient coarse (identity)
 * @see BCGD §3 (identity)
 */
export const identityProxy: CoarseProxy = { name: "identity", kernelId: 2, dx: () => 1 };

/** The built-in proxies by name. */
export const proxies: Readonly<Record<string, CoarseProxy>> = {
  "clipped-relu": clippedReLU,
  relu: reluProxy,
  identity: identityProxy,
};
