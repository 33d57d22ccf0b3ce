/** @file `affine` in C: x·scale[c] + shift[c], two roundings. */
import type { PlanAffine } from "../../../format/nodes/affine.js";
import { type CLowering, loop } from "../lowering.js";

export const affine: CLowering<PlanAffine> = ({ size, data, module }) => {
  const scale = data.scale as Float32Array;
  const scales = module.floats("scale", scale);
  const shifts = module.floats("shift", data.shift as Float32Array);
  const body = loop("i", size / scale.length, [
    ...loop("c", scale.length, [
      `const float product = *x++ * ${scales.name}[c];`,
      `*y++ = product + ${shifts.name}[c];`,
    ]),
  ]);
  return { body, inPlace: true };
};
