/** @file The --threads and --relaxed options: how many threads a command's kernels run on, and which kernels. */
import { setFlagsFromString } from "node:v8";
import type { Command } from "commander";
import { init, threads } from "../../kernels/index.js";
import { relaxedAvailable } from "../../kernels/wasm.js";
import { FIELDS } from "../../run/fields.js";
import { type Kind, whole } from "../../run/kinds.js";
import { quoted, UsageError } from "../../run/usage-error.js";
import { option } from "./option.js";

/** What --threads and --relaxed give. */
export interface ThreadsOption {
  threads: number | "auto";
  relaxed?: boolean;
}

const count = whole({ min: 1, max: 64 });

/** `auto` or a number. */
export const threadNumber: Kind<number | "auto"> = {
  read(text, name) {
    if (text === "auto") return "auto";
    if (/^[+-]?\d+$/.test(text.trim())) return count.read(text, name);
    throw new UsageError({ op: name, what: "not a number of threads", expected: "1 … 64 or auto", got: quoted(text) });
  },
  rule: (value) => (value === "auto" ? null : count.rule(value)),
  write: (value) => `${value}`,
};

/** Adds --threads; --relaxed is a setting of runs. */
export function threadsOption(made: Command, byDefault: number | "auto" = "auto"): Command {
  const help = "threads to compute on, or auto: one for each processor; results do not depend on it";
  return option(made, "--threads <n>", help, threadNumber, byDefault);
}

/** Adds --threads and --relaxed. */
export function engineOptions(made: Command, byDefault: number | "auto" = "auto"): Command {
  const { flags, help } = FIELDS.relaxed;
  return threadsOption(made, byDefault).option(flags, help);
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
