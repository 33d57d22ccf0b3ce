/** @file Networks from configurations: quantized as the configuration says, filled with weights. */
import { check, record } from "../core/checks.js";
import type { PackOptions } from "../export/index.js";
import type { SafeTensor } from "../io/safetensors.js";
import type { Module } from "../nn/module.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import { parseConfig, type RunConfig } from "./config.js";
import { freshNetwork } from "./fresh-network.js";
import { type ImageInfo, infoOf } from "./images.js";
import { loadNamedWeights } from "./named-weights.js";
import { checkChannels } from "./normalization.js";
import { isOnnx } from "./onnx-names.js";
import { quantized } from "./quantize.js";
import type { OnnxSource, WeightsSource } from "./source.js";

/**
 * The network of a configuration, with fresh weights, quantized as it says, activation steps at their start values.
 *
 * @param network the ONNX file, if the configuration names one
 * @returns owned by the caller
 * @throws FormatError for what is no configuration
 */
export function networkOf(config: RunConfig, network?: OnnxSource): Module {
  const own = parseConfig(config, "networkOf: config");
  if (network !== undefined) checkOnnx("networkOf", network);
  const net = freshNetwork(network?.path ?? own.model, infoOf(own), own.seed, own.normalize, network?.bytes);
  try {
    return quantized(net, own);
  } catch (error) {
    net.dispose();
    throw error;
  }
}

/** Refuses what is no ONNX file that `readModel` opened. */
export function checkOnnx(op: string, network: OnnxSource): void {
  check(op, "network", network, record);
  check(op, "network", network.path, (path) =>
    typeof path === "string" && isOnnx(path) ? null : "an ONNX file, as readModel opens it",
  );
}

/**
 * The network with that state, in evaluation mode; freed if the state is of another.
 * @throws StateError that lists what does not match
 */
export function loaded(net: Module, state: ReadonlyMap<string, SafeTensor>): Module {
  try {
    net.loadStateDict(state);
  } catch (error) {
    net.dispose();
    throw error;
  }
  return net.eval();
}

/**
 * Float weights in the network of that name.
 *
 * @throws UsageError for a normalization of other channels; StateError, FormatError as {@link loadNamedWeights}
 */
export function floatNetwork(
  name: string,
  info: ImageInfo,
  source: WeightsSource,
  normalize: NormalizeOptions | null,
): Module {
  const [height, width, channels] = info.shape;
  checkChannels(source.path, normalize, channels, `images of ${height}×${width}×${channels}`);
  const net = freshNetwork(name, info, 0, normalize);
  try {
    loadNamedWeights({ net, name }, source, info);
  } catch (error) {
    net.dispose();
    throw error;
  }
  return net.eval();
}

/** How a network of these images is packed. */
export function packOptions({ shape, classNames, sound }: ImageInfo): PackOptions {
  return { inputShape: shape, classes: classNames, sound };
}
