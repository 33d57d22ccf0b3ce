/** @file A training run on disk: configuration, metrics, checkpoint and summary, each replaced atomically. */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../core/errors.js";
import { readJson } from "../io/json.js";
import { type Checkpoint, loadCheckpoint } from "../train/checkpoint.js";
import type { EpochMetrics } from "../train/metrics.js";
import { readFileBytes, saveFileAtomic } from "./files.js";

/** Names of the files of a run. */
export const RUN_FILES = {
  config: "config.json",
  metrics: "metrics.jsonl",
  checkpoint: "checkpoint.safetensors",
  summary: "summary.json",
  model: "model.cgm",
} as const;

/**
 * A folder that holds one training run.
 *
 * A kill at any moment leaves a folder that can be resumed: metrics of an epoch are written before its checkpoint, every file is
 * replaced as a whole, and resuming drops metrics of epochs that the checkpoint does not have.
 *
 * @example
 * const run = await RunFolder.create("runs/first", config);
 * await fit(net, train, { ...options, config, ...run.handlers() });
 */
export class RunFolder {
  readonly path: string;
  #metrics: EpochMetrics[] = [];
  /** What `config.json` holds, once this object has written or read it. */
  #config: unknown;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes a folder for a new run and writes its configuration.
   *
   * @param config plain JSON
   * @throws DataError if the folder already holds a run's checkpoint, or cannot be written
   */
  static async create(path: string, config: unknown): Promise<RunFolder> {
    const run = new RunFolder(path);
    if (await exists(run.file("checkpoint"))) {
      throw new DataError({
        op: path,
        what: "already holds a run",
        expected: "a new or empty folder",
        got: RUN_FILES.checkpoint,
        hint: "resume it, or choose another folder",
      });
    }
    try {
      await mkdir(path, { recursive: true });
    } catch (error) {
      throw new DataError({ op: path, what: "cannot be made", got: (error as Error).message });
    }
    run.#config = config;
    await run.writeJson("config", config);
    await run.#writeMetrics([]);
    return run;
  }

  /**
   * Opens the folder of an earlier run, to read it or to go on.
   *
   * @throws DataError if it holds no run or its files are damaged
   */
  static async open(path: string): Promise<RunFolder> {
    const run = new RunFolder(path);
    if (!(await exists(run.file("config")))) {
      throw new DataError({ op: path, what: "holds no run", expected: RUN_FILES.config, got: "no such file" });
    }
    run.#metrics = await run.#readMetrics();
    return run;
  }

  /** Path of one of the run's files. */
  file(which: keyof typeof RUN_FILES): string {
    return join(this.path, RUN_FILES[which]);
  }
  /** Metrics of the epochs that are complete. */
  get metrics(): readonly EpochMetrics[] {
    return this.#metrics;
  }
  /** The configuration. @throws DataError if it is missing, FormatError if it is not JSON */
  async config(): Promise<unknown> {
    this.#config = await this.readJson("config");
    return this.#config;
  }

  /**
   * The last checkpoint, or null if no epoch was completed. Metrics of later epochs are dropped, so that what follows is written as if the
   * run had never been interrupted.
   *
   * @throws FormatError, DataError if it is damaged
   */
  async resume(): Promise<Checkpoint | null> {
    const path = this.file("checkpoint");
    const checkpoint = (await exists(path)) ? loadCheckpoint(await readFileBytes(path), path) : null;
    const epoch = checkpoint?.epoch ?? 0;
    await this.#writeMetrics(this.#metrics.filter((row) => row.epoch <= epoch));
    return checkpoint;
  }

  /** What `fit` calls after every epoch. */
  handlers(): {
    onEpoch: (metrics: EpochMetrics) => Promise<void>;
    onCheckpoint: (bytes: Uint8Array) => Promise<void>;
  } {
    return {
      onEpoch: async (metrics) => {
        await this.#restore();
        await this.#writeMetrics([...this.#metrics, metrics]);
      },
      onCheckpoint: (bytes) => saveFileAtomic(this.file("checkpoint"), bytes),
    };
  }
  /** Makes the folder anew if somebody removed it: hours of training must not be lost for that. */
  async #restore(): Promise<void> {
    if (await exists(this.path)) return;
    await mkdir(this.path, { recursive: true });
    if (this.#config !== undefined) await this.writeJson("config", this.#config);
  }
  /** Writes `summary.json`. */
  async writeSummary(summary: unknown): Promise<void> {
    await this.writeJson("summary", summary);
  }

  /** Writes one of the JSON files. */
  async writeJson(which: "config" | "summary", value: unknown): Promise<void> {
    await saveFileAtomic(this.file(which), `${JSON.stringify(value, null, 2)}\n`);
  }
  /** Reads one of the JSON files. @throws DataError if it is missing, FormatError if it is not JSON */
  async readJson(which: "config" | "summary"): Promise<unknown> {
    return parseJson(await readText(this.file(which)), this.file(which));
  }

  async #writeMetrics(rows: EpochMetrics[]): Promise<void> {
    await saveFileAtomic(this.file("metrics"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    this.#metrics = rows;
  }
  async #readMetrics(): Promise<EpochMetrics[]> {
    const path = this.file("metrics");
    if (!(await exists(path))) return [];
    const lines = (await readText(path)).split("\n").filter((line) => line !== "");
    return lines.map((line, i) => {
      const row = parseJson(line, `${path} line ${i + 1}`) as EpochMetrics;
      if (row?.epoch !== i + 1) {
        throw new DataError({ op: path, what: `line ${i + 1}`, expected: `epoch ${i + 1}`, got: line.slice(0, 40) });
      }
      return row;
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readFileBytes(path));
}

function parseJson(text: string, name: string): unknown {
  return readJson(text, name, "");
}
