/** @file The --threads and --relaxed options: how many threads a command's kernels run on, and which kernels. */
import { setFlagsFromString } from "node:v8";
import type { Command } from "commander";
import { init, threads } from "../kernels/index.js";
import { relaxedAvailable } from "../kernels/relaxed.js";
import { quoted, UsageError } from "./failure.js";
import { wholeNumber } from "./values.js";

/** What --threads and --relaxed give. */
export interface ThreadsOption {
  threads: number | "auto";
  relaxed?: boolean;
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

/** Adds --threads and --relaxed. */
export function threadsOption(made: Command, byDefault: number | "auto" = "auto"): Command {
  return made
    .option(
      "--threads <n>",
      "threads to compute on, or auto: one for each processor; results do not depend on it",
      threadNumber,
      byDefault,
    )
    .option(
      "--relaxed",
      "kernels with relaxed SIMD: faster, but float results then depend on the processor and are not reproducible elsewhere",
    );
}

/** Node 20 has relaxed SIMD behind a flag, which asking for it by name turns on. */
function allowRelaxed(): void {
  if (!relaxedAvailable() && process.versions.node.startsWith("20.")) {
    setFlagsFromString("--experimental-wasm-relaxed-simd");
  }
}

/** Starts the threads; before the first array is made. @returns how many there are */
export async function startThreads({ threads: wanted = "auto", relaxed }: Partial<ThreadsOption>): Promise<number> {
  if (relaxed) allowRelaxed();
  await init({ threads: wanted, relaxed });
  return threads();
}
