/** @file What a model's file may be: a packed model, a training checkpoint, float weights, or an ONNX file. */
import { check, checkBytes, text } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import { FORMAT_NAME } from "../format/plan.js";
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
  if (isZip(bytes)) {
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

/** How PyTorch's old files become files that are read. */
const CONVERT = `python -c "import sys, torch; from safetensors.torch import save_file; s = torch.load(sys.argv[1], map_location='cpu', weights_only=True); s = s.get('state_dict', s); save_file({k: v.contiguous().clone() for k, v in s.items() if torch.is_tensor(v)}, sys.argv[2], {'format': 'pt'})" IN.pt OUT.safetensors`;

const startsWith = (bytes: Uint8Array, ...first: number[]): boolean => first.every((byte, i) => bytes[i] === byte);

/** Whether a file is a ZIP archive, as those of `torch.save` and NumPy's `savez` are. */
function isZip(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0x50, 0x4b, 3, 4);
}

/** Names files of other kinds by their first bytes: a pickle would only be a strange header. @throws FormatError */
function refuseForeign(bytes: Uint8Array, path: string): void {
  const starts = (...first: number[]): boolean => startsWith(bytes, ...first);
  const npz = isZip(bytes) && path.toLowerCase().endsWith(".npz");
  const kind = npz
    ? "a NumPy archive"
    : bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[7] !== 0
      ? "a pickle, as torch.save wrote before 1.6"
      : starts(0x89, 0x48, 0x44, 0x46)
        ? "an HDF5 file"
        : starts(0x47, 0x47, 0x55, 0x46)
          ? "a GGUF file"
          : null;
  if (kind === null) return;
  const hint = npz ? "in code: net.loadStateDict(readNpz(bytes))" : kind.startsWith("a pickle") ? CONVERT : undefined;
  throw new FormatError({
    op: path,
    what: "not a file of weights that is read",
    expected: "safetensors, or what torch.save writes",
    got: kind,
    hint,
  });
}
