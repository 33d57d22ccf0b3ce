/** @file The runs of a plan that were asked for, by name or id, and what they start from. */
import { unknownWord } from "../run/usage-error.js";
import { withSources } from "./graph.js";
import type { SweepJob } from "./job.js";
import type { ResolvedPlan } from "./resolve.js";

/** Runs whose name, or the beginning of whose job's id, matches one of the patterns; `*` stands for anything. */
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
    if (own.length === 0) {
      throw unknownWord(
        "--only",
        "no such run",
        pattern,
        runs.map(({ name }) => name),
      );
    }
    for (const run of own) found.add(run);
  }
  return runs.filter((run) => found.has(run));
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
