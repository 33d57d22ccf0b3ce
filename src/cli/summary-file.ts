/** @file What a run's `summary.json` says: the outcome of training, and of the packed model. */
import { sha256Hex } from "../core/sha256.js";
import type { ModelSummary } from "../export/index.js";
import { RunFolder } from "../node/run-folder.js";
import type { LayerRow } from "./report/model.js";
import { exists, isFolder } from "./sources.js";

/** The packed file and what the integer runtime makes of it. */
export interface PackedSummary {
  /** Bytes of `model.cgm`. */
  bytes: number;
  /** Bytes of its weights as float32. */
  floatBytes: number;
  sha256: string;
  /** Accuracy of the packed file on the test images, percent. */
  top1: number;
  top5: number;
  /** Milliseconds per image of the runtime, in batches. */
  millisecondsPerImage: number;
  /** Codes that `verify` compared with the training graph's, and how many agree. */
  codesCompared?: number;
  codesEqual?: number;
}

/** A run's outcome. */
export interface RunSummary {
  command: string;
  version: string;
  model: string;
  data: string;
  bits: string;
  method: string;
  seed: number;
  /** Complete epochs. */
  epochs: number;
  /** Seconds of all parts of the run. */
  wallSeconds: number;
  /** Mean speed of training; null without training. */
  imagesPerSecond: number | null;
  /** Accuracy of the training graph on the test images, percent. */
  top1: number;
  top5: number;
  testImages: number;
  /** Milliseconds per image of the training graph in evaluation, in batches. */
  millisecondsPerImage: number;
  /** SHA-256 of all parameters and buffers. */
  weightsSha256: string;
  layers: LayerRow[];
  packed: PackedSummary;
}

/** Layers with weights, as summaries and reports show them. */
export function layerRows({ layers }: ModelSummary): LayerRow[] {
  return layers.flatMap(({ name, op, weightBits, inputBits, weights, bytes, macs }) =>
    weightBits === null
      ? []
      : [{ name, kind: op, weightBits, activationBits: inputBits, parameters: weights, bytes, macs }],
  );
}

/**
 * Notes the outcome of a verification in the run's summary, if `folder` is a run and its summary is of this packed file.
 *
 * @param packed bytes of the packed file
 */
export async function recordVerification(
  folder: string,
  packed: Uint8Array,
  codes: { equal: number; total: number },
): Promise<void> {
  if (!(await isFolder(folder))) return;
  const run = await RunFolder.open(folder);
  if (!(await exists(run.file("summary")))) return;
  const summary = (await run.readJson("summary")) as RunSummary;
  if (summary.packed?.sha256 !== sha256Hex(packed)) return;
  summary.packed = { ...summary.packed, codesCompared: codes.total, codesEqual: codes.equal };
  await run.writeSummary(summary);
}
