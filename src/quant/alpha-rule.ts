/** @file Derivatives of the staircase in its step α, as values. */

const { ceil, fround, min } = Math;

/**
 * A rule for ∂σ/∂α, summed over all elements: dα = Σ dy·∂σ/∂α(x). Users pass their own object with a `name` and a
 * `dalpha`.
 *
 * @see BCGD §3
 */
export interface AlphaRule {
  /** Name in messages and in configurations. */
  readonly name: string;
  /** The kernel that computes it; left out for users' own, which run through `dalpha` one by one. */
  readonly kernelId?: number;
  /** ∂σ/∂α at x. @param alpha the step, an f32 number @param top L = 2^bits − 1 */
  dalpha(x: number, alpha: number, top: number): number;
}

/**
 * 2^(bits−1), the mean of 1…L, for 0 < x ≤ Lα; L above; 0 for x ≤ 0. Lα is rounded to f32 once.
 *
 * @gradient coarse (three-valued)
 * @see BCGD §3 (three-valued)
 */
export const threeValued: AlphaRule = {
  name: "three-valued",
  kernelId: 0,
  dalpha: (x, alpha, top) => (!(x > 0) ? 0 : x > fround(top * alpha) ? top : (top + 1) / 2),
};

/**
 * The exact derivative almost everywhere: ⌈x/α⌉ for 0 < x ≤ (L−1)α, L above, 0 for x ≤ 0; with rounding to nearest, the
 * code.
 *
 * @gradient exact almost everywhere (ae)
 * @see BCGD §3 (ae)
 */
export const almostEverywhere: AlphaRule = {
  name: "ae",
  kernelId: 1,
  dalpha: (x, alpha, top) => (x > 0 ? min(ceil(fround(x / alpha)), top) : 0),
};

/**
 * L for x > Lα, else 0 (Choi et al. 2018). Lα is rounded to f32 once.
 *
 * @gradient coarse (pact)
 * @see BCGD §3 (pact)
 */
export const pact: AlphaRule = {
  name: "pact",
  kernelId: 2,
  dalpha: (x, alpha, top) => (x > fround(top * alpha) ? top : 0),
};

/** The built-in rules by name. */
export const alphaRules: Readonly<Record<string, AlphaRule>> = {
  "three-valued": threeValued,
  ae: almostEverywhere,
  pact,
};
