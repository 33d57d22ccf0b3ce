/** @file What a run's `summary.json` says: the outcome of training, and of the packed model. */
import path from "node:path";
import { DataError, StateError } from "../../core/errors.js";
import { sha256Hex } from "../../core/sha256.js";
import { parseConfig, type RunConfig } from "../../run/config.js";
import { checkSummary, type PackedSummary, type RunSummary } from "../../run/summary.js";
import type { Checkpoint } from "../../train/checkpoint.js";
import { configHash, stateDigest } from "../../train/digest.js";
import { exists, isFolder } from "../files.js";
import { checkSameConfig } from "./config-digest.js";
import { RUN_FILES, RunFolder } from "./folder.js";

/**
 * The summary of a run, or null if it has none.
 *
 * @throws FormatError naming file and field if it holds what no summary does
 */
export async function readSummary(run: RunFolder): Promise<RunSummary | null> {
  if (!(await run.has("summary"))) return null;
  const summary = await run.readJson("summary");
  checkSummary(run.file("summary"), summary);
  return summary as RunSummary;
}

/**
 * Refuses a summary that is of another configuration or other weights than the files beside it.
 *
 * @throws StateError that names both
 */
export function checkBelongs(
  file: string,
  summary: RunSummary,
  config: RunConfig,
  checkpoint?: { readonly file: string; readonly model: Checkpoint["model"] },
): void {
  const refuse = (what: string, expected: string, got: string): never => {
    throw new StateError({
      op: file,
      what,
      expected,
      got,
      hint: "one of the two was edited, damaged, or is another run's",
    });
  };
  const { configSha256 } = summary;
  if (configSha256 !== undefined && configSha256 !== configHash(config)) {
    refuse("the summary is of another configuration", `SHA-256 ${configHash(config)}`, configSha256);
  }
  // Earlier versions did not record the hash, but these.
  const fields = ["model", "data", "bits", "seed"] as const;
  const differing = fields.find((field) => summary[field] !== undefined && summary[field] !== config[field]);
  if (differing !== undefined) {
    refuse("the summary is of another configuration", `${differing} ${config[differing]}`, `${summary[differing]}`);
  }
  if (checkpoint === undefined || summary.weightsSha256 === undefined) return;
  const own = stateDigest(checkpoint.model);
  if (own !== summary.weightsSha256) {
    refuse(`the weights of ${checkpoint.file} are not those of the summary`, `SHA-256 ${summary.weightsSha256}`, own);
  }
}

/**
 * The checkpoint of a run that goes on, compared with what else the run recorded; null before its first epoch. Takes
 * the run's lock.
 */
export async function resumeRun(run: RunFolder, config: RunConfig): Promise<Checkpoint | null> {
  const checkpoint = await run.resume(config);
  const summary = await readSummary(run);
  if (summary !== null && checkpoint !== null) {
    const { model } = checkpoint;
    checkBelongs(run.file("summary"), summary, config, { file: run.file("checkpoint"), model });
  }
  return checkpoint;
}

/** The run that a file lies in, if it lies in one under the name that it has there. */
async function runOf(file: string, which: "checkpoint" | "model"): Promise<RunFolder | null> {
  const folder = path.dirname(file);
  if (path.basename(file) !== RUN_FILES[which] || !(await exists(path.join(folder, RUN_FILES.config)))) return null;
  return RunFolder.open(folder);
}

/**
 * Compares a checkpoint in the folder of a run with the configuration and the summary there.
 *
 * @throws StateError, FormatError if they are not of one run
 */
export async function checkCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  const run = await runOf(file, "checkpoint");
  if (run === null) return;
  const config = parseConfig(await run.config(), run.file("config"));
  checkSameConfig(checkpoint, config, file);
  const summary = await readSummary(run);
  if (summary !== null) checkBelongs(run.file("summary"), summary, config, { file, model: checkpoint.model });
}

/**
 * Compares a packed model in the folder of a run with the SHA-256 in the summary there.
 *
 * @throws StateError that names both
 */
export async function checkPackedFile(file: string, bytes: Uint8Array): Promise<void> {
  const run = await runOf(file, "model");
  const summary = run === null ? null : await readSummary(run);
  const recorded = summary?.packed?.sha256;
  if (recorded === undefined || recorded === sha256Hex(bytes)) return;
  throw new StateError({
    op: file,
    what: "not the file that the run's summary is of",
    expected: `SHA-256 ${recorded}`,
    got: sha256Hex(bytes),
    hint: "it was damaged or is another run's; coarsegrad pack writes it anew",
  });
}

/**
 * Notes the outcome of a verification in the run's summary, if `folder` is a run and its summary is of this packed
 * file. One that compared more codes of that file stays, unless this one is the first to find a difference.
 *
 * @param packed bytes of the packed file
 * @param warn told why it cannot be noted: somebody else writes the run, or the folder cannot be written
 */
export async function recordVerification(
  folder: string,
  packed: Uint8Array,
  codes: { equal: number; total: number },
  warn: (text: string) => void,
): Promise<void> {
  if (!(await isFolder(folder))) return;
  await amendPacked(folder, warn, (own) => {
    const { codesCompared: before = 0, codesEqual = before } = own;
    const tellsLess = codes.total < before && (codes.equal === codes.total || codesEqual < before);
    if (own.sha256 !== sha256Hex(packed) || tellsLess) return own;
    return { ...own, codesCompared: codes.total, codesEqual: codes.equal };
  });
}

/** Notes in a run's summary that its packed model was written anew, if other bytes came of it (by another version). */
export async function recordPacked(file: string, packed: Uint8Array, warn: (text: string) => void): Promise<void> {
  if ((await runOf(file, "model")) === null) return;
  await amendPacked(path.dirname(file), warn, ({ codesCompared: _, codesEqual: __, ...own }) => ({
    ...own,
    bytes: packed.length,
    sha256: sha256Hex(packed),
  }));
}

async function amendPacked(
  folder: string,
  warn: (text: string) => void,
  change: (packed: PackedSummary) => PackedSummary,
): Promise<void> {
  const before = await readSummary(await RunFolder.open(folder));
  if (!before?.packed || sameFile(change(before.packed), before.packed)) return;
  try {
    const run = await RunFolder.claim(folder, { warn });
    try {
      const summary = await readSummary(run);
      if (summary?.packed) await run.writeSummary({ ...summary, packed: change(summary.packed) });
    } finally {
      await run.close();
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    warn(`not noted in the run's summary: ${error.message}`);
  }
}

function sameFile(a: PackedSummary, b: PackedSummary): boolean {
  return a === b || (a.sha256 === b.sha256 && a.codesCompared === b.codesCompared && a.codesEqual === b.codesEqual);
}
