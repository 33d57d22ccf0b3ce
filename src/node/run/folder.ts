/**
 * @file A training run on disk: which files it has, in what order they are written, which states are possible, and how
 * each is recovered. docs/runs.md says the same for users.
 *
 * Every file is replaced as a whole. The checkpoint is the run's state; it holds its configuration itself. Of an epoch,
 * metrics are written before the checkpoint; model and summary come last. How one run replaces another: replacement.ts.
 */
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { callable, check, checkOptions, text } from "../../core/checks.js";
import { DataError } from "../../core/errors.js";
import { firstOf } from "../../core/first-of.js";
import { isRecord } from "../../io/json.js";
import { type Checkpoint, loadCheckpoint } from "../../train/checkpoint.js";
import type { EpochMetrics } from "../../train/metrics.js";
import { exists, isFolder, readFileBytes } from "../files.js";
import { checkSameConfig, DIGEST_FIELD, withoutDigest } from "./config-digest.js";
import { missingEpochs, readMetrics } from "./metrics-file.js";
import { isDecided } from "./replacement.js";
import { RUN_FILES, type RunFile, readJsonFile } from "./run-files.js";
import { jsonText, RunWriter } from "./writer.js";

export { RUN_FILES } from "./run-files.js";

/** Choices of {@link RunFolder.create} and {@link RunFolder.claim}. */
export interface RunFolderOptions {
  /** Told what is wrong but does not stop a run. Default: nobody. */
  warn?: (text: string) => void;
}

/**
 * A folder that holds one training run.
 *
 * A kill at any moment leaves a folder that can be resumed, and one process at a time writes to it.
 *
 * @example
 * const run = await RunFolder.create("runs/first", config);
 * await fit(net, train, { ...options, config, ...run.handlers() });
 * await run.close();
 */
export class RunFolder {
  /** The folder. */
  readonly path: string;
  readonly #warn: (text: string) => void;
  readonly #writer: RunWriter;
  /** Topmost folder that this object made. */
  #made: string | undefined;

  private constructor(path: string, options: RunFolderOptions = {}) {
    check("RunFolder", "path", path, text);
    checkOptions<RunFolderOptions>("RunFolder", options, { warn: callable });
    this.path = path;
    this.#warn = options.warn ?? (() => undefined);
    this.#writer = new RunWriter(path, this.#warn);
  }

  /** Whether a folder holds a run, in whatever state. */
  static async holdsRun(path: string): Promise<boolean> {
    check("RunFolder", "path", path, text);
    const signs = [RUN_FILES.config, RUN_FILES.checkpoint].map((name) => exists(join(path, name)));
    return (await Promise.all([...signs, isDecided(path)])).includes(true);
  }

  /**
   * Makes a folder for a new run and writes its configuration.
   *
   * @param config plain JSON
   * @throws DataError if the folder already holds a run's checkpoint, is in use by another process, or cannot be
   * written
   */
  static async create(path: string, config: unknown, options: RunFolderOptions = {}): Promise<RunFolder> {
    const run = await RunFolder.claim(path, options);
    try {
      if (await exists(run.file("checkpoint"))) {
        throw new DataError({
          op: path,
          what: "already holds a run",
          expected: "a new or empty folder",
          got: RUN_FILES.checkpoint,
          hint: "resume it, or choose another folder",
        });
      }
      await run.begin(config);
      return run;
    } catch (error) {
      await run.close();
      throw error;
    }
  }

  /**
   * Takes a folder for writing, made if it is not there: locked, an interrupted replacement ended, leftovers of killed
   * processes cleared. What the folder holds stays until {@link begin}.
   *
   * @throws DataError if another process writes there, or the folder cannot be made or written
   */
  static async claim(path: string, options: RunFolderOptions = {}): Promise<RunFolder> {
    const run = new RunFolder(path, options);
    try {
      run.#made = await mkdir(path, { recursive: true });
    } catch (error) {
      throw new DataError({ op: path, what: "cannot be made", got: (error as Error).message });
    }
    await run.#writer.take();
    return run;
  }

  /**
   * Opens the folder of an earlier run, to read it or to go on. Damaged metrics are told and left out.
   *
   * @throws DataError if it holds no run
   */
  static async open(path: string, options: RunFolderOptions = {}): Promise<RunFolder> {
    const run = new RunFolder(path, options);
    if (!(await RunFolder.holdsRun(path))) {
      throw await noRun(path);
    }
    // Killed while it was replaced: whoever opens it ends that.
    if (await isDecided(path)) {
      await run.#writer.take();
      run.release();
    }
    await run.#readMetrics();
    return run;
  }

  /** Path of one of the run's files. */
  file(which: RunFile): string {
    return join(this.path, RUN_FILES[which]);
  }
  /** Whether one of the run's files is there. */
  has(which: RunFile): Promise<boolean> {
    return exists(this.file(which));
  }
  /** Metrics of the epochs that are complete, as far as they are known. */
  get metrics(): readonly EpochMetrics[] {
    return this.#writer.metrics;
  }
  /** Whether the folder still holds another run, which stays until this one has a checkpoint. */
  get replacing(): boolean {
    return this.#writer.replacing;
  }

  /**
   * The configuration; without `config.json`, that of the checkpoint.
   *
   * @throws FormatError if it is not JSON or was edited; DataError if there is none
   */
  async config(): Promise<unknown> {
    if (!(await this.has("config")) && (await this.has("checkpoint"))) {
      this.#warn(`${this.file("config")} is missing: the checkpoint's configuration is taken`);
      const path = this.file("checkpoint");
      this.#writer.config = loadCheckpoint(await readFileBytes(path), path).config;
    } else this.#writer.config = withoutDigest(await this.readJson("config"), this.file("config"));
    return this.#writer.config;
  }

  /**
   * Begins a new run in a folder that was claimed: writes its configuration. A run that the folder holds stays until
   * the new one has a checkpoint.
   *
   * @param config plain JSON
   * @param network bytes of the ONNX file that the network was imported from
   * @param metrics of epochs that were complete before: of a run that is extended
   */
  async begin(config: unknown, network?: Uint8Array, metrics: readonly EpochMetrics[] = []): Promise<void> {
    if (isRecord(config) && DIGEST_FIELD in config) {
      throw new DataError({
        op: this.path,
        what: `the configuration has a field ${DIGEST_FIELD}`,
        expected: "another name",
      });
    }
    await this.#writer.begin(config, network, metrics);
  }

  /**
   * The last checkpoint, or null if no epoch was completed. Takes the lock. Metrics of later epochs are dropped, so
   * that what follows is written as if the run had never been interrupted.
   *
   * @param config what the checkpoint has to be of; default: not looked at
   * @throws FormatError, DataError if it is damaged or in use by another process; StateError if it is of another
   * configuration
   */
  async resume(config?: unknown): Promise<Checkpoint | null> {
    await this.#writer.take();
    const path = this.file("checkpoint");
    const bytes = (await exists(path)) ? await readFileBytes(path) : undefined;
    const checkpoint = bytes === undefined ? null : loadCheckpoint(bytes, path);
    if (checkpoint !== null && config !== undefined) checkSameConfig(checkpoint, config, path);
    if (!(await this.has("config")) && checkpoint !== null) {
      this.#writer.config ??= checkpoint.config;
      await this.#writer.writeConfig();
    }
    this.#writer.checkpoint = bytes;
    await this.#readMetrics();
    const epoch = checkpoint?.epoch ?? 0;
    const rows = this.metrics.filter((row) => row.epoch <= epoch);
    const missing = missingEpochs(rows, epoch);
    if (missing !== null)
      this.#warn(`${this.file("metrics")}: the figures of epoch ${missing} are lost; the weights are not`);
    await this.#writer.writeMetrics(rows);
    return checkpoint;
  }

  /** What `fit` calls after every epoch. */
  handlers(): {
    onEpoch: (metrics: EpochMetrics) => Promise<void>;
    onCheckpoint: (bytes: Uint8Array) => Promise<void>;
  } {
    return {
      onEpoch: async (metrics) => {
        await this.keep();
        await this.#writer.writeMetrics([...this.metrics.filter(({ epoch }) => epoch < metrics.epoch), metrics]);
      },
      onCheckpoint: (bytes) => this.writeCheckpoint(bytes),
    };
  }

  /** Writes the checkpoint; the first one of a run that replaces another puts it in that one's place. */
  writeCheckpoint(bytes: Uint8Array): Promise<void> {
    return this.#writer.writeCheckpoint(bytes);
  }
  /** Writes the packed model. */
  async writeModel(bytes: Uint8Array): Promise<void> {
    await this.keep();
    await this.#writer.write("model", bytes);
  }
  /** Writes `summary.json`. */
  async writeSummary(summary: unknown): Promise<void> {
    await this.keep();
    await this.writeJson("summary", summary);
  }

  /**
   * Makes the folder anew, with the last checkpoint, if somebody removed it: hours of training must not be lost for
   * that. Called before every write.
   *
   * @throws DataError if another process took the run over
   */
  keep(): Promise<void> {
    return this.#writer.keep();
  }

  /** Writes one of the JSON files. */
  writeJson(which: "config" | "summary", value: unknown): Promise<void> {
    return this.#writer.write(which, jsonText(value));
  }
  /** Reads one of the JSON files. @throws DataError if it is missing, FormatError if it is not JSON */
  readJson(which: "config" | "summary"): Promise<unknown> {
    return readJsonFile(this.file(which));
  }

  /** Gives the lock back. Whoever writes again takes it again. */
  release(): void {
    this.#writer.release();
  }

  /**
   * Ends the work: a run that did not come to replace the one in the folder goes, and so does a folder that was made
   * and stayed empty.
   */
  async close(): Promise<void> {
    if (!this.#writer.locked) return;
    await this.#writer.close();
    if (this.#made === undefined) return;
    for (let at = resolve(this.path); at.length >= resolve(this.#made).length; at = dirname(at)) {
      const emptied = await rmdir(at).then(
        () => true,
        () => false,
      );
      if (!emptied) return;
    }
  }

  async #readMetrics(): Promise<void> {
    const path = this.file("metrics");
    const { rows, damage } = await readMetrics(path);
    if (damage !== null) this.#warn(`${path}: ${damage}`);
    this.#writer.metrics = rows;
  }
}

/** Names of files and folders that a message shows. */
const SHOWN = 5;

/** What is there in place of a run, in words. */
async function noRun(path: string): Promise<DataError> {
  if (!(await isFolder(path))) {
    const got = (await exists(path)) ? "a file" : "nothing there";
    return new DataError({ op: path, what: "no such folder", expected: "the folder of a run", got });
  }
  const names = (await readdir(path)).sort();
  const runs: string[] = [];
  for (const name of names) if (await RunFolder.holdsRun(join(path, name))) runs.push(join(path, name));
  return new DataError({
    op: path,
    what: "holds no run",
    expected: `${RUN_FILES.config} in it`,
    got: names.length === 0 ? "an empty folder" : firstOf(names, SHOWN),
    ...(runs.length > 0 && { hint: `runs in it: ${firstOf(runs, SHOWN)}` }),
  });
}
