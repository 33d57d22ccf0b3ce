/** @file What a model's file may be: a packed model, a training checkpoint, float weights, or an ONNX file. */
import { check, checkBytes, text } from "../core/checks.js";
import { FORMAT_NAME } from "../format/plan.js";
import { readSafetensors, type SafeTensor, safetensorsMetadata } from "../io/safetensors.js";
import { type Checkpoint, loadCheckpoint } from "../train/checkpoint.js";
import { parseConfig, type RunConfig } from "./config.js";
import { isOnnx } from "./onnx-names.js";

/** A packed model, not yet read: what runs it, reads it. */
export interface PackedSource {
  readonly kind: "packed";
  readonly path: string;
  readonly bytes: Uint8Array;
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

/** A model's file. */
export type ModelSource = PackedSource | CheckpointSource | WeightsSource | OnnxSource;

/** Kinds of sources in words. */
export const KIND_NAMES: Readonly<Record<ModelSource["kind"], string>> = {
  packed: "a packed model",
  checkpoint: "a training checkpoint",
  weights: "plain float weights",
  onnx: "an ONNX file",
};

/**
 * Tells what a model's file is: ONNX files, which say nothing of themselves, by their ending, others by their content.
 *
 * @param path the file's name
 * @throws FormatError if it is damaged or of no known kind
 */
export function readModel(bytes: Uint8Array, path: string): ModelSource {
  bytes = checkBytes("readModel", "bytes", bytes);
  check("readModel", "path", path, text);
  if (isOnnx(path)) return { kind: "onnx", path, bytes };
  const format = safetensorsMetadata(bytes, path).format;
  if (format === FORMAT_NAME) return { kind: "packed", path, bytes };
  if (format === undefined || format === "pt") {
    return { kind: "weights", path, bytes, ...readSafetensors(bytes, path) };
  }
  const checkpoint = loadCheckpoint(bytes, path);
  return { kind: "checkpoint", path, bytes, checkpoint, config: parseConfig(checkpoint.config, path) };
}
