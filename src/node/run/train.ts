/** @file One training run in its folder: what is read for it, and what is written as it goes on. */

import type { RunConfig } from "../../run/config.js";
import { createRun, type RunOptions, type RunResult } from "../../run/create.js";
import { folderOf } from "../../run/images.js";
import { onnxNotes } from "../../run/onnx.js";
import { isOnnx } from "../../run/onnx-names.js";
import type { ModelSource } from "../../run/source.js";
import type { StartFiles } from "../../run/start.js";
import { type RunSummary, summaryOf } from "../../run/summary.js";
import type { Checkpoint } from "../../train/checkpoint.js";
import { broadcast, type World } from "../../world/world.js";
import { readFileBytes } from "../files.js";
import { testIsTrainingText } from "../images/folder.js";
import { loaderSpecs, loadersOf, pixelsDigest, sharedSpecs, testsOnTraining } from "../loading/run-loaders.js";
import { openModel } from "../models.js";
import type { PrepareOptions } from "../tiny-imagenet/open.js";
import { writeRunMessage } from "../world/run-message.js";
import { type OpenedRanks, startRanks } from "../world/train-rank.js";
import type { RunFolder } from "./folder.js";
import type { OpenedRun } from "./plan.js";
import { resumeRun } from "./summary-file.js";

/** What a run in a folder needs besides its configuration, and whom it tells. */
export interface TrainRequest extends OpenedRun, Pick<RunOptions, "signal" | "onProgress" | "onEpoch" | "onTest"> {
  /** Of the package; the summary holds it. */
  readonly version: string;
  readonly warn: (text: string) => void;
  readonly dataDir?: string;
  /** Threads that prepare batches. */
  readonly workers?: number;
  /** Pixels of one picture of a folder. */
  readonly maxPixels?: number;
  /** Threads that decode pictures, where a data set's are decoded once. */
  readonly threads?: number;
  /** Told how many of them are decoded. */
  readonly onPrepare?: PrepareOptions["onPrepare"];
  /** Threads that share the work, each a rank with an engine of its own. Default 1; at most as many as shards. */
  readonly ranks?: number;
  /** Seconds that a rank may be late. */
  readonly limitSeconds?: number;
  /** Steps between checkpoints within an epoch. */
  readonly checkpointEvery?: number;
  /** Ranks that are processes: this one leads them. Instead of `ranks`. */
  readonly world?: World;
}

/** How a run ended: with a summary, or stopped early. */
export interface TrainOutcome {
  readonly epochs: number;
  readonly summary: RunSummary | null;
}

/**
 * Trains, or goes on training, until the run is complete or the signal stops it; then tests and packs.
 *
 * @throws what data, network and training throw; checkpoints that were written stay
 */
export async function trainRun(request: TrainRequest): Promise<TrainOutcome> {
  const { run, config, command, version, begin, warn } = request;
  const started = performance.now();
  const checkpoint = begin === null ? await resumeRun(run, config) : (request.checkpoint ?? null);
  const before = run.metrics.reduce((sum, row) => sum + row.seconds, 0);
  // What prepares photographs takes about as long as a small network; crops of images in memory cost a hundredth of a
  // step.
  const workers = request.workers ?? (folderOf(config.data) === undefined ? 0 : 1);
  const { ranks: size = 1, limitSeconds, checkpointEvery, world } = request;
  const { dataDir, maxPixels, threads, onPrepare } = request;
  const { signal: stop } = request;
  const opened = await loaderSpecs(config, { dataDir, workers, maxPixels, threads, onPrepare, signal: stop });
  const testIsTraining = testsOnTraining(opened);
  if (testIsTraining) warn(testIsTrainingText(config.data));
  const imported = begin === null ? undefined : request.network;
  for (const note of imported === undefined ? [] : onnxNotes(imported.bytes, imported.path)) warn(note);
  const specs = size > 1 ? sharedSpecs(opened) : opened;
  const loaders = loadersOf(specs);
  let trained = false;
  let ranks: OpenedRanks | undefined;
  try {
    const { network, signal, onProgress, onTest } = request;
    const handlers = run.handlers();
    const files: StartFiles = {
      network,
      init: checkpoint === null ? await initOf(config) : undefined,
      teacher: await teacherFile(request, checkpoint),
      checkpoint: checkpoint ?? undefined,
    };
    if (world !== undefined) await lead(world, request, files, await checkpointBytes(run, checkpoint));
    else if (size > 1) ranks = startRanks(size, { ...files, config, specs, checkpointEvery }, limitSeconds);
    const result: RunResult = await createRun(config, {
      ...files,
      data: loaders,
      world: world ?? ranks?.world,
      checkpointEvery,
      // What was to be replaced stays until an epoch is complete.
      onStepCheckpoint: (bytes) => (signal?.aborted && run.replacing ? undefined : run.writeCheckpoint(bytes)),
      signal,
      // Data, weights to start from and network are there: nothing old had to go for them.
      onStart: () => begin?.(),
      onCheckpoint: handlers.onCheckpoint,
      onEpoch: async (metrics) => {
        await handlers.onEpoch(metrics);
        await request.onEpoch?.(metrics);
      },
      onTrained: (epochs) => {
        trained = epochs > 0;
      },
      onPacked: (bytes) => run.writeModel(bytes),
      onProgress,
      onTest,
    });
    await (world ?? ranks?.world)?.close();
    const wallSeconds = before + (performance.now() - started) / 1000;
    const summary = summaryOf(config, result, {
      command,
      version,
      wallSeconds,
      metrics: run.metrics,
      testIsTraining,
      ...pixelsDigest(opened),
    });
    if (summary === null) await run.keep();
    else await run.writeSummary(summary);
    return { epochs: result.epochs, summary };
  } catch (error) {
    if (trained) {
      await run.keep().catch(() => {});
      warn(`training is complete: its weights are in ${run.file("checkpoint")}; --resume repeats only the test`);
    }
    throw error;
  } finally {
    await ranks?.close();
    await loaders.close();
  }
}

/** Tells the other ranks what the run is. */
async function lead(
  world: World,
  { config, checkpointEvery }: TrainRequest,
  { network, init, teacher }: StartFiles,
  checkpoint: Uint8Array | undefined,
): Promise<void> {
  await broadcast(world, writeRunMessage({ config, network, init, teacher, checkpoint, checkpointEvery }));
}

async function checkpointBytes(run: RunFolder, checkpoint: Checkpoint | null): Promise<Uint8Array | undefined> {
  return checkpoint === null ? undefined : readFileBytes(run.file("checkpoint"));
}

/**
 * The file that a run starts from. An imported network has its weights already, and its configuration names the file
 * that they came from.
 */
async function initOf({ model, init }: RunConfig): Promise<ModelSource | undefined> {
  return init === null || (isOnnx(model) && isOnnx(init.file)) ? undefined : openModel(init.file);
}

/** The teacher's file, where there is something left to learn. */
async function teacherFile(
  { config, teacher }: TrainRequest,
  checkpoint: Checkpoint | null,
): Promise<ModelSource | undefined> {
  if (config.teacher === undefined || (checkpoint?.epoch ?? 0) >= config.epochs) return undefined;
  return openModel(teacher ?? config.teacher.file);
}
