/** @file Kinds of settings that name things of other rooms: networks and schedules. */
import { above, atLeast, listOf, oneOf } from "../core/checks.js";
import { CoarsegradError } from "../core/errors.js";
import { MODEL_NAMES } from "../models/index.js";
import { parseSchedule, SCHEDULE_FORMS, type ScheduleSpec } from "../optim/schedule/index.js";
import { choice, type Kind, objectOf } from "./kinds.js";
import { isOnnx } from "./onnx-names.js";
import { quoted, UsageError, unknownWord } from "./usage-error.js";

/** One of the networks, or an ONNX file. */
export const modelName: Kind<string> = {
  read: (word, option) => (isOnnx(word) ? word : choice(MODEL_NAMES).read(word, option)),
  rule: (value) =>
    typeof value === "string" && (MODEL_NAMES.includes(value) || isOnnx(value))
      ? null
      : `${MODEL_NAMES.join(", ")}, or an ONNX file`,
  write: (word) => word,
};

/** A schedule; what the library refuses is a usage error here. */
export const scheduleKind: Kind<ScheduleSpec> = {
  read(form, option) {
    const known = SCHEDULE_FORMS.map((each) => each.replace(/[:[].*/, ""));
    const name = form.split(":")[0];
    if (!known.includes(name)) throw unknownWord(option, "unknown schedule", name, known);
    try {
      return parseSchedule(form);
    } catch (cause) {
      if (!(cause instanceof CoarsegradError)) throw cause;
      const expected = cause.expected ?? SCHEDULE_FORMS.join(", ");
      throw new UsageError({ op: option, what: cause.message.split(";")[0], expected, got: quoted(form) });
    }
  },
  rule: objectOf({
    name: oneOf("constant", "step", "multistep", "cosine", "cosine-restarts", "onecycle"),
    every: above(0),
    milestones: listOf(atLeast(0)),
    gamma: atLeast(0),
    min: atLeast(0),
    period: above(0),
    mult: atLeast(1),
    warmupEpochs: atLeast(0),
  }),
  write: ({ name, every, milestones, gamma, min, period, mult = 1 }) => {
    const parts = period === undefined ? [every ?? milestones ?? min, gamma] : [period, mult, min];
    return [name, ...parts].filter((part) => part !== undefined).join(":");
  },
};
