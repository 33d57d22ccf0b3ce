/**
 * @file The study's output folder: what is done, what the inputs are called in it, and that only one process works in
 * it.
 */
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { PRETRAINED } from "./study.mjs";

/** Replaces a file as a whole. @param {string} file @param {string | Uint8Array} content */
export function writeWhole(file, content) {
  const temporary = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  writeFileSync(temporary, content, { flush: true });
  renameSync(temporary, file);
}

/** The JSON in a file, or null if there is none. @param {string} file */
export function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
}

/** Rows of `metrics.jsonl`; none without the file. @param {string} folder */
export function readMetrics(folder) {
  const file = path.join(folder, "metrics.jsonl");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** What a run has left in its folder. */
export class Folder {
  /** @param {string} out */
  constructor(out) {
    this.out = path.resolve(out);
  }
  /** @param {{ id: string }} run @param {string[]} parts */
  of({ id }, ...parts) {
    return path.join(this.out, id, ...parts);
  }
  summary(run) {
    return readJson(this.of(run, run.kind === "eval" ? "eval.json" : "summary.json"));
  }
  verification(run) {
    return readJson(this.of(run, "verify.json"));
  }
  metrics(run) {
    return readMetrics(this.of(run));
  }
  /** Where training diverged, if it did. */
  divergence(run) {
    return readJson(this.of(run, "diverged.json"));
  }
  isDone(run) {
    if (this.divergence(run) !== null) return true;
    return this.summary(run) !== null && (!run.verify || this.verification(run) !== null);
  }

  /**
   * The command line that the study runs: a copy, so that a build in between does not change the runs that are left.
   */
  get main() {
    return path.join(this.out, "coarsegrad.mjs");
  }

  /**
   * Makes the folder, and puts the public weights and the command line in it.
   *
   * @param {string} weights
   * @param {string} main the built command line
   * @param {boolean} renew take it even if the study began with another
   */
  prepare(weights, main, renew) {
    mkdirSync(this.out, { recursive: true });
    if (renew || !existsSync(this.main)) {
      copyFileSync(main, `${this.main}.tmp`);
      renameSync(`${this.main}.tmp`, this.main);
    }
    const link = path.join(this.out, PRETRAINED);
    if (!existsSync(link)) {
      rmSync(link, { force: true });
      symlinkSync(path.resolve(weights), link);
    }
  }

  /** Keeps other processes out until `release`. @throws Error if one is at work */
  lock() {
    const file = path.join(this.out, ".lock");
    const holder = Number(existsSync(file) ? readFileSync(file, "utf8") : Number.NaN);
    if (holder > 0 && isAlive(holder)) {
      throw new Error(`${this.out}: process ${holder} is at work there; expected a folder that nobody uses`);
    }
    writeWhole(file, `${process.pid}`);
    return () => rmSync(file, { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
