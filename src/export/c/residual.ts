/** @file The end of a residual block in C, in one pass as in the runtime: sum, scale, batch norm, shortcut, staircase. */
import { staircaseTop } from "../../codes/levels.js";
import type { PlanConv } from "../../format/nodes/conv.js";
import type { NodeData } from "../../format/tensors.js";
import type { ValueType } from "../../format/value.js";
import type { Residual } from "../../infer/fuse.js";
import type { CSource, CStep } from "./lowering.js";
import { floatOfSum, quantizedStep } from "./quantized.js";
import { cFloat } from "./text.js";

/**
 * Lowers the end of a residual block: a function of what its convolution reads (`x`) and of the shortcut (`x1`).
 *
 * @param source its convolution's
 * @param shortcut type of what is added
 * @param norm tensors of the batch norm
 */
export function residualStep(
  source: CSource<PlanConv>,
  { staircase, coded }: Residual,
  shortcut: ValueType,
  norm: NodeData | undefined,
): CStep {
  const { node, input, output, module } = source;
  const { bits, step, rounding } = staircase.activation;
  const code = module.use(rounding === "ceil" ? "ceil_code" : "nearest_code");
  const scale = norm?.scale === undefined ? "1.0f" : `${module.floats("norm_scale", norm.scale).name}[o]`;
  const shift = norm?.shift === undefined ? "0.0f" : `${module.floats("norm_shift", norm.shift).name}[o]`;
  const added = coded ? `(float)x1[o] * ${cFloat(shortcut.step as number)}` : "x1[o]";
  const sum = `(${floatOfSum(source)}) * ${scale} + ${shift} + ${added}`;
  const value = `${code}(${sum}, ${cFloat(step)}, ${staircaseTop(bits)})`;
  const shape = { window: node, image: input.shape, groups: node.groups, extents: output.shape };
  return quantizedStep(source, shape, { value, moving: ["y", "x1"] });
}
