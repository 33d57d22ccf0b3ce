/**
 * @file What a model's file says of its input normalization: a checkpoint's own, a file's metadata, or what is known of
 * a public file.
 */
import { sha256Hex } from "../core/sha256.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import type { ImageConstants } from "./images.js";
import { knownWeights } from "./known-weights.js";
import { defaultNormalize, normalizeText, parseNormalize } from "./normalization.js";
import type { ModelSource, WeightsSource } from "./source.js";

/**
 * What a file of plain weights says of its normalization: `normalize` in its metadata (as --normalize takes it), or
 * what is known of a public file by its SHA-256. Nothing is ever tried out.
 *
 * @returns constants, null for none, undefined if nothing is known
 * @throws UsageError on metadata that cannot be understood
 */
function statedNormalize({ bytes, metadata }: WeightsSource): NormalizeOptions | null | undefined {
  if (metadata.normalize !== undefined) return parseNormalize(metadata.normalize);
  return knownWeights(sha256Hex(bytes))?.normalize;
}

/** Normalization of float weights, and whether it is only assumed. */
export interface StatedNormalize {
  readonly normalize: NormalizeOptions | null;
  readonly assumed: boolean;
}

/**
 * The normalization that weights are to be used with: a checkpoint's own; what a plain file states; else that of a
 * fresh network.
 *
 * @param source not a packed model, which has its normalization inside
 */
export function normalizeOf(source: Exclude<ModelSource, { kind: "packed" }>, info: ImageConstants): StatedNormalize {
  if (source.kind === "checkpoint") return { normalize: source.config.normalize ?? null, assumed: false };
  if (source.kind === "onnx") return { normalize: null, assumed: false };
  const stated = statedNormalize(source);
  return stated === undefined
    ? { normalize: defaultNormalize(info), assumed: true }
    : { normalize: stated, assumed: false };
}

/** What is said where the normalization of float weights is only assumed. */
export function assumedText(path: string, normalize: NormalizeOptions): string {
  return `${path} does not say how its images are normalized: assuming ${normalizeText(normalize)} (--normalize chooses)`;
}
