/** @file `coarsegrad report`: run folders as one self-contained page. */
import path from "node:path";
import type { Command } from "commander";
import { DataError } from "../../core/errors.js";
import { datasetInfo } from "../../data/registry.js";
import { whole } from "../../run/kinds.js";
import { UsageError } from "../../run/usage-error.js";
import { command, onRun } from "../options/command.js";
import { dataDirOption, option } from "../options/option.js";
import { checkOutputs, saveOutput } from "../options/output.js";
import { type CollectOptions, collectRuns } from "../report/collect.js";
import type { ReportRun } from "../report/model.js";
import { reportPage } from "../report/page.js";
import { bytes } from "../ui/numbers.js";
import { type Progress, progressBoard } from "../ui/progress.js";
import type { CommonOptions } from "../ui/terminal.js";

interface ReportOptions extends CommonOptions {
  out?: string;
  title?: string;
  headline?: string;
  dataDir?: string;
  limit?: number;
}

/** The command. */
export function reportCommand(): Command {
  const made = command({
    name: "report",
    summary: "one or more run folders as one HTML page",
    description:
      "Writes one self-contained HTML page: a table that compares the runs, accuracies with their standard errors; curves of loss, accuracy and learning rate; for each run a confusion matrix and the pictures that its packed model misreads, flip ratio, α and saturation, bits, bytes and MACs per layer, weights with their quantization levels, the first layer's kernels as bits; and all settings. It opens from the disk, without a network.",
    notes:
      "Mistakes are found when the page is made, by the run's packed model on its test images; where these are not found the page says so. Everything else is in the run folders.",
    args: [["<run...>", "run folders"]],
    examples: [
      "coarsegrad report runs/first",
      "coarsegrad report runs/bc runs/bcgd --out page.html --title 'ρ = 0 or 1e-5'",
    ],
  })
    .option("--out <file>", "the page to write (default: report.html in the first run folder)")
    .option("--title <text>", "title of the page")
    .option("--headline <run>", "the run whose figures head the page (default: the first)");
  dataDirOption(made);
  option(made, "--limit <n>", "look for mistakes among the first n test images only; 0: not at all", whole({ min: 0 }));
  return onRun<ReportOptions>(made, async ({ out, ...options }, folders, terminal) => {
    checkOutputs([{ option: "--out", file: out, endings: [".html", ".htm"] }]);
    const file = out ?? path.join(folders[0], "report.html");
    const board = progressBoard(terminal);
    const bars = new Map<string, Progress>();
    const onProgress = (run: string, done: number, total: number): void => {
      const bar = bars.get(run) ?? board.add(`test ${run}`, total);
      bars.set(run, bar);
      bar.update(done);
      if (done === total) bar.stop();
    };
    const warn = (text: string): void => terminal.warn(text);
    const { size, runs } = await writeReport(folders, file, { ...options, warn, onProgress }).finally(() =>
      board.stop(),
    );
    terminal.result({ file: path.resolve(file), bytes: size, runs: runs.map((run) => run.name) }, () =>
      [`${file} (${bytes(size)})`, ...runs.map((run) => `  ${run.name}`)].join("\n"),
    );
  });
}

/** What a page is made with. */
export interface PageOptions extends CollectOptions {
  readonly title?: string;
  /** The folder of the run whose figures head the page. Default: the first. */
  readonly headline?: string;
}

/** Writes the page of some runs. @returns its size and the runs that are on it */
export async function writeReport(
  folders: readonly string[],
  file: string,
  options: PageOptions,
): Promise<{ size: number; runs: ReportRun[] }> {
  const headline = headlineOf(folders, options.headline);
  const runs = await collectRuns(folders, options);
  const title = options.title ?? defaultTitle(runs);
  const html = new TextEncoder().encode(
    reportPage({ title, subtitle: subtitle(runs), version: COARSEGRAD_VERSION, runs, headline }),
  );
  await saveOutput(file, html).catch(({ expected, got }: DataError) => {
    const hint = "--out chooses another place";
    throw new DataError({ op: file, what: "cannot be written", expected, got, hint });
  });
  return { size: html.length, runs };
}

/** Index of the folder that was named. @throws UsageError if it is none of them */
function headlineOf(folders: readonly string[], named: string | undefined): number {
  if (named === undefined) return 0;
  const index = folders.findIndex((folder) => path.resolve(folder) === path.resolve(named));
  if (index >= 0) return index;
  throw new UsageError({
    op: "--headline",
    what: "not a run of this report",
    expected: folders.join(", "),
    got: named,
  });
}

function defaultTitle(runs: readonly ReportRun[]): string {
  if (runs.length === 1) return `${runs[0].model} ${runs[0].bits} on ${titleOf(runs[0].data)}`;
  return `${runs.length} training runs`;
}

function subtitle(runs: readonly ReportRun[]): string {
  const models = [...new Set(runs.map((run) => run.model))].join(", ");
  const sets = [...new Set(runs.map((run) => titleOf(run.data)))].join(", ");
  const seeds = [...new Set(runs.map((run) => run.seed))];
  return `${models} on ${sets}, ${seeds.length > 1 ? "seeds" : "seed"} ${seeds.join(", ")}.`;
}

function titleOf(data: string): string {
  try {
    return datasetInfo(data).title;
  } catch {
    return data;
  }
}
