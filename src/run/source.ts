/** @file What a model's file may be: a packed model, a training checkpoint, float weights, or an ONNX file. */
import { check, checkBytes, text } from "../core/checks.js";
import { FORMAT_NAME } from "../format/plan.js";
import { isPyTorch, refuseForeign } from "../io/foreign-weights.js";
import { readPyTorch } from "../io/pytorch.js";
import { readSafetensors, type SafeTensor, safetensorsMetadata } from "../io/safetensors.js";
import { CHECKPOINT_FORMAT, type Checkpoint, loadCheckpoint } from "../train/checkpoint.js";
import { parseConfig, type RunConfig } from "./config.js";
import { isOnnx } from "./onnx-names.js";

/** A packed model, not yet read: what runs it, reads it. */
export interface PackedSource {
  /** Kind of the source. */
  readonly kind: "packed";
  /** Name of the file. */
  readonly path: string;
  /** The file's bytes. */
  readonly bytes: Uint8Array;
}

/** A training checkpoint, with the configuration that it was made with. */
export interface CheckpointSource {
  /** Kind of the source. */
  readonly kind: "checkpoint";
  /** Name of the file. */
  readonly path: string;
  /** The file's bytes. */
  readonly bytes: Uint8Array;
  /** The run's configuration. */
  readonly config: RunConfig;
  /** The checkpoint, read. */
  readonly checkpoint: Checkpoint;
}

/** Weights by name, without a word about the network that they belong to. */
export interface WeightsSource {
  /** Kind of the source. */
  readonly kind: "weights";
  /** Name of the file. */
  readonly path: string;
  /** The file's bytes. */
  readonly bytes: Uint8Array;
  /** Tensors by name. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** Tensors whose element type is not read, with that type. */
  readonly unread: ReadonlyMap<string, string>;
  /** Text by key, as the file holds it. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A float network in an ONNX file, not yet read. */
export interface OnnxSource {
  /** Kind of the source. */
  readonly kind: "onnx";
  /** Name of the file. */
  readonly path: string;
  /** The file's bytes. */
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
  refuseForeign(bytes, path);
  if (isPyTorch(bytes)) {
    const { tensors, unread } = readPyTorch(bytes, path);
    return { kind: "weights", path, bytes, tensors, unread, metadata: { format: "pt" } };
  }
  const format = safetensorsMetadata(bytes, path).format;
  if (format === FORMAT_NAME) return { kind: "packed", path, bytes };
  // PyTorch (pt), MLX, NumPy, TensorFlow, Flax and others say who wrote the weights.
  if (format !== CHECKPOINT_FORMAT) return { kind: "weights", path, bytes, ...readSafetensors(bytes, path) };
  const checkpoint = loadCheckpoint(bytes, path);
  return { kind: "checkpoint", path, bytes, checkpoint, config: parseConfig(checkpoint.config, path) };
}
