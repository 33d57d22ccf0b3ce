/** @file Schedules made of cosine arcs. */
import { checkOptions, numeric, oneOf } from "../../core/checks.js";
import { cos } from "../../core/math.js";
import { checkSchedule, epochOf, type Schedule, totalSteps } from "./schedule.js";

/** From `start` (t = 0) to `end` (t = 1) along half a cosine. */
function anneal(start: number, end: number, t: number): number {
  return end + ((start - end) / 2) * (1 + cos(Math.PI * t));
}

/**
 * Cosine annealing from 1 to `min` over the run: factor = min + (1 − min)(1 + cos πt)/2, t = step / total steps, or
 * epoch / epochs with `per: "epoch"` (PyTorch's `CosineAnnealingLR` stepped once an epoch).
 *
 * @param options `min` in [0, 1], default 0; `per` default "step"
 * @throws ArgumentError on options out of range
 */
export function cosine(options: { min?: number; per?: "step" | "epoch" } = {}): Schedule {
  checkOptions("cosine", options, { min: numeric, per: oneOf("step", "epoch") });
  const { min = 0, per = "step" } = options;
  checkSchedule("cosine", "min", min, min >= 0 && min <= 1, "a number in [0, 1]");
  return (point) => {
    const t = per === "step" ? point.step / totalSteps(point) : epochOf(point) / point.epochs;
    return anneal(1, min, Math.min(t, 1));
  };
}

/**
 * Cosine annealing with warm restarts (Loshchilov and Hutter, SGDR), as PyTorch's `CosineAnnealingWarmRestarts` stepped
 * with fractions of epochs: arcs from 1 to `min` one after the other, the first over `period` epochs, each further one
 * `mult` times as long as the one before.
 *
 * @param options `period` in epochs > 0; `mult` ≥ 1, default 1; `min` in [0, 1], default 0
 * @throws ArgumentError on options out of range
 */
export function cosineRestarts(options: { period: number; mult?: number; min?: number }): Schedule {
  checkOptions("cosineRestarts", options, { period: numeric, mult: numeric, min: numeric }, ["period"]);
  const { period, mult = 1, min = 0 } = options;
  checkSchedule("cosineRestarts", "period", period, period > 0, "epochs > 0");
  checkSchedule("cosineRestarts", "mult", mult, mult >= 1, "a number ≥ 1");
  checkSchedule("cosineRestarts", "min", min, min >= 0 && min <= 1, "a number in [0, 1]");
  return (point) => {
    epochOf(point);
    let [length, t] = [period, point.step / point.stepsPerEpoch];
    if (mult === 1) t -= Math.floor(t / length) * length;
    else {
      while (t >= length) {
        t -= length;
        length *= mult;
      }
    }
    return anneal(1, min, t / length);
  };
}

/**
 * One cycle (Smith and Topin), as PyTorch's `OneCycleLR` with cosine arcs and without cycling the momentum: the
 * optimizer's rate is the maximum; it rises from 1/divFactor to 1 over the first `pctStart` of the steps, then falls to
 * 1/(divFactor·finalDivFactor).
 *
 * @param options `pctStart` in (0, 1), default 0.3; `divFactor` ≥ 1, default 25; `finalDivFactor` ≥ 1, default 1e4
 * @throws ArgumentError on options out of range
 */
export function oneCycle(options: { pctStart?: number; divFactor?: number; finalDivFactor?: number } = {}): Schedule {
  checkOptions("oneCycle", options, { pctStart: numeric, divFactor: numeric, finalDivFactor: numeric });
  const { pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4 } = options;
  checkSchedule("oneCycle", "pctStart", pctStart, pctStart > 0 && pctStart < 1, "a number in (0, 1)");
  checkSchedule("oneCycle", "divFactor", divFactor, divFactor >= 1, "a number ≥ 1");
  checkSchedule("oneCycle", "finalDivFactor", finalDivFactor, finalDivFactor >= 1, "a number ≥ 1");
  const first = 1 / divFactor;
  return (point) => {
    const last = totalSteps(point) - 1;
    const peak = pctStart * totalSteps(point) - 1;
    const step = Math.min(point.step, last);
    if (step <= peak) return anneal(first, 1, peak <= 0 ? 1 : step / peak);
    return anneal(1, first / finalDivFactor, (step - peak) / (last - peak));
  };
}
