/** @file Piecewise constant schedules. */
import { checkOptions, listOf, numeric } from "../../core/checks.js";
import { checkSchedule, epochOf, type Schedule } from "./schedule.js";

/** gamma multiplied k times, in the order in which PyTorch's chained form multiplies. */
function power(gamma: number, k: number): number {
  let factor = 1;
  for (let i = 0; i < k; i++) factor *= gamma;
  return factor;
}

/**
 * factor = gamma^⌊epoch / every⌋.
 *
 * @param options `every` epochs ≥ 1; `gamma` > 0, default 0.1
 * @throws ArgumentError on options out of range
 */
export function stepLR(options: { every: number; gamma?: number }): Schedule {
  checkOptions("stepLR", options, { every: numeric, gamma: numeric }, ["every"]);
  const { every, gamma = 0.1 } = options;
  checkSchedule("stepLR", "every", every, Number.isInteger(every) && every >= 1, "an integer ≥ 1");
  checkSchedule("stepLR", "gamma", gamma, gamma > 0, "a number > 0");
  return (point) => power(gamma, Math.floor(epochOf(point) / every));
}

/**
 * factor = gamma^(number of milestones ≤ epoch).
 *
 * @param options `milestones` in epochs, from 0; `gamma` > 0, default 0.1
 * @throws ArgumentError on options out of range
 */
export function multiStepLR(options: { milestones: readonly number[]; gamma?: number }): Schedule {
  checkOptions("multiStepLR", options, { milestones: listOf(numeric), gamma: numeric }, ["milestones"]);
  const { milestones, gamma = 0.1 } = options;
  for (const milestone of milestones)
    checkSchedule("multiStepLR", "milestone", milestone, milestone >= 0, "an epoch ≥ 0");
  checkSchedule("multiStepLR", "gamma", gamma, gamma > 0, "a number > 0");
  return (point) => power(gamma, milestones.filter((milestone) => milestone <= epochOf(point)).length);
}
