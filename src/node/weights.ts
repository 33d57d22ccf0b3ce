/** @file Networks in files on disk. */
import type { Module } from "../nn/module.js";
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

/**
 * Puts a file's state into a network of the same structure, as `load` of `coarsegrad/train` does. The checkpoints of
 * run folders are such files too.
 *
 * @returns the network
 * @throws DataError if the file cannot be read; FormatError, QuantError, StateError as `load`
 */
export async function loadNetwork<Net extends Module>(
  path: string,
  net: Net,
  options: ReadFileOptions = {},
): Promise<Net> {
  return load(await readFileBytes(path, options), net, { file: path });
}
