/** @file What an experiment gives: numbers, and claims that they bear out or refute. */
import type { Rng } from "../../core/rng.js";
import { norm, scaled } from "../vector.js";

/** One claim of the theory with its verdict. */
export interface Claim {
  /** The claim in words. */
  readonly claim: string;
  /** The figure that shows it, without extension; null if it is a count alone. */
  readonly figure: string | null;
  /** The numbers that decide, as text. */
  readonly evidence: string;
  /** Whether it holds. */
  readonly holds: boolean;
}

/** An experiment's outcome: the same seed gives the same numbers on every engine. */
export interface Outcome<Data> {
  /** Name of the experiment. */
  readonly topic: string;
  /** Seed of everything random. */
  readonly seed: number;
  /** What was claimed, with verdicts. */
  readonly claims: readonly Claim[];
  /** Numbers of figures and tables. */
  readonly data: Data;
}

/** k independent N(0, 1) numbers. */
export function gaussians(rng: Rng, k: number): number[] {
  return Array.from({ length: k }, () => rng.normal());
}

/** A random direction of R^k, with the given length. */
export function direction(rng: Rng, k: number, length = 1): number[] {
  const vector = gaussians(rng, k);
  return scaled(vector, length / norm(vector));
}

/** Three significant digits. */
export function digits(value: number, count = 3): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return `${Number(value.toPrecision(count))}`;
  return value.toExponential(count - 1).replace("e+", "e");
}

/** A share as a percentage. */
export function percentage(part: number, whole: number): string {
  return `${Number(((100 * part) / whole).toFixed(1))} %`;
}
