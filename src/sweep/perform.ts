/** @file One job from its folder's present state to its end, by commands in processes of their own. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DataError, StateError } from "../core/errors.js";
import { exists } from "../node/files.js";
import { RunFolder } from "../node/run/folder.js";
import { takeOver, writerOf } from "../node/run/lock.js";
import { checkBelongs, readSummary } from "../node/run/summary-file.js";
import { parseConfig } from "../run/config.js";
import type { RunSummary } from "../run/summary.js";
import { jobFolder, jobId, type SweepJob } from "./job.js";

/** How far a command is. */
export interface CommandProgress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly details: string;
}

/** Where and how jobs are done. */
export interface Workplace {
  /** The sweep's folder. */
  readonly out: string;
  /** Options of a job's `train`: threads and the like. */
  options(job: SweepJob): readonly string[];
  /** Options of every `verify`. */
  readonly verifyOptions: readonly string[];
  /** Goes on with runs that processes of other machines were at: somebody else knows that they are gone. */
  readonly takesOver: boolean;
  /** Runs a command of ours in a process of its own, within the sweep's folder. */
  command(
    args: readonly string[],
    onProgress: (progress: CommandProgress) => void,
    signal: AbortSignal,
  ): Promise<unknown>;
}

/** What became of a job. */
export interface PerformedJob {
  readonly summary: RunSummary;
  /** False if it was done before. */
  readonly worked: boolean;
}

/** Milliseconds between two looks at a lock. */
const LOOK = 200;

/**
 * The summary of a job that is done, or null.
 *
 * @throws StateError if its folder holds another run, or its packed file is not what was trained; what damaged files
 * throw
 */
export async function finished(job: SweepJob, out: string): Promise<RunSummary | null> {
  const folder = path.join(out, jobFolder(job.id));
  if (!(await RunFolder.holdsRun(folder))) return null;
  const run = await RunFolder.open(folder);
  const config = parseConfig(await run.config(), run.file("config"));
  const own = jobId(config, job);
  if (own !== job.id) {
    throw new StateError({
      op: folder,
      what: "holds another run than the plan's",
      expected: `configuration ${job.id}`,
      got: own,
      hint: "the folder was edited, or this version of coarsegrad has other defaults; remove it to train anew",
    });
  }
  const summary = await readSummary(run);
  if (summary !== null) checkBelongs(run.file("summary"), summary, config);
  if (summary === null || !job.verify) return summary;
  const { codesCompared, codesEqual } = summary.packed;
  if (codesCompared === undefined) return null;
  if (codesEqual === codesCompared) return summary;
  throw new StateError({
    op: folder,
    what: "the packed file differs from the training graph",
    expected: `${codesCompared} codes that agree`,
    got: `${codesEqual}`,
    hint: "coarsegrad verify shows where",
  });
}

/**
 * Does what is left of a job: waits while another process is at it, trains or goes on training, verifies.
 *
 * @returns its summary, and whether anything was left to do
 * @throws what the commands throw
 */
export async function performJob(
  job: SweepJob,
  place: Workplace,
  onProgress: (progress: CommandProgress) => void,
  signal: AbortSignal,
): Promise<PerformedJob> {
  const folder = jobFolder(job.id);
  const here = path.join(place.out, folder);
  const run = (args: readonly string[]): Promise<unknown> => place.command(args, onProgress, signal);
  const isTrained = async (): Promise<boolean> => (await finished({ ...job, verify: false }, place.out)) !== null;
  for (;;) {
    while ((await writerOf(here)) === "here") await sleep(LOOK, undefined, { signal });
    const before = await finished(job, place.out);
    if (before !== null) return { summary: before, worked: false };
    if (await isTrained()) break;
    if (place.takesOver) await takeOver(here);
    const known = await RunFolder.holdsRun(here);
    const own = known ? ["--resume"] : [...job.words, ...(await startOf(job, place.out))];
    try {
      await run(["train", ...own, "--out", folder, ...place.options(job)]);
      break;
    } catch (error) {
      // Another sweep may have begun the same run between the look and the start.
      if (signal.aborted || !((await writerOf(here)) === "here" || (await isTrained()))) throw error;
    }
  }
  if (job.verify) {
    const some = job.testLimit === null ? [] : ["--limit", `${job.testLimit}`];
    await run(["verify", folder, ...some, ...place.verifyOptions]).catch(async (error: unknown) => {
      // Codes that differ are told as such.
      await finished(job, place.out);
      throw error;
    });
  }
  const summary = await finished(job, place.out);
  if (summary !== null) return { summary, worked: true };
  throw new StateError({ op: job.name, what: "ended without its results", expected: `a summary in ${here}` });
}

async function startOf({ from, teacherFrom, name }: SweepJob, out: string): Promise<string[]> {
  const words: string[] = [];
  if (from !== null) words.push("--init", await folderOf(from, "the run that it starts from", name, out));
  if (teacherFrom !== undefined) words.push("--teacher", await folderOf(teacherFrom, "its teacher", name, out));
  return words;
}

async function folderOf(id: string, what: string, name: string, out: string): Promise<string> {
  const folder = jobFolder(id);
  if (await exists(path.join(out, folder))) return folder;
  throw new DataError({
    op: name,
    what: `${what} is not here`,
    expected: path.join(out, folder),
    got: "no such folder",
    hint: "workers of a plan with from need the sweep's folder on a disk that all of them have: --out",
  });
}
