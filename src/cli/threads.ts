/** @file The --threads option: how many threads a command's kernels run on. */
import type { Command } from "commander";
import { init, threads } from "../kernels/index.js";
import { quoted, UsageError } from "./failure.js";
import { wholeNumber } from "./values.js";

/** What --threads gives. */
export interface ThreadsOption {
  threads: number | "auto";
}

const readNumber = wholeNumber("--threads", { min: 1, max: 64 });

/** Reads `auto` or a number. */
export function threadNumber(text: string): number | "auto" {
  if (text === "auto") return "auto";
  if (/^[+-]?\d+$/.test(text.trim())) return readNumber(text);
  throw new UsageError({
    op: "--threads",
    what: "not a number of threads",
    expected: "1 … 64 or auto",
    got: quoted(text),
  });
}

/** Adds --threads. */
export function threadsOption(made: Command): Command {
  return made.option(
    "--threads <n>",
    "threads to compute on, or auto: one for each processor; results do not depend on it",
    threadNumber,
    "auto" as const,
  );
}

/** Starts the threads; before the first array is made. @returns how many there are */
export async function startThreads(options: Partial<ThreadsOption>): Promise<number> {
  await init({ threads: options.threads ?? "auto" });
  return threads();
}
