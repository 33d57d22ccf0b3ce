/** @file The folder of a training run: claimed for a new one, opened for one that goes on; what it holds goes only when it is replaced. */
import { DataError } from "../core/errors.js";
import { sha256Hex } from "../core/sha256.js";
import { readFileBytes } from "../node/files.js";
import { RUN_FILES, RunFolder } from "../node/run-folder.js";
import { UsageError } from "./failure.js";
import { isOnnx, modelOfRun, NETWORK_FILE } from "./onnx.js";
import { asRunConfig, type RunConfig } from "./run-config.js";
import { checkResumed, configFrom, defaultFolder } from "./train-config.js";
import type { TrainOptions } from "./train-options.js";

/** A run that is about to start or to go on; its folder is locked. */
export interface OpenedRun {
  readonly run: RunFolder;
  readonly config: RunConfig;
  /** The command that started it. */
  readonly command: string;
  /** Name of the network, or where its ONNX file lies now. */
  readonly network: string;
  /** Writes the configuration of a new run, once everything that it needs was read; null for a run that goes on. */
  readonly begin: (() => Promise<void>) | null;
}

/** A run that the options ask for, before anything is written: one to make in a folder, or one that is there. */
export interface PlannedRun {
  readonly folder: string;
  readonly config: RunConfig;
  /** The command that starts it, or that started it. */
  readonly command: string;
  /** Whether it is there already. */
  readonly resumed: boolean;
}

/**
 * The folder and the configuration of the run that the options ask for. Writes nothing.
 *
 * @param given the options that the user typed, without defaults
 * @param command the command line, kept in `config.json` of a new run
 * @throws DataError if the folder holds a run and neither --resume nor --force was given, or --resume and it holds none; UsageError if --resume
 *   comes with other settings
 */
export async function planRun(
  options: TrainOptions,
  given: Partial<TrainOptions>,
  command: string,
  warn: (text: string) => void,
): Promise<PlannedRun> {
  if (options.resume === true && options.force === true) {
    throw new UsageError({ op: "--resume", what: "does not go with --force", expected: "one of them", got: "both" });
  }
  const config = options.resume === true && options.out !== undefined ? null : await configFrom(options);
  const folder = options.out ?? defaultFolder(config as RunConfig);
  const holdsRun = await RunFolder.holdsRun(folder);
  if (options.resume === true) {
    if (!holdsRun) {
      throw new DataError({
        op: folder,
        what: "nothing to resume",
        expected: "the folder of a run",
        got: "none there",
        hint: "leave --resume out to start one",
      });
    }
    const run = await RunFolder.open(folder, { warn });
    const kept = await run.config();
    const own = asRunConfig(kept, run.file("config"));
    await checkResumed(given, own);
    return { folder, config: own, command: (kept as { command?: string }).command ?? command, resumed: true };
  }
  if (holdsRun && options.force !== true) {
    throw new DataError({
      op: folder,
      what: "already holds a run",
      expected: "a new or empty folder",
      got: RUN_FILES.config,
      hint: "--resume goes on with it, --force replaces it, --out chooses another folder",
    });
  }
  return { folder, config: config as RunConfig, command, resumed: false };
}

/**
 * Claims the folder of a planned run. A run that it may hold stays.
 *
 * @throws DataError if another process writes there, or the folder cannot be written
 */
export async function openRun(planned: PlannedRun, warn: (text: string) => void): Promise<OpenedRun> {
  const { folder, config, command, resumed } = planned;
  const run = await RunFolder.claim(folder, { warn });
  if (resumed) return { run, config, command, network: modelOfRun(config.model, folder), begin: null };
  if (!isOnnx(config.model)) {
    return { run, config, command, network: config.model, begin: () => run.begin({ command, ...config }) };
  }
  try {
    // The run keeps the network: it must open without the file that it came from.
    const bytes = await readFileBytes(config.model);
    const init = config.init ?? { file: config.model, sha256: sha256Hex(bytes) };
    const own = { ...config, model: NETWORK_FILE, init };
    const begin = (): Promise<void> => run.begin({ command, ...own }, bytes);
    return { run, config: own, command, network: config.model, begin };
  } catch (error) {
    await run.close();
    throw error;
  }
}
