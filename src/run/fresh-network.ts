/** @file Float networks by name, or of an ONNX file, as they are made for the images of a run. */
import { checkBytes } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import { model, takesAnyShape } from "../models/index.js";
import type { Module } from "../nn/module.js";
import { type NormalizeOptions, normalizeInput } from "../nn/normalize.js";
import type { ImageInfo } from "./images.js";
import { onnxNetworkFor } from "./onnx.js";
import { isOnnx } from "./onnx-names.js";

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
