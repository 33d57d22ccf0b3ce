/**
 * @file Best steps of staircases for the positive half of a standard normal variable: where α starts behind a batch
 * norm.
 */
import { checkBits } from "../codes/levels.js";
import type { Rounding } from "../codes/staircase.js";
import { check, describe, oneOf } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";

/**
 * argmin_α E[(σ(x, α) − x)² | x > 0], x standard normal, for 1…8 bits and a staircase that rounds up. Found by
 * golden-section search on the closed form of the expectation (Gaussian integrals over each step).
 */
const CEIL = [
  0.7978845639605725, 0.4865701582646509, 0.28930980850769705, 0.16664068147596933, 0.09382869717972786,
  0.05197083123739196, 0.02841845842359133, 0.01537728564913778,
];

/** The same for a staircase that rounds to nearest. */
const NEAREST = [
  1.224006374188766, 0.6507697235848517, 0.35341132770262507, 0.19324853346146303, 0.1054875867774199,
  0.05726127785521899, 0.030870084409781208, 0.016528156186791286,
];

/** Start values in the authors' code: best for rounding to nearest, though their staircase rounds up. */
const AUTHORS: Readonly<Record<number, number>> = { 1: 1.2221, 2: 0.6511, 4: 0.1946 };

/**
 * The step of a `bits`-bit staircase with least squared error on the positive half of a standard normal variable.
 *
 * @param bits 1…8
 * @throws ArgumentError on other bits
 * @see BCGD §3 (staircase)
 */
export function halfGaussianStep(bits: number, rounding: Rounding = "ceil"): number {
  checkBits("halfGaussianStep", bits);
  check("halfGaussianStep", "rounding", rounding, oneOf("ceil", "nearest"));
  return (rounding === "ceil" ? CEIL : NEAREST)[bits - 1];
}

/**
 * The authors' start value of α: 1.2221, 0.6511 and 0.1946 for 1, 2 and 4 bits.
 *
 * @throws ArgumentError on other bits, for which they give none
 */
export function authorsStep(bits: number): number {
  const step = typeof bits === "number" && Object.hasOwn(AUTHORS, bits) ? AUTHORS[bits] : undefined;
  if (step === undefined) {
    throw new ArgumentError({
      op: "authorsStep",
      what: "no start value for this width",
      expected: Object.keys(AUTHORS).join(", "),
      got: describe(bits),
      hint: 'use "half-gaussian"',
    });
  }
  return step;
}
