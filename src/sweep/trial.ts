/** @file A plan in small: every run with its settings, but for a moment only, to see that all of them work. */
import { isPostTraining } from "../run/methods.js";
import type { PlannedSweepRun } from "./expand.js";

/** Training images of a trial, unless a batch is large; and test images. */
const IMAGES = 256;
const TESTS = 100;

/** The run with one epoch at most and few images. */
export function trialOf<R extends PlannedSweepRun>(run: R): R {
  const { limit, testLimit, epochs, method, batch = 0 } = run.settings;
  const trains = !isPostTraining(method) && epochs !== 0;
  return {
    ...run,
    settings: {
      ...run.settings,
      limit: Math.min(limit ?? Number.POSITIVE_INFINITY, Math.max(IMAGES, 2 * batch)),
      testLimit: Math.min(testLimit ?? Number.POSITIVE_INFINITY, TESTS),
      ...(trains && { epochs: 1 }),
    },
  };
}
