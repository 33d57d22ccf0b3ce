/**
 * @file The default random generator: what creation, initial weights and dropout draw from when no generator is given.
 */
import { check, either, instanceOf, integer, text } from "../core/checks.js";
import { Rng } from "../core/rng.js";

/** The one piece of state of this file; seeded with 0 until somebody seeds it. */
const current = { rng: new Rng(0) };

/**
 * Seeds the default generator. Without it the seed is 0: a program draws the same numbers on every run.
 *
 * @param seed a string or a safe integer
 * @throws ArgumentError on anything else
 */
export function manualSeed(seed: number | string): void {
  check("manualSeed", "seed", seed, either(text, integer()));
  current.rng = new Rng(seed);
}

/** The default generator. */
export function defaultRng(): Rng {
  return current.rng;
}

/** Replaces the default generator, as when a run is resumed. @throws ArgumentError for anything but an Rng */
export function setDefaultRng(rng: Rng): void {
  check("setDefaultRng", "generator", rng, instanceOf(Rng, "an Rng"));
  current.rng = rng;
}
