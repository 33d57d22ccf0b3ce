/** @file Clipping of gradients before a step: by their joint norm, or component by component. */

import { atLeast, check } from "../core/checks.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { sumSquares } from "../ndarray/reduce.js";
import { clipInPlace, scaleInPlace } from "../ndarray/update.js";
import type { Parameter } from "../nn/parameter.js";
import { checkGradient, parameterList } from "./groups.js";

/** Gradients of parameters, each once. */
function gradientsOf(op: string, parameters: Iterable<Parameter>): NDArray[] {
  return [...new Set(parameterList(op, parameters))].flatMap((parameter) => {
    const { gradient } = parameter;
    if (!gradient?.alive) return [];
    checkGradient(op, parameter, gradient);
    return [gradient];
  });
}

/**
 * Scales all gradients by min(1, max / (‖g‖ + 1e-6)), ‖g‖ the Euclidean norm of all of them together, as PyTorch's
 * `clip_grad_norm_`.
 *
 * @param max > 0 wanted bound of the norm
 * @returns the norm before clipping
 * @throws ArgumentError if `max` is negative or not finite, or on anything but parameters
 */
export function clipGradNorm(parameters: Iterable<Parameter>, max: number): number {
  check("clipGradNorm", "max", max, atLeast(0));
  const gradients = gradientsOf("clipGradNorm", parameters);
  let squares = 0;
  for (const gradient of gradients) squares += sumSquares(gradient);
  const norm = Math.sqrt(squares);
  const scale = max / (norm + 1e-6);
  if (scale < 1) {
    for (const gradient of gradients) {
      scaleInPlace(gradient, scale);
      gradient.touch("clipGradNorm");
    }
  }
  return norm;
}

/**
 * Clamps every component of every gradient to [−max, max].
 *
 * @throws ArgumentError if `max` is negative or not finite, or on anything but parameters
 */
export function clipGradValue(parameters: Iterable<Parameter>, max: number): void {
  check("clipGradValue", "max", max, atLeast(0));
  for (const gradient of gradientsOf("clipGradValue", parameters)) {
    clipInPlace(gradient, -max, max);
    gradient.touch("clipGradValue");
  }
}
