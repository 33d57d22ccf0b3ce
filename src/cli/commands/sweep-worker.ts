/** @file `coarsegrad sweep-worker`: does the runs that a sweep put into a queue. */
import path from "node:path";
import type { Command } from "commander";
import { text, whole } from "../../run/kinds.js";
import { UsageError } from "../../run/usage-error.js";
import type { SweepJob } from "../../sweep/job.js";
import { addressOf } from "../../sweep/queue/library.js";
import { workOn } from "../../sweep/queue/worker.js";
import { command, onRun } from "../options/command.js";
import { option } from "../options/option.js";
import { doneText } from "../sweep/text.js";
import { outOption, shares, type WorkplaceOptions, workplace, workplaceOptions } from "../sweep/workplace.js";
import { interruptible } from "../ui/interrupt.js";
import { JobBoard } from "../ui/jobs.js";
import { progressBoard } from "../ui/progress.js";
import type { CommonOptions } from "../ui/terminal.js";

interface SweepWorkerOptions extends CommonOptions, WorkplaceOptions {
  readonly queue?: string;
  readonly out?: string;
  readonly stall: number;
}

/** The command. */
export function sweepWorkerCommand(): Command {
  const made = command({
    name: "sweep-worker",
    summary: "do the runs that sweep --queue gives out, on this machine",
    description:
      "Takes runs from a queue, trains each in a process of its own, and gives the results back; a line on stdout for each. Ctrl-C gives back what it is at, which goes on elsewhere from its last checkpoint; so does what a worker was at that dies. It works until it is stopped. Needs the packages bullmq and ioredis, and Redis.",
    examples: [
      "coarsegrad sweep-worker --queue redis://host:6379 --out /shared/study",
      "coarsegrad sweep-worker --queue redis://host:6379 --jobs 4 --threads 2",
    ],
    brief: {
      "--queue": "where the runs are: redis://HOST:PORT, as of sweep",
      "--out": "folder of the runs: of a plan with from, that of sweep",
      "--jobs": "runs at a time (default: one for each processor)",
      "--threads": "threads of each run",
      "--stall": "seconds of silence that lose a worker its runs (default: 30)",
      "--data-dir": "a data directory to look in",
      "--json": "a line of JSON for each run",
    },
  });
  option(made, "--queue <url>", "where the runs are: redis://HOST:PORT, as of sweep (needed)", text);
  outOption(made, "runs/sweep; of a plan with from: that of sweep, on a disk that all workers have");
  workplaceOptions(made);
  const stall = "seconds without a sign of life after which a worker's runs are given to others";
  option(made, "--stall <seconds>", stall, whole({ min: 2, max: 3600 }), 30);
  return onRun<SweepWorkerOptions>(made, async (options, _, terminal) => {
    const { queue, out = path.join("runs", "sweep"), stall } = options;
    if (queue === undefined) {
      const expected = "--queue redis://HOST:PORT";
      throw new UsageError({ op: "sweep-worker", what: "missing option", expected, got: "none" });
    }
    const address = addressOf(queue);
    const board = new JobBoard(progressBoard(terminal), null);
    const ended = ({ name, id }: SweepJob, status: string, words: string, more: object = {}): void => {
      board.leave(name);
      terminal.line({ name, id, status, ...more }, () => `${name}: ${words}`);
    };
    try {
      await interruptible(terminal, "giving back what is at work", (signal) =>
        workOn(
          // The queue gives a run away only when its worker is lost.
          workplace(out, options, true),
          {
            url: queue,
            jobs: shares(options).jobs,
            stall,
            version: COARSEGRAD_VERSION,
            warn: (words) => terminal.warn(words),
            onReady: () => terminal.note(`waiting for runs of ${address}; they go to ${out}`),
            onStart(job) {
              board.start(job.name);
              if (terminal.json) terminal.line({ name: job.name, id: job.id, status: "begun" }, () => "");
            },
            onProgress: ({ name }, at) => board.progress(name, at),
            onEnd(job, ending) {
              if ("stopped" in ending) return ended(job, "stopped", "given back");
              if ("error" in ending) return ended(job, "failed", `failed: ${ending.error}`, ending);
              const { summary, worked } = ending;
              ended(job, "done", doneText(summary), { worked, weightsSha256: summary.weightsSha256 });
            },
          },
          signal,
        ),
      );
    } finally {
      board.stop();
    }
  });
}
