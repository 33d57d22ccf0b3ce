/** @file Words on the console about what may be wrong, though training goes on. */
import { firstOf } from "../core/first-of.js";

/** Says it once, as a warning. */
export function warn(text: string): void {
  console.warn(`CoarsegradTrainingWarning: fit: ${text}.`);
}

/** A share as a percentage of one decimal. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Names in a list, the first few. */
export function some(names: readonly string[]): string {
  return firstOf(names, 5);
}
