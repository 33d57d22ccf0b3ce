/** @file Schedules as plain data, for run configurations and the command line. */
import { check, describe, record } from "../../core/checks.js";
import { ArgumentError } from "../../core/errors.js";
import { cosine, cosineRestarts, oneCycle } from "./cosine.js";
import { constant, type Schedule } from "./schedule.js";
import { multiStepLR, stepLR } from "./steps.js";
import { warmup } from "./warmup.js";

/** A schedule as it stands in a run's configuration. */
export interface ScheduleSpec {
  /** Which schedule. */
  name: "constant" | "step" | "multistep" | "cosine" | "cosine-restarts" | "onecycle";
  /** step: epochs between drops. */
  every?: number;
  /** multistep: epochs of the drops. */
  milestones?: readonly number[];
  /** step, multistep: factor of a drop. Default 0.1. */
  gamma?: number;
  /** cosine, cosine-restarts: last factor. Default 0. */
  min?: number;
  /** cosine-restarts: epochs of the first arc. */
  period?: number;
  /** cosine-restarts: how many times as long each further arc is. Default 1. */
  mult?: number;
  /** Epochs of linear warm-up in front, fractions allowed. Default 0. */
  warmupEpochs?: number;
}

/** Names that {@link parseSchedule} knows, with their arguments. */
export const SCHEDULE_FORMS = [
  "constant",
  "step:EVERY[:GAMMA]",
  "multistep:E1,E2,…[:GAMMA]",
  "cosine[:MIN]",
  "cosine-restarts:EPOCHS[:MULT[:MIN]]",
  "onecycle",
];

/** The schedule that a specification stands for. @throws ArgumentError on an unknown name or options out of range */
export function scheduleFrom(spec: ScheduleSpec): Schedule {
  check("schedule", "specification", spec, record);
  const base = baseOf(spec);
  return spec.warmupEpochs ? warmup(base, { epochs: spec.warmupEpochs }) : base;
}

function baseOf(spec: ScheduleSpec): Schedule {
  switch (spec.name) {
    case "constant":
      return constant();
    case "step":
      return stepLR({ every: spec.every ?? Number.NaN, gamma: spec.gamma });
    case "multistep":
      return multiStepLR({ milestones: spec.milestones ?? [], gamma: spec.gamma });
    case "cosine":
      return cosine({ min: spec.min });
    case "cosine-restarts":
      return cosineRestarts({ period: spec.period ?? Number.NaN, mult: spec.mult, min: spec.min });
    case "onecycle":
      return oneCycle();
    default:
      throw unknown(describe((spec as { name: unknown }).name));
  }
}

/**
 * Reads a schedule as written on the command line: `cosine`, `cosine:0.01`, `multistep:80,140:0.1`, `step:30`,
 * `cosine-restarts:10:2`, `onecycle`, `constant`.
 *
 * @throws ArgumentError on anything else
 */
export function parseSchedule(text: string): ScheduleSpec {
  check("schedule", "text", text, (value) => (typeof value === "string" ? null : "a string"));
  const [name, first, second, third, ...rest] = text.split(":");
  const numbers = (part: string): number[] =>
    part.split(",").map((item) => (item.trim() === "" ? Number.NaN : Number(item)));
  let spec: ScheduleSpec;
  if (name === "step" && first !== undefined) spec = { name, every: numbers(first)[0] };
  else if (name === "multistep" && first !== undefined) spec = { name, milestones: numbers(first) };
  else if (name === "cosine-restarts" && first !== undefined) {
    // Left out they are not there, and defaults are not in a configuration.
    const [mult, min] = [second, third].map((part) => (part === undefined ? undefined : numbers(part)[0]));
    spec = { name, period: numbers(first)[0], ...(mult !== undefined && { mult }), ...(min !== undefined && { min }) };
  } else if (name === "cosine" && second === undefined)
    spec = first === undefined ? { name } : { name, min: Number(first) };
  else if ((name === "constant" || name === "onecycle") && first === undefined) spec = { name };
  else throw unknown(text);
  const restarts = name === "cosine-restarts";
  if (second !== undefined && !restarts) spec.gamma = Number(second);
  if (rest.length > 0 || (third !== undefined && !restarts)) throw unknown(text);
  scheduleFrom(spec); // refuses numbers out of range
  return spec;
}

function unknown(text: string): ArgumentError {
  return new ArgumentError({
    op: "schedule",
    what: "unknown schedule",
    expected: SCHEDULE_FORMS.join(", "),
    got: text,
  });
}
