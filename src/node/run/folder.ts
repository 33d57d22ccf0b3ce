/**
 * @file A training run on disk: which files it has, in what order they are written, which states are possible, and how each is recovered.
 * docs/runs.md says the same for users.
 *
 * Every file is replaced as a whole. The checkpoint is the run's state; it holds its configuration itself. Of an epoch, metrics are written
 * before the checkpoint; model and summary come last. A run that replaces another is gathered in `.next` inside the folder, becomes `.commit` by one
 * rename when it has its first checkpoint, and is moved out from there file by file: before the rename the folder holds the old run, after it the
 * new one, and whoever finds `.commit` ends the move.
 */
import { mkdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { callable, check, checkOptions, text } from "../../core/checks.js";
import { CoarsegradError, DataError, FormatError } from "../../core/errors.js";
import { isRecord, readJson } from "../../io/json.js";
import { type Checkpoint, loadCheckpoint } from "../../train/checkpoint.js";
import type { EpochMetrics } from "../../train/metrics.js";
import { exists, flushDirectory, readFileBytes, saveFileAtomic } from "../files.js";
import { checkSameConfig, DIGEST_FIELD, withDigest, withoutDigest } from "./config-digest.js";
import { clearTemporaries } from "./leftovers.js";
import { RunLock } from "./lock.js";
import { missingEpochs, readMetrics } from "./metrics-file.js";

/** Names of the files of a run. */
export const RUN_FILES = {
  config: "config.json",
  metrics: "metrics.jsonl",
  checkpoint: "checkpoint.safetensors",
  summary: "summary.json",
  model: "model.cgm",
  network: "network.onnx",
} as const;

type RunFile = keyof typeof RUN_FILES;

/** A run that is about to replace the one in the folder. */
const NEXT = ".next";
/** The same, once it is decided. */
const COMMIT = ".commit";
/** Files of a new run in the order in which they leave `.commit`; as long as the configuration is there, none after it has left. */
const MOVED: readonly RunFile[] = ["metrics", "checkpoint", "config", "network"];

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
  readonly path: string;
  readonly #warn: (text: string) => void;
  #lock: RunLock | null = null;
  /** Topmost folder that this object made. */
  #made: string | undefined;
  #metrics: EpochMetrics[] = [];
  /** What `config.json` holds, once this object has written or read it. */
  #config: unknown;
  /** Bytes of the imported network, once this object has written them. */
  #network: Uint8Array | undefined;
  /** The last checkpoint that this object wrote or read: what is written again if somebody removes the folder. */
  #checkpoint: Uint8Array | undefined;
  /** Whether what is written goes to `.next`: the folder still holds another run. */
  #replacing = false;

  private constructor(path: string, options: RunFolderOptions = {}) {
    check("RunFolder", "path", path, text);
    checkOptions<RunFolderOptions>("RunFolder", options, { warn: callable });
    this.path = path;
    this.#warn = options.warn ?? (() => undefined);
  }

  /** Whether a folder holds a run, in whatever state. */
  static async holdsRun(path: string): Promise<boolean> {
    check("RunFolder", "path", path, text);
    const signs = [RUN_FILES.config, RUN_FILES.checkpoint, COMMIT];
    return (await Promise.all(signs.map((name) => exists(join(path, name))))).includes(true);
  }

  /**
   * Makes a folder for a new run and writes its configuration.
   *
   * @param config plain JSON
   * @throws DataError if the folder already holds a run's checkpoint, is in use by another process, or cannot be written
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
   * Takes a folder for writing, made if it is not there: locked, an interrupted replacement ended, leftovers of killed processes cleared. What the
   * folder holds stays until {@link begin}.
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
    await run.#take();
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
      throw new DataError({ op: path, what: "holds no run", expected: RUN_FILES.config, got: "no such file" });
    }
    // Killed while it was replaced: whoever opens it ends that.
    if (await exists(join(path, COMMIT))) {
      await run.#take();
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
    return this.#metrics;
  }
  /** Whether the folder still holds another run, which stays until this one has a checkpoint. */
  get replacing(): boolean {
    return this.#replacing;
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
      this.#config = loadCheckpoint(await readFileBytes(path), path).config;
    } else this.#config = withoutDigest(await this.readJson("config"), this.file("config"));
    return this.#config;
  }

  /**
   * Begins a new run in a folder that was claimed: writes its configuration. A run that the folder holds stays until the new one has a checkpoint.
   *
   * @param config plain JSON
   * @param network bytes of the ONNX file that the network was imported from
   */
  async begin(config: unknown, network?: Uint8Array): Promise<void> {
    if (isRecord(config) && DIGEST_FIELD in config) {
      throw new DataError({
        op: this.path,
        what: `the configuration has a field ${DIGEST_FIELD}`,
        expected: "another name",
      });
    }
    this.#replacing = await this.has("checkpoint");
    this.#config = config;
    this.#network = network;
    this.#metrics = [];
    await this.#system(async () => {
      if (this.#replacing) await mkdir(join(this.path, NEXT), { recursive: true });
      // Nothing was trained here; without a configuration the folder holds no run, also if this ends halfway.
      else for (const which of ["config", "summary", "model"] as const) await rm(this.file(which), { force: true });
    });
    if (network !== undefined) await this.#write("network", network);
    await this.#writeMetrics([]);
    await this.#writeConfig();
  }

  /**
   * The last checkpoint, or null if no epoch was completed. Takes the lock. Metrics of later epochs are dropped, so that what follows is written
   * as if the run had never been interrupted.
   *
   * @param config what the checkpoint has to be of; default: not looked at
   * @throws FormatError, DataError if it is damaged or in use by another process; StateError if it is of another configuration
   */
  async resume(config?: unknown): Promise<Checkpoint | null> {
    await this.#take();
    const path = this.file("checkpoint");
    const bytes = (await exists(path)) ? await readFileBytes(path) : undefined;
    const checkpoint = bytes === undefined ? null : loadCheckpoint(bytes, path);
    if (checkpoint !== null && config !== undefined) checkSameConfig(checkpoint, config, path);
    if (!(await this.has("config")) && checkpoint !== null) {
      this.#config ??= checkpoint.config;
      await this.#writeConfig();
    }
    this.#checkpoint = bytes;
    await this.#readMetrics();
    const epoch = checkpoint?.epoch ?? 0;
    const rows = this.#metrics.filter((row) => row.epoch <= epoch);
    const missing = missingEpochs(rows, epoch);
    if (missing !== null)
      this.#warn(`${this.file("metrics")}: the figures of epoch ${missing} are lost; the weights are not`);
    await this.#writeMetrics(rows);
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
        await this.#writeMetrics([...this.#metrics.filter(({ epoch }) => epoch < metrics.epoch), metrics]);
      },
      onCheckpoint: (bytes) => this.writeCheckpoint(bytes),
    };
  }

  /** Writes the checkpoint; the first one of a run that replaces another puts it in that one's place. */
  async writeCheckpoint(bytes: Uint8Array): Promise<void> {
    this.#checkpoint = bytes;
    await this.keep();
    await this.#write("checkpoint", bytes);
    if (!this.#replacing) return;
    await this.#system(() => rename(join(this.path, NEXT), join(this.path, COMMIT)));
    await flushDirectory(this.path);
    this.#replacing = false;
    await this.#endReplacement();
  }
  /** Writes the packed model. */
  async writeModel(bytes: Uint8Array): Promise<void> {
    await this.keep();
    await this.#write("model", bytes);
  }
  /** Writes `summary.json`. */
  async writeSummary(summary: unknown): Promise<void> {
    await this.keep();
    await this.writeJson("summary", summary);
  }

  /**
   * Makes the folder anew, with the last checkpoint, if somebody removed it: hours of training must not be lost for that. Called before every write.
   *
   * @throws DataError if another process took the run over
   */
  async keep(): Promise<void> {
    if (this.#lock === null) await this.#take();
    const lost = !(await exists(this.path));
    if (lost) await this.#system(() => mkdir(this.path, { recursive: true }));
    await this.#lock?.confirm();
    if (!lost) return;
    this.#warn(`${this.path} was removed while the run went on: made anew`);
    this.#replacing = false;
    if (this.#network !== undefined) await this.#write("network", this.#network);
    if (this.#config !== undefined) await this.#writeConfig();
    await this.#writeMetrics(this.#metrics);
    if (this.#checkpoint !== undefined) await this.#write("checkpoint", this.#checkpoint);
  }

  /** Writes one of the JSON files. */
  async writeJson(which: "config" | "summary", value: unknown): Promise<void> {
    await this.#write(which, `${JSON.stringify(value, null, 2)}\n`);
  }
  /** Reads one of the JSON files. @throws DataError if it is missing, FormatError if it is not JSON */
  async readJson(which: "config" | "summary"): Promise<unknown> {
    const path = this.file(which);
    const bytes = await readFileBytes(path);
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (error) {
      throw new FormatError({ op: path, what: "is not JSON", expected: "UTF-8", got: (error as Error).message });
    }
    return readJson(text, path, "");
  }

  /** Gives the lock back. Whoever writes again takes it again. */
  release(): void {
    this.#lock?.release();
    this.#lock = null;
  }

  /** Ends the work: a run that did not come to replace the one in the folder goes, and so does a folder that was made and stayed empty. */
  async close(): Promise<void> {
    if (this.#lock === null) return;
    if (this.#replacing) await rm(join(this.path, NEXT), { recursive: true, force: true }).catch(() => {});
    this.release();
    if (this.#made === undefined) return;
    for (let at = resolve(this.path); at.length >= resolve(this.#made).length; at = dirname(at)) {
      if (
        !(await rmdir(at).then(
          () => true,
          () => false,
        ))
      )
        return;
    }
  }

  /** The lock; then everything that a killed process left undone is done, or undone. */
  async #take(): Promise<void> {
    if (this.#lock !== null) return;
    this.#lock = await RunLock.acquire(this.path);
    try {
      await this.#endReplacement();
      const next = join(this.path, NEXT);
      if (await exists(next)) {
        this.#warn(
          `${this.path}: a run that was to replace this one ended before its first checkpoint; this is the earlier run`,
        );
        await this.#system(() => rm(next, { recursive: true, force: true }));
      }
      await clearTemporaries(this.path);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Moves a run out of `.commit`, from wherever an earlier process came to. */
  async #endReplacement(): Promise<void> {
    const from = join(this.path, COMMIT);
    if (!(await exists(from))) return;
    await this.#system(async () => {
      if (await exists(join(from, RUN_FILES.config))) {
        for (const which of ["summary", "model"] as const) await rm(this.file(which), { force: true });
        if (!(await exists(join(from, RUN_FILES.network)))) await rm(this.file("network"), { force: true });
      }
      for (const which of MOVED) {
        const source = join(from, RUN_FILES[which]);
        if (await exists(source)) await rename(source, this.file(which));
      }
    });
    await flushDirectory(this.path);
    await this.#system(() => rm(from, { recursive: true, force: true }));
  }

  #place(which: RunFile): string {
    return this.#replacing ? join(this.path, NEXT, RUN_FILES[which]) : this.file(which);
  }
  async #write(which: RunFile, content: Uint8Array | string): Promise<void> {
    await saveFileAtomic(this.#place(which), content);
  }
  async #writeConfig(): Promise<void> {
    await this.writeJson("config", withDigest(this.#config));
  }
  async #writeMetrics(rows: EpochMetrics[]): Promise<void> {
    await this.#write("metrics", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    this.#metrics = rows;
  }
  async #readMetrics(): Promise<void> {
    const path = this.file("metrics");
    const { rows, damage } = await readMetrics(path);
    if (damage !== null) this.#warn(`${path}: ${damage}`);
    this.#metrics = rows;
  }
  /** Work on the file system whose errors name the folder. */
  async #system(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof CoarsegradError) throw error;
      throw new DataError({ op: this.path, what: "cannot be written", got: (error as Error).message });
    }
  }
}
