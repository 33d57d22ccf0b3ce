/** @file A plan in small: every run with its settings, but for a moment only, to see that all of them work. */
import { isPostTraining } from "../run/methods.js";
import type { PlannedSweepRun } from "./expand.js";

/** Training images of a trial, unless a batch is large; images that it holds out, and test images. */
const IMAGES = 256;
const HELD_OUT = 64;
const TESTS = 100;

/** The run with one epoch at most and few images; what is said of later epochs happens in the first. */
export function trialOf<R extends PlannedSweepRun>(run: R): R {
  const { limit, testLimit, epochs, method, batch = 0, validate = 0, swa, freezeFrom } = run.settings;
  const trains = !isPostTraining(method) && epochs !== 0;
  const heldOut = Math.min(validate, HELD_OUT);
  return {
    ...run,
    settings: {
      ...run.settings,
      limit: Math.min(limit ?? Number.POSITIVE_INFINITY, Math.max(IMAGES, 2 * batch) + heldOut),
      testLimit: Math.min(testLimit ?? Number.POSITIVE_INFINITY, TESTS),
      ...(validate > 0 && { validate: heldOut }),
      ...(trains && { epochs: 1 }),
      ...(trains && swa !== undefined && { swa: 1 }),
      ...(trains && freezeFrom !== undefined && { freezeFrom: 1 }),
    },
  };
}
