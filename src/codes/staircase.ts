/** @file The staircase of one number, by its definition. */
import { check, numeric } from "../core/checks.js";

const { ceil, floor, fround, min } = Math;

/** How a staircase rounds between its steps: up (the paper), or to the nearest, half to even. */
export type Rounding = "ceil" | "nearest";

/** A rounding as kernels are told it. */
export function roundingId(rounding: Rounding): 0 | 1 {
  return rounding === "nearest" ? 1 : 0;
}

/**
 * The code of one number: 0 for x ≤ 0 (and NaN), else min(⌈f32(x/α)⌉, L), or with "nearest" the nearest integer, half
 * to even. The scalar definition that the kernel repeats.
 *
 * @param x an f32 number
 * @param alpha an f32 number
 * @see BCGD §3 (staircase)
 */
export function staircaseCode(x: number, alpha: number, top: number, rounding: Rounding = "ceil"): number {
  if (typeof x !== "number") check("staircaseCode", "x", x, numeric);
  if (typeof alpha !== "number") check("staircaseCode", "alpha", alpha, numeric);
  if (typeof top !== "number") check("staircaseCode", "top", top, numeric);
  if (!(x > 0)) return 0;
  const quotient = fround(x / alpha);
  if (rounding === "ceil") return min(ceil(quotient), top);
  const below = floor(quotient);
  const rest = quotient - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  return min(up ? below + 1 : below, top);
}
