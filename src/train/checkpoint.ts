/** @file Checkpoints: everything that a bit-exact resume needs, in one safetensors file. */
import { defaultRng, setDefaultRng } from "../autograd/random.js";
import {
  anything,
  check,
  checkOptions,
  instanceOf,
  integer,
  list,
  listOf,
  type Rule,
  real,
  record,
  text,
} from "../core/checks.js";
import { FormatError, StateError } from "../core/errors.js";
import { isErrorOf } from "../core/foreign-errors.js";

import { Rng } from "../core/rng.js";
import { contentChecksum } from "../io/checksum.js";
import { readJson } from "../io/json.js";
import { readSafetensors, type SafeEntry, type SafeTensor, writeSafetensors } from "../io/safetensors.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { Module } from "../nn/module.js";
import { type HostArray, stateEntries, valuesOf } from "../nn/state.js";
import type { OptimizerLike, OptimizerState } from "../optim/types.js";
import { type CheckpointParts, partEntries, partMetadata, readParts } from "./checkpoint-parts.js";
import { canonicalJson, configHash } from "./digest.js";
import { checkContent, quoted } from "./file-checksum.js";
import type { PartialEpoch } from "./partial.js";

/** What {@link saveCheckpoint} calls its files. */
export const CHECKPOINT_FORMAT = "coarsegrad-checkpoint";
const VERSION = "1";

/** A place in a run, as it stands in a file. */
export interface Checkpoint extends CheckpointParts {
  /** Epochs that are complete. */
  readonly epoch: number;
  /** Optimizer steps that are complete: the schedule's position. */
  readonly step: number;
  /** Figures of the epoch that was interrupted; absent between two epochs. */
  readonly partial?: PartialEpoch;
  /** What tells the training data from others, where the loader of it says so (`BatchLoader.digest`). */
  readonly data?: string;
  /** What the run was started with; enough for its owner to build the network again. */
  readonly config: unknown;
  /** SHA-256 of the configuration. */
  readonly configHash: string;
  /** Parameters and buffers by state-dict key: what the run has come to. */
  readonly model: ReadonlyMap<string, SafeTensor>;
  /** The optimizer, or its state. */
  readonly optimizer: OptimizerState;
  /** Random streams that modules own, by key. */
  readonly rngs: ReadonlyMap<string, readonly number[]>;
  /** The default generator. */
  readonly defaultRng: readonly number[];
}

/** What is saved. */
export interface CheckpointSource extends Omit<CheckpointParts, "training"> {
  /** The network, as training goes on with it. */
  readonly net: Module;
  /** What the run has come to, where that is not the network's state: an average of weights, or the best epoch's. */
  readonly model?: ReadonlyMap<string, HostArray>;
  /** The optimizer, or its state. */
  readonly optimizer: OptimizerLike;
  /** Epochs that are done. */
  readonly epoch: number;
  /** Steps that are done. */
  readonly step: number;
  /** Plain JSON. Default null. */
  readonly config?: unknown;
  /** What tells the training data from others: no run goes on with others. */
  readonly data?: string;
  /** Figures of an epoch that is not complete, as `fit` gives them. */
  readonly partial?: PartialEpoch;
}

function tensorEntry(name: string, array: NDArray | HostArray): SafeEntry {
  return { name, shape: array.shape, data: valuesOf(array) };
}

/**
 * Writes a checkpoint. Tensors `model.<state-dict key>` and `optimizer.<index>.<slot>`, perhaps `training.<key>` and
 * `average.<key>` (see `CheckpointParts`); counts, rates, random streams
 * and the configuration as JSON in the metadata; and there a checksum of all of it.
 *
 * @returns bytes of a safetensors file; equal states give equal bytes
 */
export function saveCheckpoint(source: CheckpointSource): Uint8Array {
  checkOptions<CheckpointSource>(
    "saveCheckpoint",
    source,
    {
      net: instanceOf(Module as never, "a Module"),
      optimizer: isOptimizer,
      epoch: integer(0),
      step: integer(0),
      config: anything,
      data: text,
      partial: partialRule,
      model: record,
      average: record,
      callbacks: list,
    },
    ["net", "optimizer", "epoch", "step"],
  );
  const { net, optimizer, epoch, step, config = null, data, partial, model, average, callbacks } = source;
  const state = optimizer.stateDict();
  const rngs = Object.fromEntries([...net.namedRngs()].map(([key, rng]) => [key, rng.state()]));
  const own = net.stateDict();
  const parts = {
    training: model && (own as ReadonlyMap<string, unknown> as CheckpointParts["training"]),
    average,
    callbacks,
  };
  const entries = [
    ...[...(model ?? own)].map(([key, array]) => tensorEntry(`model.${key}`, array)),
    ...[...state.arrays].map(([key, array]) => tensorEntry(`optimizer.${key}`, array)),
    ...partEntries(parts),
  ];
  const metadata = {
    format: CHECKPOINT_FORMAT,
    version: VERSION,
    epoch: `${epoch}`,
    step: `${step}`,
    config: canonicalJson(config),
    config_hash: configHash(config),
    optimizer: canonicalJson(state.values),
    rngs: canonicalJson(rngs),
    default_rng: canonicalJson(defaultRng().state()),
    ...(data !== undefined && { data }),
    ...(partial !== undefined && { partial: canonicalJson(partial) }),
    ...partMetadata(parts),
  };
  return writeSafetensors(entries, { ...metadata, checksum: contentChecksum(entries, metadata) });
}

/**
 * Reads a checkpoint; nothing is applied yet (see {@link restoreCheckpoint}).
 *
 * @param file name for messages
 * @throws FormatError if the bytes are not a checkpoint of this version
 */
export function loadCheckpoint(bytes: Uint8Array, file = "checkpoint"): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes, file);
  if (metadata.format !== CHECKPOINT_FORMAT || metadata.version !== VERSION) {
    throw new FormatError({
      op: file,
      what: "not a training checkpoint",
      expected: `${CHECKPOINT_FORMAT} version ${VERSION}`,
      got: metadata.format === undefined ? "no format in its metadata" : `${metadata.format} ${metadata.version}`,
      hint: "float weights are loaded with loadStateDict",
    });
  }
  checkContent(tensors, metadata, file);
  const read = <T>(key: string, good: (value: unknown) => boolean): T => {
    try {
      const value = readJson(metadata[key], file, key);
      if (good(value)) return value as T;
    } catch {
      // Falls through to the error that names the field.
    }
    throw new FormatError({
      op: file,
      what: `bad metadata ${key}`,
      expected: "what saveCheckpoint writes",
      got: quoted(metadata[key]),
    });
  };
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  const isState = (value: unknown): boolean => Array.isArray(value) && value.every((word) => typeof word === "number");
  const isTable = (good: (value: unknown) => boolean) => (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(good);
  const under = (prefix: string): Map<string, SafeTensor> =>
    new Map(
      [...tensors].flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [])),
    );
  const [epoch, step] = [read<number>("epoch", isCount), read<number>("step", isCount)];
  const config = read("config", () => true);
  if (metadata.config_hash !== hashOf(config)) {
    throw new FormatError({
      op: file,
      what: "its configuration is not the one that it was written with",
      expected: `SHA-256 ${quoted(metadata.config_hash)}`,
      got: hashOf(config) ?? "one that is nested too deeply",
    });
  }
  const partial =
    metadata.partial === undefined ? null : read<PartialEpoch>("partial", (it) => partialRule(it) === null);
  return {
    epoch,
    step,
    ...(partial !== null && { partial }),
    ...(metadata.data !== undefined && { data: metadata.data }),
    config,
    configHash: metadata.config_hash,
    model: under("model."),
    optimizer: {
      arrays: under("optimizer."),
      values: read<Record<string, number>>(
        "optimizer",
        isTable((value) => typeof value === "number"),
      ),
    },
    rngs: new Map(Object.entries(read<Record<string, number[]>>("rngs", isTable(isState)))),
    defaultRng: read("default_rng", isState),
    ...readParts(metadata, read, under),
  };
}

/** The hash of a configuration; null for one that is nested deeper than JSON can be written again. */
function hashOf(config: unknown): string | null {
  try {
    return configHash(config);
  } catch (error) {
    if (isErrorOf("RangeError", error)) return null;
    throw error;
  }
}

/**
 * Puts a network, its optimizer and all random streams where the checkpoint was taken: the network gets the weights
 * that training goes on with, `training` where `model` is an average or another epoch's. Everything is compared first:
 * after an error, network, optimizer and random streams are as they were.
 *
 * @throws ArgumentError on anything but a checkpoint, a network and an optimizer; StateError if the network's keys,
 *   shapes or random streams differ (all are listed), or if the optimizer's state does not fit
 */
export function restoreCheckpoint(checkpoint: Checkpoint, net: Module, optimizer: OptimizerLike): void {
  const hint = "loadCheckpoint(bytes) gives one";
  check("restoreCheckpoint", "checkpoint", checkpoint, record, hint);
  check("restoreCheckpoint", "checkpoint.model", checkpoint.model, record, hint);
  check("restoreCheckpoint", "net", net, instanceOf(Module as never, "a Module"));
  check("restoreCheckpoint", "optimizer", optimizer, isOptimizer);
  const states = stateEntries("restoreCheckpoint", "checkpoint.rngs", checkpoint.rngs) as Map<
    string,
    readonly number[]
  >;
  check("restoreCheckpoint", "checkpoint.defaultRng", checkpoint.defaultRng, listOf(integer(0)), hint);
  const own = [...net.namedRngs().keys()];
  const saved = [...states.keys()];
  if (own.length !== saved.length || own.some((key) => !states.has(key))) {
    throw new StateError({
      op: "checkpoint",
      what: "random streams of the network differ",
      expected: own.join(", ") || "none",
      got: saved.join(", ") || "none",
      hint: "nothing was changed",
    });
  }
  const stream = Rng.from(checkpoint.defaultRng);
  const putRngs = net.checkRngs(states);
  const state = checkpoint.training ?? checkpoint.model;
  const putState = net.checkStateDict(state);
  // The last that can fail, and all or nothing by itself.
  optimizer.loadStateDict(checkpoint.optimizer);
  if (net.loadStateDict === Module.prototype.loadStateDict) putState();
  else net.loadStateDict(state); // a network's own way of loading
  putRngs();
  setDefaultRng(stream);
}

const countList = listOf(integer(0));
const flipsRule = listOf(fieldsRule("{ flips, projections }", { flips: integer(0), projections: integer(0) }));
const optional: Rule = (value) => (value === undefined ? null : real(value));
const parts = fieldsRule("parts { labels, teacher, features? }", { labels: real, teacher: real, features: optional });
/** Of a loss with a teacher alone. */
const partsRule: Rule = (value) => (value === undefined ? null : parts(value));
/** Figures that a checkpoint within an epoch has. */
const partialRule: Rule = fieldsRule("the figures of an epoch that fit has begun", {
  sums: fieldsRule("sums", { loss: real, mass: real, count: integer(0), hits: integer(0), parts: partsRule }),
  counts: fieldsRule("counts", { flips: flipsRule, codes: listOf(countList) }),
  silent: listOf(text),
});

/** An object with fields of its own. */
function fieldsRule(expected: string, fields: Readonly<Record<string, Rule>>): Rule {
  return (value) => {
    if (record(value) !== null) return expected;
    const own = value as Record<string, unknown>;
    return Object.entries(fields).every(([name, rule]) => rule(own[name]) === null) ? null : expected;
  };
}

function isOptimizer(value: unknown): string | null {
  const { loadStateDict, stateDict } = (value ?? {}) as Partial<OptimizerLike>;
  const good = typeof loadStateDict === "function" && typeof stateDict === "function" && !(value instanceof Module);
  return good ? null : "an optimizer";
}
