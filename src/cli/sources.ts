/** @file What a MODEL argument may be: a run folder, a training checkpoint, float weights, a packed model, or an ONNX file. */
import { DataError } from "../core/errors.js";
import type { PackedModel } from "../format/model.js";
import { FORMAT_NAME } from "../format/plan.js";
import { readPacked } from "../format/read.js";
import { readSafetensors, type SafeTensor } from "../io/safetensors.js";
import { exists, isFolder, readFileBytes } from "../node/files.js";
import { RunFolder } from "../node/run-folder.js";
import { type Checkpoint, loadCheckpoint } from "../train/checkpoint.js";
import { isOnnx } from "./onnx.js";
import { asRunConfig, type RunConfig } from "./run-config.js";
import { checkCheckpoint, checkPackedFile } from "./summary-file.js";

/** A packed model. */
export interface PackedSource {
  readonly kind: "packed";
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly model: PackedModel;
}

/** A training checkpoint, with the configuration that it was made with. */
export interface CheckpointSource {
  readonly kind: "checkpoint";
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly config: RunConfig;
  readonly checkpoint: Checkpoint;
}

/** Weights by name, without a word about the network that they belong to. */
export interface WeightsSource {
  readonly kind: "weights";
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** Text by key, as the file holds it. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A float network in an ONNX file, not yet read. */
export interface OnnxSource {
  readonly kind: "onnx";
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A model that was found on disk. */
export type ModelSource = PackedSource | CheckpointSource | WeightsSource | OnnxSource;

/** Kinds of sources in words. */
export const KIND_NAMES: Readonly<Record<ModelSource["kind"], string>> = {
  packed: "a packed model",
  checkpoint: "a training checkpoint",
  weights: "plain float weights",
  onnx: "an ONNX file",
};

/**
 * Opens a model by path: a run folder stands for its checkpoint; ONNX files, which say nothing of themselves, are told by their ending, others by
 * their content.
 *
 * What a run recorded of its files is compared with them.
 *
 * @throws DataError if there is nothing, FormatError if it is damaged or of no known kind, StateError if files of different runs lie in one folder
 */
export async function openModel(path: string): Promise<ModelSource> {
  const file = (await isFolder(path)) ? await checkpointOf(path) : path;
  const bytes = await readFileBytes(file);
  if (isOnnx(file)) return { kind: "onnx", path: file, bytes };
  const { tensors, metadata } = readSafetensors(bytes, file);
  if (metadata.format === FORMAT_NAME) {
    const model = readPacked(bytes, file);
    await checkPackedFile(file, bytes);
    return { kind: "packed", path: file, bytes, model };
  }
  if (metadata.format === undefined || metadata.format === "pt") {
    return { kind: "weights", path: file, bytes, tensors, metadata };
  }
  const checkpoint = loadCheckpoint(bytes, file);
  const config = asRunConfig(checkpoint.config, file);
  await checkCheckpoint(file, checkpoint);
  return { kind: "checkpoint", path: file, bytes, checkpoint, config };
}

async function checkpointOf(path: string): Promise<string> {
  const run = await RunFolder.open(path);
  const file = run.file("checkpoint");
  if (await exists(file)) return file;
  throw new DataError({
    op: path,
    what: "this run has no checkpoint yet",
    expected: "a run with at least one complete epoch",
    hint: "train it first, or resume it",
  });
}
