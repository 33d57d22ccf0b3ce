/** @file The folder of a training run: made for a new one, opened for one that goes on, cleared only when asked. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../core/errors.js";
import { sha256Hex } from "../core/sha256.js";
import { readFileBytes, saveFileAtomic } from "../node/files.js";
import { RUN_FILES, RunFolder } from "../node/run-folder.js";
import { isOnnx, NETWORK_FILE } from "./onnx.js";
import { asRunConfig, type RunConfig } from "./run-config.js";
import { exists } from "./sources.js";
import { checkResumed, configFrom, defaultFolder } from "./train-config.js";
import type { TrainOptions } from "./train-options.js";

/** A run that is about to start or to go on. */
export interface OpenedRun {
  readonly run: RunFolder;
  readonly config: RunConfig;
  /** The command that started it. */
  readonly command: string;
}

/** A run that the options ask for, before anything is written: one to make in a folder, or one that is there. */
export type PlannedRun =
  | { readonly folder: string; readonly config: RunConfig }
  | { readonly opened: OpenedRun; readonly config: RunConfig };

/**
 * The folder and the configuration of the run that the options ask for. Writes nothing.
 *
 * @param given the options that the user typed, without defaults
 * @param command the command line, if the folder does not name the one that it was made with
 * @throws DataError if the folder holds a run and neither --resume nor --force was given; UsageError if --resume comes with other settings
 */
export async function planRun(
  options: TrainOptions,
  given: Partial<TrainOptions>,
  command: string,
): Promise<PlannedRun> {
  if (options.resume === true && options.out !== undefined && (await holdsRun(options.out))) {
    const run = await RunFolder.open(options.out);
    const kept = await run.config();
    const config = asRunConfig(kept, run.file("config"));
    await checkResumed(given, config);
    return { config, opened: { run, config, command: (kept as { command?: string }).command ?? command } };
  }
  const config = await configFrom(options);
  const folder = options.out ?? defaultFolder(config);
  if (await holdsRun(folder)) {
    if (options.resume === true) return planRun({ ...options, out: folder }, given, command);
    if (options.force !== true) {
      throw new DataError({
        op: folder,
        what: "already holds a run",
        expected: "a new or empty folder",
        got: RUN_FILES.config,
        hint: "--resume goes on with it, --force replaces it, --out chooses another folder",
      });
    }
  }
  return { folder, config };
}

/**
 * Makes the folder of a planned run, in place of a run that it may hold.
 *
 * @param command the command line, kept in `config.json` of a new run
 */
export async function openRun(planned: PlannedRun, command: string): Promise<OpenedRun> {
  if ("opened" in planned) return planned.opened;
  const { folder, config } = planned;
  if (await holdsRun(folder)) {
    for (const file of Object.values(RUN_FILES)) await rm(join(folder, file), { force: true });
  }
  if (!isOnnx(config.model)) return { run: await RunFolder.create(folder, { command, ...config }), config, command };
  // The run keeps the network: it must open without the file that it came from.
  const bytes = await readFileBytes(config.model);
  const init = config.init ?? { file: config.model, sha256: sha256Hex(bytes) };
  const own = { ...config, model: NETWORK_FILE, init };
  const run = await RunFolder.create(folder, { command, ...own });
  await saveFileAtomic(join(folder, NETWORK_FILE), bytes);
  return { run, config: own, command };
}

function holdsRun(folder: string): Promise<boolean> {
  return exists(join(folder, RUN_FILES.config));
}
