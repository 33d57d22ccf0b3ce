/**
 * @file Rules for weights that are quantized already, and the plain rounding that post-training quantization begins
 * with.
 */
import { checkBits } from "../../codes/levels.js";
import { callable, check } from "../../core/checks.js";
import { heap } from "../../kernels/engine.js";
import { binary } from "./binary.js";
import {
  isProjection,
  type Projection,
  projectRow,
  rowKernels,
  rowProjection,
  topOfBits,
  type WeightRow,
  zeroRow,
} from "./projection.js";

const { fround } = Math;

/**
 * Min–max rounding: δ = ‖w‖∞/top, q = round(w/δ), half away from zero; for 1 bit signs with their mean magnitude.
 *
 * @param bits 1…8
 * @throws ArgumentError on other bits
 */
export function minMax(bits: number): Projection {
  checkBits("minMax", bits);
  if (bits === 1) return binary();
  const top = topOfBits(bits);
  return rowProjection({ name: "min-max", bits }, (row) => {
    const kernels = rowKernels();
    const delta = fround(kernels.f32_abs_max(row.weights, row.length) / top);
    if (delta === 0) return zeroRow(row);
    kernels.f32_uniform_codes(row.weights, row.codes, row.length, delta, top);
    return delta;
  });
}

/**
 * A rule that leaves weights on a grid where they are: if all are exactly f32(δ·q) for one δ and codes of the rule's
 * level set, those are the projection; else the rule decides. So a rule whose own iterations could leave such weights
 * (Lloyd's) starts where another method ended.
 */
export function onGrid(rule: Projection): Projection {
  check("onGrid", "rule", rule, isProjection);
  check("onGrid", "rule.describe", rule.describe, callable);
  return rowProjection({ ...rule.describe(), grid: 1 }, (row) => gridOf(row, rule) ?? projectRow(rule, row));
}

/** δ and, in `codes`, q of weights that lie on a grid; null for others. */
function gridOf({ weights, codes, length }: WeightRow, { bits, top }: Projection): number | null {
  const values = heap().f32(weights, length);
  const out = heap().i8(codes, length);
  const largest = rowKernels().f32_abs_max(weights, length);
  if (largest === 0) return null;
  for (let most = top; most >= 1; most--) {
    const delta = fround(largest / most);
    let i = 0;
    for (; i < length; i++) {
      const code = Math.round(values[i] / delta);
      if (fround(delta * code) !== values[i] || (bits === 1 && code === 0)) break;
      out[i] = code;
    }
    if (i === length) return delta;
  }
  return null;
}
