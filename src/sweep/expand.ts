/** @file From a plan to its runs: grids, lists and seeds multiplied out, names made, settings checked. */
import { CoarsegradError } from "../core/errors.js";
import type { Settings } from "../run/config.js";
import type { Field } from "../run/field.js";
import { fields } from "../run/fields.js";
import { type PresetName, withPreset } from "../run/presets.js";
import { checkSettings } from "../run/settings.js";
import { UsageError, unknownWord } from "../run/usage-error.js";
import { inOrder } from "./graph.js";
import { type Plan, type PlanEntry, type PlanItem, type PlanSettings, refusePlan, splitPreset } from "./plan.js";

/** One run of a plan. */
export interface PlannedSweepRun {
  /** Its own in the plan: `table2/rho-1e-5-seed-3`. */
  readonly name: string;
  /** The name without the seed: runs of one group differ by nothing else. */
  readonly group: string;
  /** The entry of the plan that it is of. */
  readonly entry: string;
  readonly title: string;
  /** What was chosen, preset apart; `init` only where the run starts from a file. */
  readonly settings: Settings;
  readonly preset?: PresetName;
  readonly seed: number;
  /** Name of the run whose weights it starts from. */
  readonly from: string | null;
  /** Name of the run that is its teacher: one that it starts from, directly or by way of others. */
  readonly teacherFrom?: string;
  readonly verify: boolean;
  /** Settings that differ within the entry, as text. */
  readonly varied: Readonly<Record<string, string>>;
}

/** Before the runs that others start from are known by name. */
interface Draft extends Omit<PlannedSweepRun, "from" | "teacherFrom"> {
  readonly source: string | null;
  readonly teacher: string | undefined;
}

/** A value as the command line writes it. */
function written(table: ReadonlyMap<string, Field>, key: string, value: unknown): string {
  if (value === undefined) return "default";
  return table.get(key)?.kind.write(value) || `${value ?? "default"}`;
}

/** As it stands in the name of a folder. */
function slug(word: string): string {
  return word.replace(/[^\w.+-]+/g, "-").toLowerCase();
}

/** `alphaRule` → `alpha-rule`. */
function dashed(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Every combination of a grid's values. */
export function combinations(grid: PlanEntry["grid"]): PlanSettings[] {
  return Object.entries(grid).reduce<PlanSettings[]>(
    (points, [key, values]) => points.flatMap((point) => values.map((value) => ({ ...point, [key]: value }))),
    [{}],
  );
}

/** The runs of one entry. */
function draftsOf(plan: Plan, entry: PlanEntry, seed: number): Draft[] {
  const op = `${plan.file}: runs.${entry.key}`;
  const table = new Map(fields());
  const items: readonly PlanItem[] = entry.list.length === 0 ? [{ settings: {} }] : entry.list;
  const both = Object.keys(entry.grid).find((key) => items.some(({ settings }) => key in settings));
  if (both !== undefined) refusePlan(op, `${both} is in the grid and in the list`, "one of them", both);
  const listed = entry.list.length < 2 ? [] : [...new Set(items.flatMap(({ settings }) => Object.keys(settings)))];
  const several = Object.keys(entry.grid).filter((key) => entry.grid[key].length > 1);
  const common = { ...plan.settings, ...entry.settings };
  const seeds = entry.seeds ?? ("seed" in entry.settings ? undefined : plan.seeds);
  if (entry.seeds !== undefined && "seed" in entry.settings)
    refusePlan(op, "seed and seeds", "one of them", entry.seeds);
  return (seeds ?? [undefined]).flatMap((given) =>
    combinations(entry.grid).flatMap((point) =>
      items.map((item) => {
        const chosen: Record<string, unknown> = { ...common, ...point, ...item.settings };
        if (given !== undefined) chosen.seed = given;
        const source = item.from ?? entry.from ?? null;
        const teacher = item.teacherFrom ?? entry.teacherFrom;
        const own = { ...entry.settings, ...point, ...item.settings };
        if (source !== null) {
          if (own.init !== undefined) refusePlan(op, "init and from", "one of them", own.init);
          delete chosen.init;
        }
        if (teacher !== undefined) {
          for (const key of ["teacher", "teacherModel", "teacherNormalize"]) {
            if (own[key] !== undefined) refusePlan(op, `${key} and teacherFrom`, "one of them", own[key]);
            delete chosen[key];
          }
        }
        for (const key of Object.keys(chosen)) if (chosen[key] === undefined) delete chosen[key];
        const { settings, preset } = splitPreset(chosen);
        const words = Object.fromEntries([...several, ...listed].map((key) => [key, written(table, key, chosen[key])]));
        const name = nameOf(entry, item, words, (key) => written(table, key, chosen[key]));
        return {
          name: seeds !== undefined && seeds.length > 1 ? withSeed(name, entry, given as number) : name,
          group: name,
          entry: entry.key,
          title: titleOf(entry, item, words, (key) => written(table, key, chosen[key])),
          settings,
          ...(preset !== undefined && { preset }),
          seed: settings.seed ?? seed,
          source,
          teacher,
          verify: entry.verify,
          varied: { ...words, ...(seeds !== undefined && seeds.length > 1 && { seed: `${given}` }) },
        };
      }),
    ),
  );
}

function withSeed(name: string, { key }: PlanEntry, seed: number): string {
  return `${name}${name === key && !key.includes("{") ? "/" : "-"}seed-${seed}`;
}

/** The entry's name with `{setting}`s filled in; what else differs is appended. */
function nameOf(
  { key }: PlanEntry,
  item: PlanItem,
  varied: Readonly<Record<string, string>>,
  text: (key: string) => string,
): string {
  const placed = new Set<string>();
  const name = key.replace(/\{(\w+)\}/g, (_, word: string) => {
    placed.add(word);
    return slug(text(word));
  });
  const own = item.name === undefined ? [] : [slug(item.name)];
  const rest = Object.entries(varied).filter(
    ([word]) => !placed.has(word) && (item.name === undefined || !(word in item.settings)),
  );
  const parts = [...rest.map(([word, value]) => `${dashed(word)}-${slug(value)}`), ...own];
  return parts.length === 0 ? name : `${name}${placed.size > 0 ? "-" : "/"}${parts.join("-")}`;
}

/** What tables say: the entry's title, or what is different. */
function titleOf(
  { key, title }: PlanEntry,
  item: PlanItem,
  varied: Readonly<Record<string, string>>,
  text: (key: string) => string,
): string {
  if (title !== undefined) return title.replace(/\{(\w+)\}/g, (_, word: string) => text(word));
  const words = item.name ?? Object.entries(varied).map(([word, value]) => `${dashed(word)} ${value}`);
  return [key.replace(/\{(\w+)\}/g, (_, word: string) => text(word)), ...[words].flat()].join(", ");
}

/** The run that `from` means: of those of an entry, the one that shares what both vary, and the seed. */
function sourceOf(file: string, draft: Draft, drafts: readonly Draft[]): string | null {
  const { name, source } = draft;
  if (source === null) return null;
  const op = `${file}: ${name}`;
  const direct = drafts.find((other) => other.name === source);
  if (direct !== undefined) return direct.name;
  const all = drafts.filter(({ entry, group }) => entry === source || group === source);
  if (all.length === 0) {
    throw unknownWord(op, "from: unknown run", source, [...new Set(drafts.flatMap((each) => [each.entry, each.name]))]);
  }
  const { seed } = draft.settings;
  const own: Readonly<Record<string, string>> = { ...draft.varied, ...(seed !== undefined && { seed: `${seed}` }) };
  const same = all.filter(({ varied }) =>
    Object.entries(varied).every(([key, value]) => (own[key] ?? value) === value),
  );
  if (same.length === 1) return same[0].name;
  const names = (same.length === 0 ? all : same).map((each) => each.name).join(", ");
  const what = same.length === 0 ? "from: no run with the same settings" : "from: several runs";
  return refusePlan(op, what, `one of ${names}`, source);
}

/** The teacher among the runs that a run starts from, the nearest first. */
function withTeacher(file: string, run: PlannedSweepRun, teacher: string, known: ReadonlyMap<string, PlannedSweepRun>) {
  const line: string[] = [];
  for (let { from } = run; from !== null; from = (known.get(from) as PlannedSweepRun).from) {
    const { name, entry, group } = known.get(from) as PlannedSweepRun;
    if ([name, entry, group].includes(teacher)) return { ...run, teacherFrom: name };
    line.push(name);
  }
  const expected = line.length === 0 ? "from, and one of the runs that it leads to" : `one of ${line.join(", ")}`;
  return refusePlan(`${file}: ${run.name}`, "teacherFrom: not a run that it starts from", expected, teacher);
}

/** Refuses names with a `{setting}` that no run has. */
function checkPlaces({ file, runs }: Plan): void {
  const known = [...fields().map(([key]) => key), "preset"];
  for (const { key, title = "" } of runs) {
    for (const [, word] of `${key} ${title}`.matchAll(/\{(\w+)\}/g)) {
      if (!known.includes(word)) throw unknownWord(`${file}: runs.${key}`, "unknown setting", word, known);
    }
  }
}

/** Settings as they are checked: the file behind `from` is not there yet. */
function checkRun(file: string, { name, settings, preset, source, teacher }: Draft): void {
  const behind = { ...(source !== null && { init: source }), ...(teacher !== undefined && { teacher }) };
  try {
    checkSettings(withPreset(preset, { ...settings, ...behind }));
  } catch (error) {
    if (!(error instanceof CoarsegradError)) throw error;
    throw new UsageError({ op: `${file}: ${name}`, what: error.message });
  }
}

/**
 * The runs of a plan, those that others start from before them, else in the plan's order.
 *
 * @param seed of runs that the plan names none for
 * @throws UsageError for names that two runs share, for a `from` that means none or several, for circles of them, for a
 * teacher that a run does not start from, and for settings that exclude each other
 */
export function expandPlan(plan: Plan, seed = 1): PlannedSweepRun[] {
  checkPlaces(plan);
  const drafts = plan.runs.flatMap((entry) => draftsOf(plan, entry, seed));
  const names = drafts.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    refusePlan(plan.file, "two runs of one name", "names of their own", twice, "name the items of the list");
  }
  // A folder of one run's name cannot hold another's.
  const inside = names.find((name) => names.some((other) => other.startsWith(`${name}/`)));
  if (inside !== undefined) {
    const other = names.find((name) => name.startsWith(`${inside}/`));
    refusePlan(plan.file, "a run named like the folder of another", `another name than ${inside}`, other);
  }
  const runs = drafts.map((draft): PlannedSweepRun => {
    const { source: _, teacher: __, ...run } = draft;
    return { ...run, from: sourceOf(plan.file, draft, drafts) };
  });
  const ordered = inOrder(
    runs,
    ({ name }) => name,
    ({ from }) => from,
    plan.file,
  );
  for (const draft of drafts) checkRun(plan.file, draft);
  const known = new Map(ordered.map((run) => [run.name, run]));
  const teachers = new Map(drafts.map(({ name, teacher }) => [name, teacher]));
  return ordered.map((run) => {
    const teacher = teachers.get(run.name);
    return teacher === undefined ? run : withTeacher(plan.file, run, teacher, known);
  });
}
