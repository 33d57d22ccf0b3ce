/** @file Dropout. */
import { check, describe, instanceOf } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { maskScale } from "../ndarray/elementwise.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { OpDef } from "./op.js";

/** Attributes of {@link dropout}. */
export interface DropoutAttrs {
  /** Probability of zeroing an element, in [0, 1]. */
  readonly p: number;
  readonly rng: Rng;
}

const GENERATOR = instanceOf(Rng, "an Rng");
const keepScale = (p: number): number => (p === 1 ? 0 : 1 / (1 - p));

/** Zeroes elements with probability p and multiplies the rest by 1/(1 − p). */
export const dropout: OpDef<DropoutAttrs, { mask: NDArray }> = {
  name: "dropout",
  shape: ([x], { p, rng }) => {
    floatTypeOf("dropout", x);
    if (!(typeof p === "number" && p >= 0 && p <= 1)) {
      const expected = "a number in [0, 1]";
      throw new ArgumentError({ op: "dropout", what: "bad probability", expected, got: describe(p) });
    }
    check("dropout", "rng", rng, GENERATOR);
    return x.shape;
  },
  forward: ([x], { p, rng }) => {
    const mask = NDArray.empty(x.shape, "bool");
    const bytes = mask.view();
    for (let i = 0; i < bytes.length; i++) bytes[i] = rng.uniform() >= p ? 1 : 0;
    return { y: maskScale(x, mask, keepScale(p)), saved: { mask } };
  },
  backward: (dy, { mask }, { p }) => [maskScale(dy, mask, keepScale(p))],
};
