/** @file Networks from configurations and checkpoints: made, quantized as the configuration says, filled with weights. */
import { dirname } from "node:path";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import type { DatasetInfo } from "../data/registry.js";
import type { PackOptions } from "../export/index.js";
import type { SafeTensor } from "../io/safetensors.js";
import { model } from "../models/index.js";
import type { Module } from "../nn/module.js";
import { type NormalizeOptions, normalizeInput } from "../nn/normalize.js";
import { infoOf } from "./data-info.js";
import { isOnnx, modelOfRun, onnxNetworkFor } from "./onnx.js";
import { quantized } from "./quantize.js";
import type { RunConfig } from "./run-config.js";
import { type CheckpointSource, KIND_NAMES, openModel } from "./sources.js";

/** The images that a network is made for. */
export type ImageInfo = Pick<DatasetInfo, "shape" | "classes"> & Partial<Pick<DatasetInfo, "classNames">>;

/** A network of a checkpoint, in evaluation mode. */
export interface OpenedNetwork {
  readonly source: CheckpointSource;
  readonly config: RunConfig;
  readonly info: ImageInfo;
  /** Owned by the caller. */
  readonly net: Module;
}

/** A float network with fresh weights that depend on the seed alone, or with those of an ONNX file, behind a normalization unless it is null. */
export function freshNetwork(
  name: string,
  info: ImageInfo,
  seed: number,
  normalize: NormalizeOptions | null | undefined,
): Module {
  if (isOnnx(name)) {
    const net = onnxNetworkFor(name, info);
    return normalize ? normalizeInput(net, normalize) : net;
  }
  const { shape, classes } = info;
  const [height, width, channels] = shape;
  if (height !== width) {
    throw new ArgumentError({ op: name, what: "images are not square", expected: "H = W", got: `${height}×${width}` });
  }
  const rng = new Rng(seed).fork("weights");
  return model(name, { classes, channels, size: height, rng, normalize: normalize ?? undefined });
}

/** The network of a configuration, quantized as it says, steps not calibrated. @param folder of the run, where an imported network lies */
export function networkFor(config: RunConfig, folder = "."): Module {
  const net = freshNetwork(modelOfRun(config.model, folder), infoOf(config), config.seed, config.normalize);
  return orFreed(net, () => quantized(net, config));
}

/** What `fn` gives, which goes on with a new network; frees the network if it throws. */
function orFreed<T>(net: Module, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    net.dispose();
    throw error;
  }
}

/** The network with that state, in evaluation mode; freed if the state is of another. */
function loaded(net: Module, state: ReadonlyMap<string, SafeTensor>): Module {
  return orFreed(net, () => {
    net.loadStateDict(state);
    return net.eval();
  });
}

/** Float weights in the network of that name. @throws StateError that lists what does not match */
export function floatNetwork(
  name: string,
  info: ImageInfo,
  tensors: ReadonlyMap<string, SafeTensor>,
  normalize: NormalizeOptions | null,
): Module {
  const net = freshNetwork(name, info, 0, normalize);
  return loaded(net, tensors);
}

/** The network of a checkpoint. */
export function networkOf({ config, checkpoint, path }: CheckpointSource): Module {
  const net = networkFor(config, dirname(path));
  return loaded(net, checkpoint.model);
}

/**
 * Opens the network of a run folder or a training checkpoint.
 *
 * @throws ArgumentError for other kinds of files; DataError, FormatError, StateError if it is missing, damaged or of another network
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
  const { config } = source;
  return { source, config, info: infoOf(config), net: networkOf(source) };
}

/** How a network of these images is packed. */
export function packOptions({ shape, classNames }: ImageInfo): PackOptions {
  return { inputShape: shape, classes: classNames };
}
