/** @file `maxPool` in C: largest of each window, of codes or floats. */
import type { PlanMaxPool } from "../../../format/nodes/max-pool.js";
import type { CLowering } from "../lowering.js";
import { overPool, overTaps } from "../windows.js";

export const maxPool: CLowering<PlanMaxPool> = ({ node, input, output }) => {
  const shape = { window: node, image: input.shape };
  const channels = input.shape[2];
  if (input.dtype === "u8") {
    const taps = overTaps(shape, "uint8_t", ["if (at[c] > best) best = at[c];"]);
    return { body: overPool(output.shape, channels, ["uint8_t best = 0;", ...taps, "y[c] = best;"]) };
  }
  // The first value counts as it is; NaN beats numbers, and stays.
  const taps = overTaps(shape, "float", [
    "if (first || (best == best && !(at[c] <= best))) best = at[c];",
    "first = 0;",
  ]);
  return { body: overPool(output.shape, channels, ["float best = 0.0f;", "int first = 1;", ...taps, "y[c] = best;"]) };
};
