/** @file `coarsegrad bench`: how fast the kernels, a training step and classification are on this machine. */
import { type Command, Option } from "commander";
import { choice, real, whole } from "../../run/kinds.js";
import { UsageError } from "../../run/usage-error.js";
import type { BenchOptions, Row } from "../bench/harness.js";
import { FAMILIES, FAMILY_NAMES, type Family } from "../bench/index.js";
import { benchRanks } from "../bench/ranks.js";
import { command, onRun } from "../options/command.js";
import { argument, option } from "../options/option.js";
import { engineOptions, startThreads, type ThreadsOption } from "../options/threads.js";
import { checkUsed } from "../options/used.js";
import type { CommonOptions, Terminal } from "../ui/terminal.js";

interface BenchCommandOptions extends CommonOptions, ThreadsOption {
  filter: string[];
  seed: number;
  time: number;
  profile: boolean;
  ranks?: number;
}

/** The command. */
export function benchCommand(): Command {
  const made = command({
    name: "bench",
    summary: "how fast kernels, training steps and classification are here",
    description:
      "Measures on this machine: matrix products, convolutions, whole training steps, classification, bandwidth-bound passes, and what a training step costs beside its kernels. Each row is the median of many runs. Its calibration is the speed of a fixed register-only loop just before and after: where two rows differ in it, the machine was not equally fast, and their quotients by it compare. CPU is processor time over elapsed time: a row well below one shared its core with other processes.",
    args: [["[family...]", `what to measure: ${FAMILY_NAMES.join(", ")}; all if none is named`]],
    examples: [
      "coarsegrad bench gemm",
      "coarsegrad bench train --filter resnet20 --time 5000",
      "coarsegrad bench train --ranks 2 --filter resnet20",
      "coarsegrad bench gemm --relaxed --threads 2",
      'coarsegrad bench infer --filter "resnet18 1W4A" --profile',
      'coarsegrad bench conv gemm --filter "conv3x3 fwd" --filter "sgemm 512" --json',
    ],
  })
    .addOption(
      new Option("--filter <text>", "only rows whose name contains it; may be given several times")
        .default([], "all rows")
        .argParser((text: string, before: string[]) => [...before, text]),
    )
    .option("--profile", "infer: also a row for each layer", false)
    .addOption(
      new Option("--ranks <n>", "train: also the shards of each batch, by one rank and by n ranks").argParser((word) =>
        whole({ min: 2, max: 64 }).read(word, "--ranks"),
      ),
    )
    .option("--json", "print one JSON object a line for each row, nothing else");
  option(made, "--time <ms>", "time of sampling for each row", real({ above: 0 }), 1000);
  return onRun<BenchCommandOptions>(engineOptions(made, 1), async (options, args, terminal) => {
    const named = args.map(argument("bench", choice<Family>(FAMILY_NAMES)));
    const families = named.length === 0 ? FAMILY_NAMES : named;
    checkUsed(made, {
      profile: { used: families.includes("infer"), expected: "infer among the families" },
      ranks: { used: families.includes("train"), expected: "train among the families" },
    });
    await startThreads(options);
    await run(families, options, terminal);
  });
}

async function run(
  families: readonly Family[],
  { filter, seed, time, profile, ranks }: BenchCommandOptions,
  terminal: Terminal,
): Promise<void> {
  let rows = 0;
  const onRow = (row: Row): void => {
    if (rows++ === 0 && !terminal.json) {
      terminal.note(`${row.threads === 1 ? "one thread" : `${row.threads} threads`}, ${row.variant} kernels`);
      process.stdout.write(`${head()}\n`);
    }
    terminal.line(row, () => rowText(row));
  };
  const wants = (work: string): boolean => filter.length === 0 || filter.some((text) => work.includes(text));
  const options: BenchOptions = { time, seed, wants, onRow, profile };
  for (const family of new Set(families)) {
    if (family === "train" && ranks !== undefined) await benchRanks(options, ranks);
    else FAMILIES[family](options);
  }
  if (rows === 0) {
    throw new UsageError({
      op: "--filter",
      what: "no row has such a name",
      expected: "part of a name such as sgemm 512x512x512 or train lenet5 float b128",
      got: filter.map((text) => JSON.stringify(text)).join(", "),
    });
  }
}

const COLUMNS: readonly { head: string; width: number; of: (row: Row) => string }[] = [
  { head: "ms", width: 10, of: (row) => figure(row.ms) },
  { head: "fastest", width: 10, of: (row) => figure(row.msMin) },
  { head: "GFLOP/s", width: 9, of: (row) => figure(row.gflops) },
  { head: "GB/s", width: 8, of: (row) => figure(row.gbytesPerSecond) },
  { head: "images/s", width: 10, of: (row) => figure(row.imagesPerSecond) },
  { head: "beside", width: 8, of: (row) => (row.overhead === undefined ? "" : `${(100 * row.overhead).toFixed(1)} %`) },
  { head: "times", width: 8, of: (row) => figure(row.speedup) },
  { head: "calibration", width: 13, of: (row) => figure(row.calibration) },
  { head: "CPU", width: 6, of: (row) => (Number.isNaN(row.cpuShare) ? "" : figure(row.cpuShare)) },
];
const WORK_WIDTH = 46;

/** Rows come one by one: widths are fixed ahead. */
function head(): string {
  return "work".padEnd(WORK_WIDTH) + COLUMNS.map((column) => column.head.padStart(column.width)).join("");
}

function rowText(row: Row): string {
  return row.work.padEnd(WORK_WIDTH) + COLUMNS.map((column) => column.of(row).padStart(column.width)).join("");
}

function figure(value: number | undefined): string {
  return value === undefined ? "" : `${value}`;
}
