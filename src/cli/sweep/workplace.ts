/** @file Where the jobs of a sweep are done: the options that both commands share, and commands in child processes. */
import { availableParallelism } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { text, whole } from "../../run/kinds.js";
import { ranksFor } from "../../run/shards.js";
import type { Workplace } from "../../sweep/perform.js";
import { dataDirOption, option } from "../options/option.js";
import { maxPixelsOption } from "../options/test-images.js";
import { childResult } from "../ui/child.js";

/** Options of `sweep` and `sweep-worker`. */
export interface WorkplaceOptions {
  readonly jobs?: number;
  readonly threads?: number;
  readonly dataDir?: string;
  readonly workers?: number;
  readonly maxPixels?: number;
}

/** Adds them. */
export function workplaceOptions(made: Command): Command {
  option(made, "--jobs <n>", "runs at a time (default: one for each processor)", whole({ min: 1, max: 1024 }));
  const threads = "threads of each run; results do not depend on it (default: processors shared out among the runs)";
  option(made, "--threads <n>", threads, whole({ min: 1, max: 64 }));
  dataDirOption(made);
  option(made, "--workers <n>", "threads of each run that prepare batches, as of train", whole({ min: 0, max: 16 }));
  return maxPixelsOption(made);
}

/** Adds --out. */
export function outOption(made: Command, byDefault: string): Command {
  return option(made, "--out <dir>", `folder of all runs and results (default: ${byDefault})`, text);
}

/** Runs at a time, and threads of each. */
export function shares({ jobs = availableParallelism(), threads }: WorkplaceOptions): {
  jobs: number;
  threads: number;
} {
  return { jobs, threads: threads ?? Math.max(1, Math.floor(availableParallelism() / jobs)) };
}

/** Options of other commands that say the same, with folders that are found from everywhere. */
export function passedOn({ dataDir, workers, maxPixels }: WorkplaceOptions): { train: string[]; verify: string[] } {
  const words = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [name, `${value}`];
  const both = [
    ...words("--data-dir", dataDir === undefined ? undefined : path.resolve(dataDir)),
    ...words("--max-pixels", maxPixels),
  ];
  return { train: [...words("--workers", workers), ...both], verify: both };
}

/**
 * The sweep's folder, where each command is a child process.
 *
 * @param takesOver goes on with runs that other machines were at
 */
export function workplace(out: string, options: WorkplaceOptions, takesOver: boolean): Workplace {
  const { train, verify } = passedOn(options);
  const { threads } = shares(options);
  const data = process.env["COARSEGRAD_DATA"];
  // Children work in the sweep's folder, so that what they record names no machine.
  const env = data ? { COARSEGRAD_DATA: path.resolve(data) } : {};
  return {
    out,
    takesOver,
    // Its share of the processors, as ranks where its batches have parts.
    options: ({ shards }) => ["--ranks", `${ranksFor("auto", shards, threads)}`, "--threads", `${threads}`, ...train],
    verifyOptions: verify,
    command: (args, onProgress, signal) => childResult(args, { signal, onProgress, cwd: path.resolve(out), env }),
  };
}
