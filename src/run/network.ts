/** @file Networks from configurations: made, quantized as the configuration says, filled with weights. */
import { check, checkBytes, record } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import type { PackOptions } from "../export/index.js";
import type { SafeTensor } from "../io/safetensors.js";
import { model, takesAnyShape } from "../models/index.js";
import type { Module } from "../nn/module.js";
import { type NormalizeOptions, normalizeInput } from "../nn/normalize.js";
import { parseConfig, type RunConfig } from "./config.js";
import { type ImageInfo, infoOf } from "./images.js";
import { checkChannels } from "./normalization.js";
import { onnxNetworkFor } from "./onnx.js";
import { isOnnx } from "./onnx-names.js";
import { quantized } from "./quantize.js";
import type { OnnxSource, WeightsSource } from "./source.js";
import { loadWeights } from "./weights.js";

/**
 * A float network with fresh weights that depend on the seed alone, or with those of an ONNX file, behind a
 * normalization unless it is null.
 *
 * @param name a network's name, or that of an ONNX file
 * @param onnx bytes of that file
 */
export function freshNetwork(
  name: string,
  info: ImageInfo,
  seed: number,
  normalize: NormalizeOptions | null | undefined,
  onnx?: Uint8Array,
): Module {
  if (isOnnx(name)) {
    const net = onnxNetworkFor(checkBytes(name, "network", onnx), name, info);
    return normalize ? normalizeInput(net, normalize) : net;
  }
  const { shape, classes } = info;
  const [height, width, channels] = shape;
  if (height !== width && !takesAnyShape(name)) {
    throw new ArgumentError({
      op: name,
      what: "images are not square",
      expected: "H = W",
      got: `${height}×${width}`,
      hint: "dscnn takes any",
    });
  }
  const rng = new Rng(seed).fork("weights");
  return model(name, { classes, channels, size: height, rng, normalize: normalize ?? undefined });
}

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
 * @throws UsageError for a normalization of other channels; StateError, FormatError as {@link loadWeights}
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
    loadWeights(net, source, info.shape);
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
