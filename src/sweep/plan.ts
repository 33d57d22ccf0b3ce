/** @file A plan of many runs as JSON: what it may hold, read once and completely, before anything runs. */
import { describe, type Rule, record } from "../core/checks.js";
import type { Settings } from "../run/config.js";
import { fields } from "../run/fields.js";
import { flag } from "../run/kinds.js";
import { PRESET_NAMES, type PresetName } from "../run/presets.js";
import { UsageError, unknownWord } from "../run/usage-error.js";

/** Settings of `train` by name, and `preset`; null takes back what the plan says for all runs. */
export type PlanSettings = Readonly<Record<string, unknown>>;

/** One item of a list: settings that go together. */
export interface PlanItem {
  /** What its runs are called, instead of its settings. */
  readonly name?: string;
  readonly from?: string;
  readonly teacherFrom?: string;
  readonly settings: PlanSettings;
}

/** Runs that are described together. */
export interface PlanEntry {
  /** Its name in the plan, which may hold `{setting}`s. */
  readonly key: string;
  /** What tables call its runs; may hold `{setting}`s too. */
  readonly title?: string;
  readonly settings: PlanSettings;
  /** Values by setting: every combination is a run. */
  readonly grid: Readonly<Record<string, readonly unknown[]>>;
  /** Each item is a run, for every combination of the grid. */
  readonly list: readonly PlanItem[];
  /** A run for each; without them the settings' own. */
  readonly seeds?: readonly number[];
  /** The run, or the entry, whose weights they start from. */
  readonly from?: string;
  /** The run, or the entry, that is their teacher: one that they start from, directly or by way of others. */
  readonly teacherFrom?: string;
  /** Compare each packed file with the training graph. */
  readonly verify: boolean;
}

/** A plan as it is written. */
export interface Plan {
  /** The file, for messages. */
  readonly file: string;
  /** Settings of all runs that do not say otherwise. */
  readonly settings: PlanSettings;
  readonly seeds?: readonly number[];
  readonly runs: readonly PlanEntry[];
}

const PLAN_FIELDS = ["settings", "seeds", "runs"];
const ENTRY_FIELDS = ["title", "settings", "grid", "list", "seeds", "from", "teacherFrom", "verify"];
const ITEM_FIELDS = ["name", "from", "teacherFrom"];
/** Letters, digits and what files may be called everywhere, in parts between slashes. */
const NAME = /^(?!\.)[\w.+-]+(?:\/(?!\.)[\w.+-]+)*$/;
/** A folder of the sweep's own. */
const RESERVED = /^(?:jobs|files)(?:\/|$)/;

/** Refuses a part of a plan. */
export function refusePlan(op: string, what: string, expected: string, got?: unknown, hint?: string): never {
  throw new UsageError({ op, what, expected, ...(got !== undefined && { got: describe(got) }), hint });
}

function asked(op: string, name: string, value: unknown, rule: Rule): void {
  const expected = rule(value);
  if (expected !== null) refusePlan(op, `bad ${name}`, expected, value);
}

/** An object with no other fields than those. */
function objectAt(op: string, value: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  const expected = record(value);
  if (expected !== null) refusePlan(op, "not an object", expected, value);
  for (const name of Object.keys(value as object)) {
    if (!known.includes(name)) throw unknownWord(op, "unknown field", name, known);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A setting's value from JSON: as `config.json` has it, or as the command line writes it. */
function settingAt(op: string, key: string, value: unknown): unknown {
  if (value === null) return undefined;
  if (key === "preset") {
    if (!PRESET_NAMES.includes(value as PresetName)) throw unknownWord(op, "unknown preset", `${value}`, PRESET_NAMES);
    return value;
  }
  const field = new Map(fields()).get(key);
  if (field === undefined) {
    throw unknownWord(op, "unknown setting", key, [...fields().map(([name]) => name), "preset"]);
  }
  const expected = field.kind.rule(value);
  if (expected === null) return value;
  if (typeof value === "string" && field.kind !== flag) return field.kind.read(value, `${op}: ${key}`);
  return refusePlan(op, `bad ${key}`, expected, value);
}

function settingsAt(op: string, value: unknown): PlanSettings {
  if (value === undefined) return {};
  asked(op, "settings", value, record);
  return Object.fromEntries(Object.entries(value as object).map(([key, word]) => [key, settingAt(op, key, word)]));
}

const isSeed: Rule = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32
    ? null
    : "a whole number, at least 0 and below 4294967296";

function seedsAt(op: string, value: unknown): readonly number[] | undefined {
  if (value === undefined) return undefined;
  const list = nonEmpty(op, "seeds", value);
  for (const seed of list) asked(op, "seeds", seed, isSeed);
  return list as readonly number[];
}

/** A list without copies. */
function nonEmpty(op: string, name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) refusePlan(op, `bad ${name}`, "a list of at least one", value);
  const words = (value as unknown[]).map((item) => JSON.stringify(item));
  const twice = words.find((word, i) => words.indexOf(word) !== i);
  if (twice !== undefined) refusePlan(op, `${name}: the same twice`, "each once", JSON.parse(twice));
  return value as unknown[];
}

function nameAt(op: string, name: string, value: unknown): string {
  const plain = typeof value === "string" ? value.replace(/\{\w+\}/g, "x") : "";
  if (NAME.test(plain) && !RESERVED.test(plain)) return value as string;
  return refusePlan(
    op,
    `bad ${name}`,
    "letters, digits and . _ + - in parts between slashes, not jobs or files",
    value,
  );
}

function textAt(op: string, name: string, value: unknown): string {
  if (typeof value !== "string" || value === "") refusePlan(op, `bad ${name}`, "a text", value);
  return value as string;
}

function gridAt(op: string, value: unknown): PlanEntry["grid"] {
  if (value === undefined) return {};
  asked(op, "grid", value, record);
  return Object.fromEntries(
    Object.entries(value as object).map(([key, values]) => {
      if (key === "seed") refusePlan(op, "grid: seed", "seeds, beside the grid", key);
      // An unknown setting is refused as one, whatever its values are.
      if (!Array.isArray(values)) settingAt(op, key, values);
      const read = nonEmpty(op, `grid.${key}`, values).map((word) => settingAt(op, key, word));
      return [key, nonEmpty(op, `grid.${key}`, read)];
    }),
  );
}

function itemAt(op: string, value: unknown): PlanItem {
  const own = objectAt(op, value, [...ITEM_FIELDS, ...fields().map(([key]) => key), "preset"]);
  const { name, from, teacherFrom, ...settings } = own;
  if ("seed" in settings) refusePlan(op, "a seed in a list", "seeds, beside the list", settings.seed);
  return {
    ...(name !== undefined && { name: nameAt(op, "name", name) }),
    ...(from !== undefined && { from: textAt(op, "from", from) }),
    ...(teacherFrom !== undefined && { teacherFrom: textAt(op, "teacherFrom", teacherFrom) }),
    settings: settingsAt(op, settings),
  };
}

function entryAt(file: string, key: string, value: unknown): PlanEntry {
  nameAt(file, "name of runs", key);
  const op = `${file}: runs.${key}`;
  const own = objectAt(op, value, ENTRY_FIELDS);
  const { title, from, teacherFrom, verify = false } = own;
  asked(op, "verify", verify, flag.rule);
  const list = own.list === undefined ? [] : nonEmpty(op, "list", own.list);
  const seeds = seedsAt(op, own.seeds);
  return {
    key,
    settings: settingsAt(op, own.settings),
    grid: gridAt(op, own.grid),
    list: list.map((item, i) => itemAt(`${op}.list[${i}]`, item)),
    verify: verify as boolean,
    ...(seeds !== undefined && { seeds }),
    ...(title !== undefined && { title: textAt(op, "title", title) }),
    ...(from !== undefined && { from: textAt(op, "from", from) }),
    ...(teacherFrom !== undefined && { teacherFrom: textAt(op, "teacherFrom", teacherFrom) }),
  };
}

/**
 * Takes a plan out of JSON.
 *
 * @param value parsed JSON
 * @param file where it comes from, for messages
 * @throws UsageError for unknown fields and settings, with the nearest known one, and for values that no run has
 */
export function parsePlan(value: unknown, file: string): Plan {
  const own = objectAt(file, value, PLAN_FIELDS);
  const { runs } = own;
  const seeds = seedsAt(file, own.seeds);
  if (record(runs) !== null || Object.keys(runs as object).length === 0) {
    refusePlan(file, "bad runs", "an object of runs by name", runs);
  }
  return {
    file,
    settings: settingsAt(`${file}: settings`, own.settings),
    ...(seeds !== undefined && { seeds }),
    runs: Object.entries(runs as object).map(([key, entry]) => entryAt(file, key, entry)),
  };
}

/** The settings alone, without a preset. */
export function splitPreset(chosen: PlanSettings): { readonly settings: Settings; readonly preset?: PresetName } {
  const { preset, ...settings } = chosen;
  return { settings: settings as Settings, ...(preset !== undefined && { preset: preset as PresetName }) };
}
