/** @file What became of a plan: a line for each run, and means over the seeds of each group. */
import type { RunSummary } from "../run/summary.js";
import type { PlannedSweepRun } from "./expand.js";
import { jobFolder } from "./job.js";
import { deviation, mean, paired } from "./statistics.js";

/** How a run stands: `open` has not come to its end. */
export type RunStatus = "done" | "failed" | "skipped" | "open";

/** One run of the plan, a line of `sweep-results.jsonl`. */
export interface SweepResult {
  readonly name: string;
  readonly group: string;
  readonly entry: string;
  readonly title: string;
  readonly status: RunStatus;
  /** Why it failed, or what it would have started from. */
  readonly error: string | null;
  readonly id: string;
  /** Of its run, within the sweep's. */
  readonly folder: string;
  readonly seed: number;
  readonly from: string | null;
  /** What the plan chose. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The run's own, without its layers. */
  readonly summary: Omit<RunSummary, "layers"> | null;
}

/** What is known of a job. */
export interface JobState {
  readonly status: RunStatus;
  readonly error?: string;
  readonly summary?: RunSummary;
}

/** The line of a run. */
export function resultOf(run: PlannedSweepRun, id: string, { status, error, summary }: JobState): SweepResult {
  const { name, group, entry, title, seed, from, teacherFrom, settings, preset } = run;
  const { layers: _, ...rest } = summary ?? { layers: [] };
  return {
    ...{ name, group, entry, title, status },
    error: error ?? null,
    id,
    folder: jobFolder(id),
    seed,
    from,
    settings: {
      ...(preset !== undefined && { preset }),
      ...settings,
      ...(teacherFrom !== undefined && { teacher: teacherFrom }),
    },
    summary: summary === undefined ? null : (rest as Omit<RunSummary, "layers">),
  };
}

/** Mean and sample deviation over the runs of a group. */
export interface Figure {
  readonly mean: number;
  /** Null for one run. */
  readonly deviation: number | null;
}

/** Runs that differ by their seed alone. */
export interface GroupResult {
  readonly group: string;
  readonly entry: string;
  readonly title: string;
  readonly runs: number;
  /** Seeds of those that are done. */
  readonly seeds: readonly number[];
  /** Of the training graph on the test images, percent. */
  readonly top1: Figure | null;
  /** Of the packed file. */
  readonly packedTop1: Figure | null;
  readonly packedBytes: Figure | null;
  readonly wallSeconds: Figure | null;
  /** Top-1 against the entry's first group, over the seeds that both have: a paired t-test. */
  readonly against: {
    readonly group: string;
    readonly difference: number;
    /** Half of the difference's 95 % interval. */
    readonly margin: number | null;
    readonly p: number | null;
  } | null;
}

function figureOf(values: readonly number[]): Figure | null {
  if (values.length === 0) return null;
  return { mean: mean(values), deviation: values.length < 2 ? null : deviation(values) };
}

/** Means over seeds, in the order of the results. */
export function groupResults(results: readonly SweepResult[]): GroupResult[] {
  const groups = new Map<string, SweepResult[]>();
  for (const result of results) groups.set(result.group, [...(groups.get(result.group) ?? []), result]);
  const firstOf = new Map<string, SweepResult[]>();
  return [...groups].map(([group, runs]) => {
    const { entry, title } = runs[0];
    if (!firstOf.has(entry)) firstOf.set(entry, runs);
    const base = firstOf.get(entry) as SweepResult[];
    const done = runs.flatMap(({ seed, summary }) => (summary === null ? [] : [{ ...summary, seed }]));
    const figure = (of: (summary: (typeof done)[number]) => number): Figure | null => figureOf(done.map(of));
    return {
      ...{ group, entry, title, runs: runs.length },
      seeds: done.map(({ seed }) => seed),
      top1: figure(({ top1 }) => top1),
      packedTop1: figure(({ packed }) => packed.top1),
      packedBytes: figure(({ packed }) => packed.bytes),
      wallSeconds: figure(({ wallSeconds }) => wallSeconds),
      against: base === runs ? null : comparison(runs, base),
    };
  });
}

function comparison(runs: readonly SweepResult[], base: readonly SweepResult[]): GroupResult["against"] {
  const pairs = runs.flatMap(({ seed, summary }) => {
    const other = base.find((result) => result.seed === seed)?.summary;
    return summary === null || other == null ? [] : [[summary.top1, other.top1] as const];
  });
  if (pairs.length < 2) return null;
  const { difference, margin, p } = paired(
    pairs.map(([own]) => own),
    pairs.map(([, other]) => other),
  );
  const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
  return { group: base[0].group, difference, margin: known(margin), p: known(p) };
}
