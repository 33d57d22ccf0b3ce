/** @file `dequantize` in C: step·code. */
import type { PlanDequantize } from "../../../format/nodes/dequantize.js";
import { type CLowering, loop } from "../lowering.js";
import { cFloat } from "../text.js";

export const dequantize: CLowering<PlanDequantize> = ({ input, size }) => ({
  body: loop("i", size, [`y[i] = (float)x[i] * ${cFloat(input.step as number)};`]),
});
