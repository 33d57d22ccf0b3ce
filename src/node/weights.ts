/** @file Networks in files on disk. */

import { anything, checkOptions, describe, integer, listOf } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import type { Shape } from "../core/shape.js";
import { isPyTorch } from "../io/foreign-weights.js";
import { readPyTorch } from "../io/pytorch.js";
import type { Module } from "../nn/module.js";
import { loadPyTorch } from "../nn/pytorch.js";
import { load, type SaveOptions, save } from "../train/weights-file.js";
import { type ReadFileOptions, readFileBytes, saveFileAtomic } from "./files.js";

/**
 * Writes a network into a file, as `save` of `coarsegrad/train` makes it: after a crash the file is the old one or the
 * new one.
 *
 * @param path where to write; its directory must exist
 * @throws ArgumentError as `save`; DataError if the file cannot be written
 * @example
 * await saveNetwork("digits.safetensors", net);
 */
export async function saveNetwork(path: string, net: Module, options: SaveOptions = {}): Promise<void> {
  await saveFileAtomic(path, save(net, options));
}

/** Choices of {@link loadNetwork}. */
export interface LoadNetworkOptions extends ReadFileOptions {
  /** Of one image, [H,W,C]: of PyTorch's checkpoints, whose order of the inputs behind a flatten follows from it. */
  readonly inputShape?: Shape;
}

/**
 * Puts a file's state into a network of the same structure, as `load` of `coarsegrad/train` does, or, of a checkpoint of
 * PyTorch's (`.pt`, `.pth`), as `readPyTorch` and `loadPyTorch` do. The checkpoints of run folders are such files too.
 *
 * @returns the network
 * @throws DataError if the file cannot be read; FormatError, QuantError, StateError as `load` and `readPyTorch`;
 * ArgumentError for a checkpoint of PyTorch's without `inputShape`
 * @example
 * await loadNetwork("resnet18.pth", net, { inputShape: [224, 224, 3] });
 */
export async function loadNetwork<Net extends Module>(
  path: string,
  net: Net,
  options: LoadNetworkOptions = {},
): Promise<Net> {
  const op = "loadNetwork";
  checkOptions(op, options, { inputShape: listOf(integer(1)), maxBytes: anything });
  const { inputShape, ...reading } = options;
  const bytes = await readFileBytes(path, reading);
  if (!isPyTorch(bytes)) return load(bytes, net, { file: path });
  const { tensors } = readPyTorch(bytes, path);
  if (inputShape === undefined) {
    const expected = "inputShape: [H, W, C] of one image, since PyTorch flattens images in another order";
    throw new ArgumentError({ op, what: `${path} is a checkpoint of PyTorch's`, expected, got: describe(inputShape) });
  }
  loadPyTorch(net, tensors, { inputShape });
  return net;
}
