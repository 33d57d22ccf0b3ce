/** @file `avgPool` in C: mean of each window, in float. */

import { EXACT_LIMIT } from "../../../codes/sums.js";
import type { PlanAvgPool } from "../../../format/nodes/avg-pool.js";
import { tapsOf } from "../../../format/window.js";
import type { CLowering } from "../lowering.js";
import { cFloat } from "../text.js";
import { overPool, overTaps } from "../windows.js";

export const avgPool: CLowering<PlanAvgPool> = ({ node, input, output }) => {
  const whole = input.step !== null && tapsOf(node) * input.top < EXACT_LIMIT;
  const type = input.dtype === "u8" ? "uint8_t" : "float";
  const taps = overTaps({ window: node, image: input.shape }, type, [
    whole ? "sum += at[c];" : input.step === null ? "sum += at[c];" : "sum += (float)at[c];",
    ...(node.includePad ? [] : ["count++;"]),
  ]);
  const count = node.includePad ? cFloat(tapsOf(node)) : "(float)count";
  const sum = whole ? "(float)sum" : "sum";
  return {
    body: overPool(output.shape, input.shape[2], [
      whole ? "int32_t sum = 0;" : "float sum = 0.0f;",
      ...(node.includePad ? [] : ["int32_t count = 0;"]),
      ...taps,
      // Sums of codes are exact; the step comes last, as in training.
      ...(input.step === null
        ? [`y[c] = ${sum} / ${count};`]
        : [`const float mean = ${sum} / ${count};`, `y[c] = mean * ${cFloat(input.step)};`]),
    ]),
  };
};
