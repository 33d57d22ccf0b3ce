/** @file All helpers by name, in the order in which they stand in a file. */
import { DOTS } from "./dots.js";
import { FLOATS } from "./floats.js";
import type { Helper } from "./helper.js";
import { PLANES } from "./planes.js";
import { STAIRS } from "./stairs.js";
import { WINDOWS } from "./windows.js";

const ALL = { ...WINDOWS, ...DOTS, ...PLANES, ...STAIRS, ...FLOATS };

/** Name of a helper. */
export type HelperName = keyof typeof ALL;

/** Helpers. */
export const HELPERS: Readonly<Record<HelperName, Helper<HelperName>>> = ALL;
