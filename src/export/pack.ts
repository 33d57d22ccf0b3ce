/** @file Packing: a network becomes the bytes of a packed model. */
import { ArgumentError } from "../core/errors.js";
import type { Shape } from "../core/shape.js";
import { writePacked } from "../format/index.js";
import { scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { Module } from "../nn/module.js";
import { type Lowered, lowerModule } from "./lower.js";

/** Choices of {@link pack}. */
export interface PackOptions {
  /** Shape of one input, without the batch: [H,W,C] or [F]. */
  inputShape: Shape;
  /** `u8` (default): codes such as pixels, which stand for step·code. `f32`: real values. */
  inputType?: "u8" | "f32";
  /** The value of input code 1. Default f32(1/255): pixels stand for 0 … 1. */
  inputStep?: number;
  /** Names of the classes, as many as the network has outputs. */
  classes?: readonly string[];
}

/** Images of the batch that a network is traced with: more than one, so that the batch axis can be told from others. */
const TRACED_BATCH = 2;

/**
 * The plan of a network; see {@link pack}.
 *
 * @param fold false leaves every step of training as a node of its own
 */
export function lowered(net: Module, options: PackOptions, fold = true): Lowered {
  const { inputShape, inputType = "u8", inputStep = 1 / 255, classes } = options;
  if (!(inputStep > 0) || !Number.isFinite(Math.fround(inputStep))) {
    throw new ArgumentError({ op: "pack", what: "inputStep", expected: "a positive number", got: `${inputStep}` });
  }
  return scope(() => {
    const sample = NDArray.empty(
      [TRACED_BATCH, ...inputShape],
      inputType,
      inputType === "u8" ? Math.fround(inputStep) : null,
    );
    sample.view().fill(0);
    return lowerModule(net, sample, classes, fold);
  });
}

/**
 * Packs a network for `coarsegrad/infer`: weight codes of quantized layers at 1, 2, 4 or 8 bits each, thresholds that repeat training's f32
 * arithmetic exactly, and what stays in float as f32.
 *
 * The network runs once in evaluation mode to be read; it is not changed.
 *
 * @param net its forward applies convolutions, linear layers, batch norm, staircases, ReLU, pools, sums, concatenations, slices, padding, and reshapes that flatten
 * @returns the file's bytes (see docs/format.md), owned by the caller; the same network gives the same bytes
 * @throws QuantError naming op, layer and shape for what cannot be packed
 * @example
 * const bytes = pack(net, { inputShape: [28, 28, 1] });
 */
export function pack(net: Module, options: PackOptions): Uint8Array {
  const { plan, data } = lowered(net, options);
  return writePacked(plan, data);
}
