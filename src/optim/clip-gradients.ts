/** @file Clipping of gradients before a step: by their joint norm, or component by component. */
import { kernelsFor } from "../kernels/engine.js";
import type { Parameter } from "../nn/parameter.js";
import { checkOption } from "./optimizer.js";

function gradientsOf(parameters: Iterable<Parameter>) {
  return [...parameters].flatMap(({ gradient }) => (gradient?.alive ? [gradient] : []));
}

/**
 * Scales all gradients by min(1, max / (‖g‖ + 1e-6)), ‖g‖ the Euclidean norm of all of them together, as PyTorch's `clip_grad_norm_`.
 *
 * @param max > 0 wanted bound of the norm
 * @returns the norm before clipping
 * @throws ArgumentError if `max` is negative or not finite
 */
export function clipGradNorm(parameters: Iterable<Parameter>, max: number): number {
  checkOption("clipGradNorm", "max", max, 0);
  const gradients = gradientsOf(parameters);
  let squares = 0;
  for (const { dtype, ptr, size } of gradients) squares += kernelsFor(dtype).f32_sum_squares(ptr, size);
  const norm = Math.sqrt(squares);
  const scale = max / (norm + 1e-6);
  if (scale < 1) {
    for (const { dtype, ptr, size } of gradients) kernelsFor(dtype).f32_scale_shift(ptr, ptr, size, scale, 0);
  }
  return norm;
}

/**
 * Clamps every component of every gradient to [−max, max].
 *
 * @throws ArgumentError if `max` is negative or not finite
 */
export function clipGradValue(parameters: Iterable<Parameter>, max: number): void {
  checkOption("clipGradValue", "max", max, 0);
  for (const { dtype, ptr, size } of gradientsOf(parameters)) kernelsFor(dtype).f32_clip(ptr, ptr, size, -max, max);
}
