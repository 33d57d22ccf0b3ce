/** @file The SHA-256 of a run's configuration: kept in `config.json` itself, and compared with the checkpoint's. */
import { FormatError, StateError } from "../../core/errors.js";
import { isErrorOf } from "../../core/foreign-errors.js";
import { isRecord } from "../../io/json.js";
import type { Checkpoint } from "../../train/checkpoint.js";
import { configHash } from "../../train/digest.js";

/** The field of `config.json` that holds the SHA-256 of the other fields. */
export const DIGEST_FIELD = "configSha256";

/** A configuration as it is written. */
export function withDigest(config: unknown): unknown {
  return isRecord(config) ? { ...config, [DIGEST_FIELD]: configHash(config) } : config;
}

/** Refuses a checkpoint of another configuration. @throws StateError that names both hashes */
export function checkSameConfig(checkpoint: Checkpoint, config: unknown, file: string): void {
  const own = configHash(config);
  if (checkpoint.configHash === own) return;
  throw new StateError({
    op: file,
    what: "the checkpoint is of another configuration than config.json",
    expected: `the configuration with SHA-256 ${own}`,
    got: checkpoint.configHash,
    hint: "one of the two files was edited, or is another run's",
  });
}

/** The configuration without its digest, which has to be right if it is there: earlier versions wrote none. */
export function withoutDigest(value: unknown, file: string): unknown {
  if (!isRecord(value) || !(DIGEST_FIELD in value)) return value;
  const { [DIGEST_FIELD]: recorded, ...config } = value;
  const own = digestOf(config, file);
  if (recorded === own) return config;
  throw new FormatError({
    op: file,
    what: "was edited",
    expected: `SHA-256 ${typeof recorded === "string" ? JSON.stringify(recorded.slice(0, 64)).slice(1, -1) : "as text"} of its fields`,
    got: own,
    hint: "a run keeps its settings: train another one into another folder",
  });
}

function digestOf(config: unknown, file: string): string {
  try {
    return configHash(config);
  } catch (error) {
    if (!isErrorOf("RangeError", error)) throw error;
    throw new FormatError({ op: file, what: "is nested too deeply", expected: "the configuration of a training run" });
  }
}
