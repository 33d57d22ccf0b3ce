/** @file The runs of a plan that were asked for, by name or id, and what they start from. */
import { firstOf } from "../core/first-of.js";
import { quoted, UsageError, unknownWord } from "../run/usage-error.js";
import { withSources } from "./graph.js";
import type { SweepJob } from "./job.js";
import type { ResolvedPlan } from "./resolve.js";

/** Names of runs that a message shows. */
const SHOWN = 5;

/**
 * Runs whose name, or the beginning of whose job's id, matches one of the patterns; `*` stands for anything.
 *
 * @param idOf "" for a run without an id
 * @throws UsageError for a pattern that no run has; for one that looks like an id it names the runs without one
 */
export function matching<R extends { readonly name: string }>(
  patterns: readonly string[],
  runs: readonly R[],
  idOf: (run: R) => string,
): R[] {
  const found = new Set<R>();
  for (const pattern of patterns) {
    const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    const expression = new RegExp(`^${parts.join(".*")}$`);
    const isId = /^[0-9a-f]{8,64}$/.test(pattern);
    const own = runs.filter((run) => expression.test(run.name) || (isId && idOf(run).startsWith(pattern)));
    if (own.length === 0) throw isId ? noSuchId(pattern, runs, idOf) : noSuchName(pattern, runs);
    for (const run of own) found.add(run);
  }
  return runs.filter((run) => found.has(run));
}

function noSuchName(pattern: string, runs: readonly { readonly name: string }[]): UsageError {
  const names = runs.map(({ name }) => name);
  return unknownWord("--only", "no such run", pattern, names);
}

/** An id is known only where the files that a run starts from are there: they are part of it. */
function noSuchId<R extends { readonly name: string }>(
  pattern: string,
  runs: readonly R[],
  idOf: (run: R) => string,
): UsageError {
  const without = runs.filter((run) => idOf(run) === "").map(({ name }) => name);
  if (without.length === 0) return noSuchName(pattern, runs);
  return new UsageError({
    op: "--only",
    what: `no run has the id ${quoted(pattern)}`,
    expected: "the id or the name of one",
    hint: `runs whose files are not there have no id, only a name: ${firstOf(without, SHOWN)}`,
  });
}

/**
 * The jobs that were asked for, and what they start from.
 *
 * @param patterns see {@link matching}; none: all jobs
 * @param warn told of runs that lack their files and were not asked for
 * @throws DataError if one that was asked for lacks its file; UsageError for a pattern that no run has
 */
export function chosenJobs(
  { runs, jobs, lacking }: ResolvedPlan,
  patterns: readonly string[],
  warn: (text: string) => void,
): SweepJob[] {
  const [[without, error] = []] = lacking;
  if (patterns.length === 0) {
    if (error !== undefined) throw error;
    return [...jobs];
  }
  const known: { name: string; id?: string }[] = [...runs, ...[...lacking.keys()].map((name) => ({ name }))];
  const found = matching(patterns, known, ({ id = "" }) => id);
  for (const { name } of found) if (lacking.has(name)) throw lacking.get(name);
  if (error !== undefined) {
    const more = lacking.size === 1 ? "" : `, and ${lacking.size - 1} more`;
    warn(`left out, for they were not asked for: ${without}${more} (${error.message})`);
  }
  const wanted = new Set(found.map(({ id }) => id));
  return withSources(
    jobs.filter(({ id }) => wanted.has(id)),
    jobs,
    ({ id }) => id,
    ({ from }) => from,
  );
}
