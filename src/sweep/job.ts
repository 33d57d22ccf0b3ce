/** @file A job: one configuration to train, called by its hash, which says what it starts from by hashes too. */
import { integer, nullable } from "../core/checks.js";
import { isRecord } from "../io/json.js";
import type { RunConfig } from "../run/config.js";
import { configHash } from "../train/digest.js";
import type { Node } from "./scheduler.js";

/** One configuration to train, as workers on other machines get it too: plain JSON. */
export interface SweepJob extends Node {
  /** SHA-256 of the configuration; the file that it starts from stands in it by its SHA-256, a run by its id. */
  readonly id: string;
  /** Id of the job whose weights it starts from. */
  readonly from: string | null;
  /** Id of the job whose network is the teacher. */
  readonly teacherFrom?: string;
  /** Name of the (first) run in the plan. */
  readonly name: string;
  /** Options of `train`, apart from folders and the weights of another job. */
  readonly words: readonly string[];
  /** Compare the packed file with the training graph afterwards. */
  readonly verify: boolean;
  /** Test images, if not all: verification takes as many. */
  readonly testLimit: number | null;
  /** Parts of each batch, which ranks share. */
  readonly shards: number;
}

/**
 * The hash of a configuration, whatever the paths in it.
 *
 * @param job ids of the jobs that it starts from, and that is its teacher
 */
export function jobId(config: RunConfig, { from, teacherFrom }: Pick<SweepJob, "from" | "teacherFrom">): string {
  const { init, teacher } = config;
  const known = teacherFrom === undefined ? { ...teacher, file: undefined } : { from: teacherFrom };
  const taught = teacher && { teacher: known };
  const start = from !== null ? { from } : init === null ? null : { sha256: init.sha256 };
  return configHash({ ...config, init: start, ...taught });
}

/** Folder of a job's run within the sweep's. */
export function jobFolder(id: string): string {
  return `jobs/${id.slice(0, 16)}`;
}

/** A job out of JSON, or null. */
export function jobOf(value: unknown): SweepJob | null {
  if (!isRecord(value)) return null;
  const { id, from, teacherFrom, name, words, verify, shards, testLimit } = value;
  const isId = (text: unknown): boolean => typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
  const good =
    isId(id) &&
    (from === null || isId(from)) &&
    (teacherFrom === undefined || isId(teacherFrom)) &&
    typeof name === "string" &&
    typeof verify === "boolean" &&
    integer(1)(shards) === null &&
    nullable(integer(1))(testLimit) === null &&
    Array.isArray(words) &&
    words.every((word) => typeof word === "string");
  return good ? (value as unknown as SweepJob) : null;
}
