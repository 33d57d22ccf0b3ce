/** @file A linear start in front of any schedule. */
import { callable, check, checkOptions, numeric, record } from "../../core/checks.js";
import { checkSchedule, type Schedule } from "./schedule.js";

/**
 * Multiplies a schedule by a linear ramp: factor = schedule · (start + (1 − start)·(step + 1)/n) for the first n steps,
 * then the schedule alone. The schedule's own clock is not shifted.
 *
 * @param schedule what is warmed up
 * @param options `steps` or `epochs` ≥ 0 (fractions of an epoch are rounded up to steps); `start` in [0, 1], default 0
 * @throws ArgumentError on options out of range
 */
export function warmup(schedule: Schedule, options: { steps?: number; epochs?: number; start?: number }): Schedule {
  check("warmup", "schedule", schedule, callable);
  check("warmup", "options", options, record);
  checkOptions("warmup", options, { steps: numeric, epochs: numeric, start: numeric });
  const { steps = 0, epochs = 0, start = 0 } = options;
  checkSchedule("warmup", "steps", steps, Number.isInteger(steps) && steps >= 0, "an integer ≥ 0");
  checkSchedule("warmup", "epochs", epochs, epochs >= 0, "a number ≥ 0");
  checkSchedule("warmup", "start", start, start >= 0 && start <= 1, "a number in [0, 1]");
  return (point) => {
    const n = steps + Math.ceil(epochs * point.stepsPerEpoch);
    const factor = schedule(point);
    return point.step >= n ? factor : factor * (start + ((1 - start) * (point.step + 1)) / n);
  };
}
