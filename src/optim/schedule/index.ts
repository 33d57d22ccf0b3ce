/** @file Learning-rate schedules. */
export { cosine, cosineRestarts, oneCycle } from "./cosine.js";
export { constant, epochOf, product, type Schedule, type SchedulePoint, totalSteps } from "./schedule.js";
export { parseSchedule, SCHEDULE_FORMS, type ScheduleSpec, scheduleFrom } from "./spec.js";
export { multiStepLR, stepLR } from "./steps.js";
export { warmup } from "./warmup.js";
