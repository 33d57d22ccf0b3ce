/** @file `coarsegrad sweep`: all runs of a plan, on this machine, on workers of a queue, or as a cluster's script. */
import path from "node:path";
import type { Command } from "commander";
import { CoarsegradError, DataError } from "../../core/errors.js";
import { RunFolder } from "../../node/run/folder.js";
import { readJsonFile } from "../../node/run/run-files.js";
import { choice, someNames, text } from "../../run/kinds.js";
import type { RunSummary } from "../../run/summary.js";
import { UsageError } from "../../run/usage-error.js";
import { chosenJobs } from "../../sweep/chosen.js";
import { expandPlan } from "../../sweep/expand.js";
import { linkRun, prepareFolder, SWEEP_FILES, writeResults } from "../../sweep/folder.js";
import type { SweepJob } from "../../sweep/job.js";
import { type CommandProgress, finished, performJob } from "../../sweep/perform.js";
import { parsePlan } from "../../sweep/plan.js";
import { SweepQueue } from "../../sweep/queue/queue.js";
import { type ResolvedPlan, resolvePlan } from "../../sweep/resolve.js";
import { groupResults, type JobState, resultOf, type SweepResult } from "../../sweep/results.js";
import { type Ending, runGraph } from "../../sweep/scheduler.js";
import { slurmScript } from "../../sweep/slurm.js";
import { trialOf } from "../../sweep/trial.js";
import { command, onRun } from "../options/command.js";
import { option } from "../options/option.js";
import { doneText, planText, resultsText } from "../sweep/text.js";
import { outOption, passedOn, shares, type WorkplaceOptions, workplace, workplaceOptions } from "../sweep/workplace.js";
import { InterruptedError } from "../ui/failure.js";
import { interruptible, signalOf } from "../ui/interrupt.js";
import { JobBoard } from "../ui/jobs.js";
import { shellWord } from "../ui/numbers.js";
import { progressBoard } from "../ui/progress.js";
import type { CommonOptions, Terminal } from "../ui/terminal.js";
import { writeReport } from "./report.js";

interface SweepOptions extends CommonOptions, WorkplaceOptions {
  readonly out?: string;
  readonly only?: readonly string[];
  readonly queue?: string;
  readonly emit?: "slurm";
  readonly dryRun?: boolean;
  readonly collect?: boolean;
  readonly trial?: boolean;
  readonly takeOver?: boolean;
  readonly report: boolean;
  readonly seed: number;
}

/** The command. */
export function sweepCommand(): Command {
  const made = command({
    name: "sweep",
    summary: "many runs of train from one plan: grids, lists, seeds, runs that start from runs",
    description:
      "Trains all runs of a plan, several at a time, each in a process of its own, and ends with a table over seeds, sweep-results.jsonl and a report. Stopped at any moment, the same command goes on: a run's folder is named by the hash of its configuration, what is done is not done again, and what was begun goes on from its last checkpoint to the same bits. With --queue, sweep-worker does the work on any number of machines; --emit slurm prints a script for a cluster.",
    args: [["<plan>", "a JSON file; docs/sweeps.md says what it holds"]],
    examples: [
      "coarsegrad sweep plan.json --dry-run",
      "coarsegrad sweep plan.json --out runs/study --jobs 2",
      "coarsegrad sweep plan.json --only 'blending/*,float'",
      "coarsegrad sweep plan.json --out /shared/study --queue redis://host:6379",
      "coarsegrad sweep plan.json --out /shared/study --emit slurm > study.sh",
    ],
    brief: {
      "--out": "folder of all runs and results",
      "--only": "these runs (* stands for anything), and what they start from",
      "--jobs": "runs at a time (default: one for each processor)",
      "--threads": "threads of each run",
      "--queue": "give the runs to sweep-workers: redis://HOST:PORT",
      "--emit": "print a script for a cluster instead: slurm",
      "--dry-run": "list the runs and their ids; train nothing",
      "--trial": "every run in small, in a folder of its own",
      "--collect": "only table, results and report of what is done",
      "--json": "print one JSON document on stdout, nothing else",
    },
  });
  outOption(made, "runs/NAME of the plan's file");
  const only = "these runs, by name (* stands for anything) or id, and what they start from";
  option(made, "--only <names>", only, someNames);
  workplaceOptions(made);
  option(made, "--queue <url>", "give the runs to sweep-workers: redis://HOST:PORT, as both find it", text);
  option(made, "--emit <what>", "print a script instead: slurm", choice(["slurm"]));
  made
    .option("--dry-run", "list the runs and their ids; train nothing")
    .option(
      "--trial",
      "every run in small, in a folder of its own: one epoch of few images, to see that all of them work",
    )
    .option("--take-over", "go on with runs that processes of other machines were at, which are known to be gone")
    .option("--collect", "train nothing: table, results and report of what is done")
    .option("--no-report", "no report.html at the end");
  return onRun<SweepOptions>(made, (options, [file], terminal) => new Sweep(file, options, terminal).run());
}

/** One call of the command. */
class Sweep {
  readonly #file: string;
  readonly #options: SweepOptions;
  readonly #terminal: Terminal;
  readonly #out: string;
  /** How jobs stand, by id. */
  readonly #states = new Map<string, JobState>();
  #plan: ResolvedPlan = { runs: [], jobs: [], files: new Map(), lacking: new Map() };
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string, options: SweepOptions, terminal: Terminal) {
    this.#file = file;
    this.#options = options;
    this.#terminal = terminal;
    const name = path
      .basename(file)
      .replace(/\.json$/i, "")
      .toLowerCase();
    this.#out = options.out ?? path.join("runs", options.trial ? `${name}-trial` : name);
  }

  async run(): Promise<void> {
    const { seed, only, dryRun, emit, collect, trial } = this.#options;
    this.#checkOptions();
    const runs = expandPlan(parsePlan(await readJsonFile(this.#file), this.#file), seed);
    this.#plan = await resolvePlan(trial ? runs.map(trialOf) : runs, path.dirname(this.#file));
    const jobs = chosenJobs(this.#plan, only ?? [], (text) => this.#terminal.warn(text));
    if (emit === "slurm") return this.#emit(jobs);
    await this.#look();
    if (dryRun) {
      const ids = new Set(jobs.map(({ id }) => id));
      const listed = this.#results().filter(({ id }) => ids.has(id));
      return this.#terminal.result({ out: this.#out, runs: listed }, () => planText(listed));
    }
    await prepareFolder(this.#out, this.#plan);
    if (!collect) await this.#work(jobs);
    await this.#finish(jobs);
  }

  #checkOptions(): void {
    const { queue, jobs, threads, emit } = this.#options;
    const clash = [
      queue !== undefined && jobs !== undefined && "--jobs",
      queue !== undefined && threads !== undefined && "--threads",
      queue !== undefined && emit !== undefined && "--emit",
    ].find(Boolean);
    if (clash) {
      const expected = clash === "--emit" ? "one of them" : "it with sweep-worker, which does the work";
      throw new UsageError({ op: clash, what: "does not go with --queue", expected, got: clash });
    }
  }

  /** What is done already. */
  async #look(): Promise<void> {
    for (const job of this.#plan.jobs) {
      try {
        const summary = await finished(job, this.#out);
        this.#states.set(job.id, summary === null ? { status: "open" } : { status: "done", summary });
      } catch (error) {
        if (!(error instanceof CoarsegradError)) throw error;
        this.#states.set(job.id, { status: "failed", error: error.message });
      }
    }
  }

  #results(): SweepResult[] {
    return this.#plan.runs.map((run) => resultOf(run, run.id, this.#states.get(run.id) ?? { status: "open" }));
  }

  #emit(jobs: readonly SweepJob[]): void {
    const { threads = 1, report, seed, trial } = this.#options;
    const script = slurmScript(jobs, {
      plan: path.resolve(this.#file),
      out: path.resolve(this.#out),
      threads,
      options: [
        ...passedOn(this.#options).train,
        ...(seed === 1 ? [] : ["--seed", `${seed}`]),
        ...(trial ? ["--trial"] : []),
        ...(report ? [] : ["--no-report"]),
      ],
      quote: shellWord,
    });
    this.#terminal.result({ script, jobs: jobs.length }, () => script.trimEnd());
  }

  /** Does what is not done. */
  async #work(jobs: readonly SweepJob[]): Promise<void> {
    const { queue: url } = this.#options;
    const what = url === undefined ? "stopping the runs after their step" : "leaving the queue; its workers go on";
    await interruptible(this.#terminal, what, async (signal) => {
      const warn = (text: string): void => this.#terminal.warn(text);
      const queue = url === undefined ? null : await SweepQueue.open(url, COARSEGRAD_VERSION, warn);
      const left = jobs.filter(({ id }) => this.#states.get(id)?.status !== "done").length;
      const board = new JobBoard(progressBoard(this.#terminal), jobs.length, jobs.length - left);
      try {
        const endings = await this.#schedule(jobs, queue, board, signal);
        if (signal.aborted) this.#stopped(jobs, endings, signal);
      } finally {
        board.stop();
        await queue?.close();
        await this.#writing;
      }
    });
  }

  #schedule(
    jobs: readonly SweepJob[],
    queue: SweepQueue | null,
    board: JobBoard,
    signal: AbortSignal,
  ): Promise<Map<string, Ending<RunSummary>>> {
    const place = workplace(this.#out, this.#options, this.#options.takeOver === true);
    return runGraph<SweepJob, RunSummary>(jobs, {
      limit: queue === null ? shares(this.#options).jobs : Number.POSITIVE_INFINITY,
      signal,
      perform: async (job) => {
        const { status, summary } = this.#states.get(job.id) as JobState;
        if (status === "done") return summary as RunSummary;
        const onProgress = (at: CommandProgress): void => board.progress(job.name, at);
        if (queue === null) return (await performJob(job, place, onProgress, signal)).summary;
        return (await finished(job, this.#out)) ?? queue.perform(job, onProgress, signal);
      },
      onStart: (job) => {
        // In a queue it begins when a worker says so.
        if (queue === null && this.#states.get(job.id)?.status !== "done") board.start(job.name);
      },
      onEnd: (job, ending) => this.#ended(job, ending, board),
    });
  }

  #ended(job: SweepJob, ending: Ending<RunSummary>, board: JobBoard): void {
    const before = this.#states.get(job.id);
    if (ending.status === "stopped") {
      board.leave(job.name);
      return;
    }
    if (ending.status === "done") {
      this.#states.set(job.id, { status: "done", summary: ending.result });
      if (before?.status !== "done") board.end(job.name, doneText(ending.result));
    } else if (ending.status === "failed") {
      const error = ending.error instanceof Error ? ending.error.message : String(ending.error);
      this.#states.set(job.id, { status: "failed", error });
      board.end(job.name, `failed: ${error}`, true);
    } else {
      const source = this.#plan.jobs.find(({ id }) => id === ending.source)?.name ?? ending.source;
      this.#states.set(job.id, { status: "skipped", error: source });
      board.end(job.name, `skipped: it starts from ${source}`, true);
    }
    // One after the other, each with all that is known then.
    this.#writing = this.#writing.then(() => writeResults(this.#out, this.#results()));
  }

  #stopped(jobs: readonly SweepJob[], endings: Map<string, Ending<unknown>>, signal: AbortSignal): never {
    const done = [...endings.values()].filter(({ status }) => status === "done").length;
    throw new InterruptedError(
      {
        op: "sweep",
        what: `stopped with ${done} of ${jobs.length} runs done`,
        hint: "the same command goes on",
      },
      signalOf(signal),
    );
  }

  /** Names, table, results and report of all that is there. */
  async #finish(jobs: readonly SweepJob[]): Promise<void> {
    const results = this.#results();
    await writeResults(this.#out, results);
    const folders: string[] = [];
    for (const { name, id, folder } of results) {
      if (!(await RunFolder.holdsRun(path.join(this.#out, folder)))) continue;
      folders.push(await linkRun(this.#out, name, id));
    }
    const report = this.#options.report && folders.length > 0 ? await this.#report(folders) : null;
    const groups = groupResults(results);
    const file = path.join(this.#out, SWEEP_FILES.results);
    const ids = new Set(jobs.map(({ id }) => id));
    const asked = results.filter(({ id }) => ids.has(id));
    // Of the rest of the plan people see what is done.
    const seen = results.filter(({ id, status }) => ids.has(id) || status === "done");
    this.#terminal.result({ out: this.#out, results, groups, report }, () =>
      [resultsText(groups, seen), "", `results  ${file}`, ...(report === null ? [] : [`report   ${report}`])].join(
        "\n",
      ),
    );
    const bad = asked.filter(({ status }) => status !== "done");
    if (bad.length > 0 && !this.#options.collect) {
      throw new DataError({
        op: "sweep",
        what: `${bad.length} of ${asked.length} runs are not done`,
        got: bad.map(({ name, status }) => `${name} ${status}`).join(", "),
        hint: "the same command tries them again",
      });
    }
  }

  /** The page of all runs, or null if it cannot be made: that loses no run. */
  async #report(folders: readonly string[]): Promise<string | null> {
    const file = path.join(this.#out, SWEEP_FILES.report);
    try {
      const title = `Sweep ${path.basename(this.#out)}`;
      // Mistakes are not looked for: that would test every run anew.
      await writeReport(folders, file, { title, limit: 0, warn: (text) => this.#terminal.warn(text) });
      return file;
    } catch (error) {
      if (!(error instanceof CoarsegradError)) throw error;
      this.#terminal.warn(`no report: ${error.message}`);
      return null;
    }
  }
}
