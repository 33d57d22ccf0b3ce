/** @file Reads run folders into what the report page is drawn from. */
import path from "node:path";
import { CoarsegradError } from "../../core/errors.js";
import type { ImageDataset } from "../../data/dataset.js";
import { checkpointNetwork, openModel } from "../../node/models.js";
import { RunFolder } from "../../node/run/folder.js";
import { checkBelongs, readSummary } from "../../node/run/summary-file.js";
import { parseConfig, type RunConfig } from "../../run/config.js";
import { infoOf } from "../../run/images.js";
import { normalizeText } from "../../run/normalization.js";
import type { RunSummary } from "../../run/summary.js";
import type { EpochMetrics } from "../../train/metrics.js";
import { testImages } from "../options/test-images.js";
import type { EpochRow, PackedResult, Predictions, ReportRun, Shown, Weights } from "./model.js";
import { predictionsOf } from "./predictions.js";
import { weightsOf } from "./weights.js";

/** Pictures of mistakes on a page, of all runs together, and least and most of one. */
const PICTURES = { all: 120, least: 8, most: 20 };

/** What the page may look at besides the folders, and whom it tells. */
export interface CollectOptions {
  readonly warn: (text: string) => void;
  /** Where to look for data sets first. */
  readonly dataDir?: string;
  /** Most test images for a run's mistakes; 0 leaves them out. */
  readonly limit?: number;
  /** Told which run is looked at, and how many of its test images are done. */
  readonly onProgress?: (run: string, done: number, total: number) => void;
}

/** A page's look at several runs: images that they share are loaded once. */
interface Look extends CollectOptions {
  readonly images: Map<string, Promise<ImageDataset>>;
  readonly pictures: number;
}

/** Runs with their folders' names, made distinct where two folders share a name. */
export async function collectRuns(folders: readonly string[], options: CollectOptions): Promise<ReportRun[]> {
  const names = folders.map((folder) => path.basename(path.resolve(folder)));
  const pictures = Math.floor(PICTURES.all / folders.length);
  const look: Look = {
    ...options,
    images: new Map(),
    pictures: Math.max(PICTURES.least, Math.min(PICTURES.most, pictures)),
  };
  const runs: ReportRun[] = [];
  for (const [i, folder] of folders.entries()) {
    const shared = names.filter((name) => name === names[i]).length > 1;
    runs.push(await collectRun(folder, shared ? folder : names[i], look));
  }
  return runs;
}

async function collectRun(folder: string, name: string, look: Look): Promise<ReportRun> {
  const run = await RunFolder.open(folder, { warn: look.warn });
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
    testImages: summary?.testImages ?? null,
    sha256: summary?.weightsSha256 ?? null,
    graphMillisecondsPerImage: summary?.millisecondsPerImage ?? null,
    packed: packedResult(summary),
    layers: summary?.layers ?? [],
    metrics,
    config: settingsOf(config),
    predictions: await predictions(run, name, config, summary, look),
    weights: await weights(run, config, look),
  };
}

/** What can be read, or why not, which is told: a page is made of what is there. */
async function shown<T>(warn: (text: string) => void, work: () => Promise<Shown<T>>): Promise<Shown<T>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CoarsegradError)) throw error;
    warn(`left out of the report: ${error.message}`);
    return { leftOut: error.message };
  }
}

function predictions(
  run: RunFolder,
  name: string,
  config: RunConfig,
  summary: RunSummary | null,
  { warn, limit, dataDir, images, pictures, onProgress }: Look,
): Promise<Shown<Predictions>> {
  return shown(warn, async () => {
    if (limit === 0) return { leftOut: "no test images were asked for (--limit 0)" };
    if (!(await run.has("model"))) return { leftOut: "the run is not complete: it has no packed model yet" };
    const source = await openModel(run.file("model"));
    if (source.kind !== "packed") return { leftOut: `${run.file("model")} is not a packed model` };
    const own = config.testLimit ?? undefined;
    const most = limit === undefined ? own : Math.min(limit, own ?? limit);
    const { shape, sound } = infoOf(config);
    const key = JSON.stringify([config.data, most, shape[0]]);
    const data = images.get(key) ?? testImages(config.data, { dataDir, split: "test", limit: most, sound }, shape[0]);
    images.set(key, data);
    const trial = {
      ...{ packed: source.bytes, file: source.path, data: await data, pictures },
      recorded: summary?.packed?.top1 == null ? null : { accuracy: summary.packed.top1, images: summary.testImages },
    };
    const total = trial.data.count;
    return predictionsOf(trial, (done) => onProgress?.(name, done, total));
  });
}

function weights(run: RunFolder, config: RunConfig, { warn }: Look): Promise<Shown<Weights>> {
  return shown(warn, async () => {
    if (!(await run.has("checkpoint"))) return { leftOut: "the run has no checkpoint yet" };
    const source = await openModel(run.file("checkpoint"));
    if (source.kind !== "checkpoint") return { leftOut: `${run.file("checkpoint")} is not a checkpoint` };
    using net = await checkpointNetwork(source);
    return weightsOf(net, infoOf(config).shape);
  });
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
