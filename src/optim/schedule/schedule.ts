/** @file What a schedule is: a pure function from the place in a run to a factor of the learning rate. */
import { callable, check, refuse } from "../../core/checks.js";
import { ArgumentError } from "../../core/errors.js";

/** A place in a run. */
export interface SchedulePoint {
  /** Optimizer steps done so far, from 0. */
  readonly step: number;
  /** Steps of a whole epoch. */
  readonly stepsPerEpoch: number;
  /** Epochs of the whole run. */
  readonly epochs: number;
}

/**
 * The learning rate of a step as a multiple of the optimizer's. Depends on its argument alone, so a resumed run needs
 * no state for it.
 */
export type Schedule = (point: SchedulePoint) => number;

function checkPoint(op: string, point: SchedulePoint): void {
  if (typeof point !== "object" || point === null) refuse(op, "point", "{ step, stepsPerEpoch, epochs }", point);
  const { step, stepsPerEpoch, epochs } = point;
  if (typeof step === "number" && typeof stepsPerEpoch === "number" && typeof epochs === "number") return;
  refuse(op, "point", "numbers { step, stepsPerEpoch, epochs }", point);
}

/** Epochs that are complete at this point. */
export function epochOf(point: SchedulePoint): number {
  checkPoint("epochOf", point);
  return Math.floor(point.step / point.stepsPerEpoch);
}

/** Steps of the whole run. */
export function totalSteps(point: SchedulePoint): number {
  checkPoint("totalSteps", point);
  return point.stepsPerEpoch * point.epochs;
}

/** Always 1. */
export function constant(): Schedule {
  return () => 1;
}

/** The product of the factors of several schedules. */
export function product(...schedules: readonly Schedule[]): Schedule {
  schedules.forEach((schedule, i) => {
    check("product", `schedule ${i}`, schedule, callable);
  });
  return (point) => schedules.reduce((factor, schedule) => factor * schedule(point), 1);
}

/** Refuses a schedule's option. @throws ArgumentError */
export function checkSchedule(op: string, name: string, value: number, good: boolean, expected: string): void {
  if (!good || !Number.isFinite(value)) throw new ArgumentError({ op, what: `bad ${name}`, expected, got: `${value}` });
}
