/** @file Models on disk: a run folder, a training checkpoint, float weights, a packed model, or an ONNX file. */
import { dirname, isAbsolute, join } from "node:path";
import { check, checkOptions, text } from "../core/checks.js";
import { ArgumentError, DataError } from "../core/errors.js";
import type { Module } from "../nn/module.js";
import { type ImageInfo, infoOf } from "../run/images.js";
import { loaded, networkOf } from "../run/network.js";
import { isOnnx } from "../run/onnx-names.js";
import { type CheckpointSource, KIND_NAMES, type ModelSource, type OnnxSource, readModel } from "../run/source.js";
import { exists, isFolder, pathRule, readFileBytes } from "./files.js";
import { readOnnxFile } from "./onnx-file.js";
import { RunFolder } from "./run/folder.js";
import { checkCheckpoint, checkPackedFile } from "./run/summary-file.js";

/** Choices of {@link openModel}. */
export interface OpenOptions {
  /** The output to take from an ONNX file that has several. */
  readonly output?: string;
}

/**
 * Opens a model by path; a run folder stands for its checkpoint. What a run recorded of its files is compared with
 * them. An ONNX file is read together with the files beside it that hold its values.
 *
 * @throws DataError if there is nothing, FormatError if it is damaged or of no known kind, StateError if files of
 * different runs lie in one folder
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<ModelSource> {
  check("openModel", "path", path, pathRule);
  checkOptions("openModel", options, { output: text });
  const { output } = options;
  const file = (await isFolder(path)) ? await checkpointOf(path) : path;
  if (output !== undefined && !isOnnx(file)) {
    const got = file === path ? path : `the run ${path}`;
    throw new ArgumentError({ op: "output", what: "not for this kind of model", expected: "an ONNX file", got });
  }
  const source = readModel(isOnnx(file) ? await readOnnxFile(file, output) : await readFileBytes(file), file);
  if (source.kind === "packed") await checkPackedFile(file, source.bytes);
  if (source.kind === "checkpoint") await checkCheckpoint(file, source.checkpoint);
  return source;
}

async function checkpointOf(path: string): Promise<string> {
  const run = await RunFolder.open(path);
  const file = run.file("checkpoint");
  if (await exists(file)) return file;
  const packed = await run.has("model");
  throw new DataError({
    op: path,
    what: packed ? "this run has no checkpoint" : "this run has no checkpoint yet",
    expected: "a run with at least one complete epoch",
    hint: packed ? `its packed model is ${run.file("model")}` : "train it first, or resume it",
  });
}

/** An ONNX file as one file, not yet imported. @throws what {@link openModel} throws */
export async function openOnnx(path: string, output?: string): Promise<OnnxSource> {
  return { kind: "onnx", path, bytes: await readOnnxFile(path, output) };
}

/**
 * The network that a run's configuration names a file for, or undefined.
 * @param folder of the run, where an imported network lies
 */
export async function networkFile(model: string, folder: string): Promise<OnnxSource | undefined> {
  if (!isOnnx(model)) return undefined;
  return openOnnx(isAbsolute(model) ? model : join(folder, model));
}

/** The network of a checkpoint, in evaluation mode; owned by the caller. */
export async function checkpointNetwork({ config, checkpoint, path }: CheckpointSource): Promise<Module> {
  return loaded(networkOf(config, await networkFile(config.model, dirname(path))), checkpoint.model);
}

/** A network of a checkpoint, in evaluation mode. */
export interface OpenedNetwork {
  readonly source: CheckpointSource;
  readonly info: ImageInfo;
  /** Owned by the caller. */
  readonly net: Module;
}

/**
 * Opens the network of a run folder or a training checkpoint.
 *
 * @throws ArgumentError for other kinds of files; DataError, FormatError, StateError if it is missing, damaged or of
 * another network
 */
export async function openNetwork(path: string): Promise<OpenedNetwork> {
  const source = await openModel(path);
  if (source.kind !== "checkpoint") {
    throw new ArgumentError({
      op: path,
      what: "not a training checkpoint",
      expected: "a run folder or its checkpoint.safetensors",
      got: KIND_NAMES[source.kind],
    });
  }
  return { source, info: infoOf(source.config), net: await checkpointNetwork(source) };
}
