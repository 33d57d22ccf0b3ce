/** @file Reference kernels of activations, which go by number; a number that there is not is refused. */
import { check, integer } from "../../core/checks.js";
import { erfc, exp, expm1 } from "../../core/math.js";
import type { Context } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { ELEMENTWISE } from "./abi.js";
import { ACTIVATIONS, type ActivationFn, type ActivationFunction, type Elementary } from "./functions.js";
import * as lanes from "./lanes.js";
import { sigmoid } from "./sigmoid.js";

/** Names in the order of their numbers. */
export const ACTIVATION_FNS = Object.keys(ACTIVATIONS) as ActivationFn[];

/** Elementary functions with all that f64 can hold. */
const DOUBLES: Elementary = { exp, sigmoid, expm1, normal: (x) => erfc(-x * Math.SQRT1_2) / 2 };

/** @throws ArgumentError on a number that there is not */
function functionOf(id: number): ActivationFunction {
  check("activation", "fn", id, integer(0, ACTIVATION_FNS.length - 1));
  return ACTIVATIONS[ACTIVATION_FNS[id]];
}

type Names = "f32_activation" | "f32_activation_bwd";

/** Twins of the kernels. */
export function activationKernels({ type, real, round }: Context): Pick<KernelsOf<typeof ELEMENTWISE>, Names> {
  const by = type === "f32" ? lanes : DOUBLES;
  return {
    f32_activation(xPtr, outPtr, len, fn, alpha, beta) {
      const { value } = functionOf(fn);
      const [x, out] = [real(xPtr, len), real(outPtr, len)];
      const [a, b] = [round(alpha), round(beta)];
      for (let i = 0; i < len; i++) out[i] = value(x[i], a, b, by);
    },
    f32_activation_bwd(xPtr, dyPtr, dxPtr, len, fn, alpha, beta) {
      const { slope } = functionOf(fn);
      const [x, dy, dx] = [real(xPtr, len), real(dyPtr, len), real(dxPtr, len)];
      const [a, b] = [round(alpha), round(beta)];
      for (let i = 0; i < len; i++) dx[i] = dy[i] * slope(x[i], a, b, by);
    },
  };
}
