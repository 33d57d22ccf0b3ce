/** @file `staircase` in C: codes of floats, by true division. */
import type { PlanStaircase } from "../../../format/nodes/staircase.js";
import { type CLowering, loop } from "../lowering.js";
import { cFloat } from "../text.js";

export const staircase: CLowering<PlanStaircase> = ({ node, output, size, module }) => {
  const { step, rounding } = node.activation;
  const code = module.use(rounding === "ceil" ? "ceil_code" : "nearest_code");
  return { body: loop("i", size, [`y[i] = ${code}(x[i], ${cFloat(step)}, ${output.top});`]) };
};
