/** @file Networks from configurations and checkpoints: made, quantized as the configuration says, filled with weights. */
import { dirname } from "node:path";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { type DatasetInfo, datasetInfo } from "../data/registry.js";
import type { PackOptions } from "../export/index.js";
import type { SafeTensor } from "../io/safetensors.js";
import { model } from "../models/index.js";
import type { Module } from "../nn/module.js";
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
  readonly info: DatasetInfo;
  /** Owned by the caller. */
  readonly net: Module;
}

/** A float network with fresh weights that depend on the seed alone, or with those of an ONNX file. */
export function freshNetwork(name: string, info: ImageInfo, seed: number): Module {
  if (isOnnx(name)) return onnxNetworkFor(name, info);
  const { shape, classes } = info;
  const [height, width, channels] = shape;
  if (height !== width) {
    throw new ArgumentError({ op: name, what: "images are not square", expected: "H = W", got: `${height}×${width}` });
  }
  return model(name, { classes, channels, size: height, rng: new Rng(seed).fork("weights") });
}

/** The network of a configuration, quantized as it says, steps not calibrated. @param folder of the run, where an imported network lies */
export function networkFor(config: RunConfig, folder = "."): Module {
  return quantized(freshNetwork(modelOfRun(config.model, folder), datasetInfo(config.data), config.seed), config);
}

/** Float weights in the network of that name. @throws StateError that lists what does not match */
export function floatNetwork(name: string, info: ImageInfo, tensors: ReadonlyMap<string, SafeTensor>): Module {
  const net = freshNetwork(name, info, 0);
  net.loadStateDict(tensors);
  return net.eval();
}

/** The network of a checkpoint. */
export function networkOf({ config, checkpoint, path }: CheckpointSource): Module {
  const net = networkFor(config, dirname(path));
  net.loadStateDict(checkpoint.model);
  return net.eval();
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
  return { source, config, info: datasetInfo(config.data), net: networkOf(source) };
}

/** How a network of these images is packed. */
export function packOptions({ shape, classNames }: ImageInfo): PackOptions {
  return { inputShape: shape, classes: classNames };
}
