/** @file Reads run folders into what the report page is drawn from. */
import path from "node:path";
import { RunFolder } from "../../node/run/folder.js";
import { checkBelongs, readSummary } from "../../node/run/summary-file.js";
import { parseConfig, type RunConfig } from "../../run/config.js";
import { normalizeText } from "../../run/normalization.js";
import type { RunSummary } from "../../run/summary.js";
import type { EpochMetrics } from "../../train/metrics.js";
import type { EpochRow, PackedResult, ReportRun } from "./model.js";

/** Runs with their folders' names, made distinct where two folders share a name. */
export async function collectRuns(folders: readonly string[], warn: (text: string) => void): Promise<ReportRun[]> {
  const names = folders.map((folder) => path.basename(path.resolve(folder)));
  return Promise.all(
    folders.map((folder, i) => {
      const shared = names.filter((name) => name === names[i]).length > 1;
      return collectRun(folder, shared ? folder : names[i], warn);
    }),
  );
}

async function collectRun(folder: string, name: string, warn: (text: string) => void): Promise<ReportRun> {
  const run = await RunFolder.open(folder, { warn });
  const config = parseConfig(await run.config(), run.file("config"));
  const summary = await readSummary(run);
  if (summary !== null) checkBelongs(run.file("summary"), summary, config);
  const metrics = run.metrics.map(epochRow);
  const last = metrics.at(-1);
  return {
    name,
    model: config.model,
    data: config.data,
    bits: config.bits,
    method: config.quant?.method ?? "float",
    seed: config.seed,
    command: summary?.command ?? null,
    finished: summary !== null || (last?.epoch ?? 0) >= config.epochs,
    epochs: summary?.epochs ?? last?.epoch ?? 0,
    wallSeconds: summary?.wallSeconds ?? null,
    imagesPerSecond: summary?.imagesPerSecond ?? last?.imagesPerSecond ?? null,
    // Of a run that is not finished: the test images, unless it watches images held out of the training images.
    accuracy: summary?.top1 ?? (config.validate ? null : last?.valAccuracy) ?? null,
    sha256: summary?.weightsSha256 ?? null,
    graphMillisecondsPerImage: summary?.millisecondsPerImage ?? null,
    packed: packedResult(summary),
    layers: summary?.layers ?? [],
    metrics,
    config: settingsOf(config),
  };
}

function packedResult(summary: RunSummary | null): PackedResult | null {
  if (!summary?.packed) return null;
  const { bytes, floatBytes, top1, millisecondsPerImage, codesCompared, codesEqual } = summary.packed;
  return {
    bytes,
    floatBytes,
    accuracy: top1 ?? null,
    millisecondsPerImage: millisecondsPerImage ?? null,
    codesCompared: codesCompared ?? null,
    codesEqual: codesEqual ?? null,
  };
}

function epochRow(row: EpochMetrics): EpochRow {
  const percent = (share: number | null | undefined): number | null => (share == null ? null : 100 * share);
  return {
    epoch: row.epoch,
    loss: row.loss,
    accuracy: percent(row.accuracy),
    valAccuracy: percent(row.valAccuracy),
    lr: row.lr,
    imagesPerSecond: row.imagesPerSecond,
    flips: percent(meanOf(row.flipRatio)),
    flipRatio: row.flipRatio ?? {},
    alpha: row.alpha ?? {},
    saturation: row.saturation ?? {},
  };
}

/** Mean over the layers. */
function meanOf(perLayer: Readonly<Record<string, number>> | undefined): number | undefined {
  const values = Object.values(perLayer ?? {});
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The configuration in one level, in reading order. */
function settingsOf(config: RunConfig): Record<string, unknown> {
  const { quant, init, schedule, normalize, images, extended, ...rest } = config;
  const { name, ...details } = schedule;
  return {
    ...rest,
    schedule: [name, ...Object.entries(details).map(([key, value]) => `${key} ${value}`)].join(", "),
    init: init === null ? null : init.file,
    normalize: normalizeText(normalize),
    ...(extended && { extended: extended.map(({ at, epochs }) => `after ${at} of ${epochs} epochs`).join(", ") }),
    ...(images && { images: `${images.shape.join("×")}, ${images.classes} classes` }),
    ...(quant ?? {}),
  };
}
