/** @file `coarsegrad report`: run folders as one self-contained page. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { type CoarsegradError, DataError } from "../../core/errors.js";
import { datasetInfo } from "../../data/registry.js";
import { saveFileAtomic } from "../../node/files.js";
import { command, onRun } from "../options/command.js";
import { collectRuns } from "../report/collect.js";
import type { ReportRun } from "../report/model.js";
import { reportPage } from "../report/page.js";
import { bytes } from "../ui/numbers.js";
import type { CommonOptions } from "../ui/terminal.js";

interface ReportOptions extends CommonOptions {
  out?: string;
  title?: string;
}

/** The command. */
export function reportCommand(): Command {
  const made = command({
    name: "report",
    summary: "one or more run folders as one HTML page",
    description:
      "Writes one self-contained HTML page: curves of loss, accuracy and learning rate, flip ratio, α and saturation per layer, bits, bytes and MACs per layer, settings, and a table that compares the runs. It opens from the disk, without a network.",
    args: [["<run...>", "run folders"]],
    examples: [
      "coarsegrad report runs/first",
      "coarsegrad report runs/bc runs/bcgd --out page.html --title 'ρ = 0 or 1e-5'",
    ],
  })
    .option("--out <file>", "the page to write (default: report.html in the first run folder)")
    .option("--title <text>", "title of the page");
  return onRun<ReportOptions>(made, async ({ out, title }, folders, terminal) => {
    const file = out ?? path.join(folders[0], "report.html");
    const { size, runs } = await writeReport(folders, file, (text) => terminal.warn(text), title);
    terminal.result({ file: path.resolve(file), bytes: size, runs: runs.map((run) => run.name) }, () =>
      [`${file} (${bytes(size)})`, ...runs.map((run) => `  ${run.name}`)].join("\n"),
    );
  });
}

/** Writes the page of some runs. @returns its size and the runs that are on it */
export async function writeReport(
  folders: readonly string[],
  file: string,
  warn: (text: string) => void,
  title?: string,
): Promise<{ size: number; runs: ReportRun[] }> {
  const runs = await collectRuns(folders, warn);
  const html = new TextEncoder().encode(
    reportPage({ title: title ?? defaultTitle(runs), subtitle: subtitle(runs), version: COARSEGRAD_VERSION, runs }),
  );
  try {
    await mkdir(path.dirname(path.resolve(file)), { recursive: true });
    await saveFileAtomic(file, html);
  } catch (error) {
    const got = (error as CoarsegradError).got ?? (error as Error).message;
    throw new DataError({ op: file, what: "cannot be written", got, hint: "--out chooses another place" });
  }
  return { size: html.length, runs };
}

function defaultTitle(runs: readonly ReportRun[]): string {
  if (runs.length === 1) return `${runs[0].model} ${runs[0].bits} on ${titleOf(runs[0].data)}`;
  return `${runs.length} training runs`;
}

function subtitle(runs: readonly ReportRun[]): string {
  const models = [...new Set(runs.map((run) => run.model))].join(", ");
  const sets = [...new Set(runs.map((run) => titleOf(run.data)))].join(", ");
  const seeds = [...new Set(runs.map((run) => run.seed))].join(", ");
  return `${models} on ${sets}, seed ${seeds}.`;
}

function titleOf(data: string): string {
  try {
    return datasetInfo(data).title;
  } catch {
    return data;
  }
}
