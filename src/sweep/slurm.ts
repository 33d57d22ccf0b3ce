/** @file A sweep for a Slurm cluster: a script of array jobs, in which what starts from a run waits for that run. */
import type { SweepJob } from "./job.js";

/** How the jobs of a cluster are started. */
export interface SlurmOptions {
  /** The plan, as the cluster's machines find it. */
  readonly plan: string;
  /** The sweep's folder, on a disk that all of them have. */
  readonly out: string;
  readonly threads: number;
  /** Further options of `sweep`, such as `--data-dir`. */
  readonly options: readonly string[];
  /** A word as it stands in a shell's command. */
  readonly quote: (word: string) => string;
}

/** Jobs that start from the same one: an array, whose tasks wait for one task of another array. */
interface JobArray {
  readonly jobs: readonly SweepJob[];
  readonly after: { readonly array: number; readonly task: number } | null;
}

/** The arrays, in an order in which each comes after the one that it waits for. @param jobs sources first */
export function jobArrays(jobs: readonly SweepJob[]): JobArray[] {
  const arrays: JobArray[] = [];
  const place = new Map<string, { array: number; task: number }>();
  const sources = [...new Set(jobs.map(({ from }) => from))];
  for (const source of [null, ...sources.filter((from) => from !== null)]) {
    const own = jobs.filter(({ from }) => from === source);
    if (own.length === 0) continue;
    for (const [task, { id }] of own.entries()) place.set(id, { array: arrays.length, task });
    arrays.push({ jobs: own, after: source === null ? null : (place.get(source) ?? null) });
  }
  return arrays;
}

/** The script: it submits one array for each run that others start from, and a last job that gathers the results. */
export function slurmScript(jobs: readonly SweepJob[], options: SlurmOptions): string {
  const { plan, out, threads, quote } = options;
  const arrays = jobArrays(jobs);
  const sweep = ["sweep", plan, "--out", out, ...options.options].map(quote).join(" ");
  const blocks = arrays.map(({ jobs: tasks, after }, i) => {
    const ids = tasks.map(({ id, name }) => `  ${id.slice(0, 16)} # ${name}`);
    const wait = after === null ? "" : ` --dependency="afterok:\${array_${after.array}}_${after.task}"`;
    return `
ids_${i}=(
${ids.join("\n")}
)
array_${i}=$(submit --array=0-${tasks.length - 1}${wait} --wrap="$(task "\${ids_${i}[@]}")")`;
  });
  const all = arrays.map((_, i) => `\${array_${i}}`).join(":");
  return `#!/usr/bin/env bash
# ${jobs.length} runs of ${plan.replace(/\n/g, " ")}, for Slurm: bash this file on a machine that has sbatch.
# A task that is stopped and requeued goes on from its last checkpoint. Options for every array (a partition, a time):
#   SBATCH_OPTIONS="--partition=cpu --time=12:00:00" bash sweep.sh
set -euo pipefail

sweep="\${COARSEGRAD:-npx coarsegrad} "${quote(sweep)}

# What a task of an array does: the job whose number it has. Slurm runs it with sh, which has no arrays.
task() {
  printf 'set -- %s\\nshift "$SLURM_ARRAY_TASK_ID"\\n%s --only "$1" --jobs 1 --threads ${threads} --take-over --no-report --quiet\\n' "$*" "$sweep"
}

submit() {
  # shellcheck disable=SC2086
  sbatch --parsable --job-name=coarsegrad-sweep --cpus-per-task=${threads} --requeue --kill-on-invalid-dep=yes \\
    \${SBATCH_OPTIONS:-} "$@" | cut -d ';' -f 1
}
${blocks.join("\n")}

# Whatever became of them: the table, sweep-results.jsonl and the report of all that is done.
submit --dependency="afterany:${all}" --wrap="$sweep --collect" > /dev/null
echo "submitted ${jobs.length} runs in ${arrays.length} array${arrays.length === 1 ? "" : "s"}; results: "${quote(`${out}/sweep-results.jsonl`)}
`;
}
