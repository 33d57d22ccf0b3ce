/** @file Packing: a network becomes the bytes of a packed model. */
import { PIXEL_STEP } from "../codes/scales.js";
import { check, checkOptions, flag, instanceOf, integer, listOf, oneOf, type Rule, text } from "../core/checks.js";
import { QuantError, ShapeError } from "../core/errors.js";
import { checkShape, type Shape, sameShape, shapeText } from "../core/shape.js";
import { writePacked } from "../format/index.js";
import { provideKinds } from "../infer/kinds.js";
import { scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Module } from "../nn/module.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import { type FrontEnd, frontEndRule } from "../sound/front-end.js";
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
  /** Of a network that hears: how its input is made of sound; the input is [frames, bands, 1]. */
  sound?: FrontEnd;
  /**
   * Weights in the relaxed phase of BinaryRelax, which are neither codes nor the latent weights: `refuse` (default), or
   * `float` to keep them as f32, 32 bits each, whatever the report of the network says.
   */
  relaxed?: "refuse" | "float";
  /**
   * Thresholds as lines where that is shorter: version 3 of the format, which releases before 0.2 do not read. Default:
   * where some layer gives codes of more than 4 bits.
   */
  compact?: boolean;
}

/** Images of the batch that a network is traced with: more than one, so that the batch axis can be told from others. */
const TRACED_BATCH = 2;

const positive: Rule = (value) =>
  typeof value === "number" && Math.fround(value) > 0 && Number.isFinite(Math.fround(value))
    ? null
    : "a positive number";
/** Rules of {@link PackOptions}; other doors' options may stand beside them. */
export const PACK_OPTIONS = {
  inputShape: listOf(integer(1)),
  inputType: oneOf("u8", "f32"),
  inputStep: positive,
  classes: listOf(text),
  sound: frontEndRule,
  relaxed: oneOf("refuse", "float"),
  compact: flag,
};

/** @throws ArgumentError unless it is a network */
export function checkNetwork(op: string, net: unknown): void {
  check(op, "network", net, instanceOf(Module, "a Module"));
}

/**
 * Weights of a relaxed phase are neither codes nor the network's own floats: a file of them would be of another network
 * than the report tells.
 */
function refuseRelaxed(net: Module): void {
  for (const [path, parameter] of net.namedParameters()) {
    if (!(parameter instanceof QuantParameter) || parameter.relax === null) continue;
    throw new QuantError({
      op: "pack",
      what: `${path} is relaxed`,
      expected: "weights that are quantized exactly",
      got: `relax = ${parameter.relax}`,
      hint: "end the relaxed phase: dispose() of BinaryRelax, or relax = null for each QuantParameter; { relaxed: 'float' } keeps them in 32 bits",
    });
  }
}

/** Statistics that overflowed fold to a scale of 0: a file of finite numbers that answers nothing. */
function refuseNonFinite(net: Module): void {
  for (const [path, { data }] of net.namedBuffers()) {
    const values = data.view();
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new QuantError({
      op: "pack",
      what: `${path}, element ${at}`,
      expected: "a finite number",
      got: `${values[at]}`,
      hint: "training overflowed a batch norm; recalibrateBatchNorm() estimates its statistics anew",
    });
  }
}

/**
 * The plan of a network; see {@link pack}.
 *
 * @param fold false leaves every step of training as a node of its own
 */
export function lowered(net: Module, options: PackOptions, fold = true): Lowered {
  provideKinds();
  checkNetwork("pack", net);
  checkOptions("pack", options, PACK_OPTIONS, ["inputShape"]);
  const { inputShape, inputType = "u8", inputStep = PIXEL_STEP, classes } = options;
  checkShape("pack", [TRACED_BATCH, ...inputShape]);
  if (options.relaxed !== "float") refuseRelaxed(net);
  refuseNonFinite(net);
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
 * Packs a network for `coarsegrad/infer`: weight codes of quantized layers at 1, 2, 4 or 8 bits each, thresholds that
 * repeat training's f32 arithmetic exactly, and what stays in float as f32.
 *
 * The network runs once in evaluation mode to be read; it is not changed.
 *
 * @param net its forward applies convolutions, linear layers, batch norm, staircases, activations of each element,
 * pools, sums, concatenations, slices, padding, and reshapes that flatten
 * @returns the file's bytes (see docs/format.md), owned by the caller; the same network gives the same bytes
 * @throws QuantError naming op, layer and shape for what cannot be packed, and for weights that are still relaxed;
 * ArgumentError, ShapeError on bad options
 * @example
 * const bytes = pack(net, { inputShape: [28, 28, 1] });
 */
export function pack(net: Module, options: PackOptions): Uint8Array {
  const { plan, data } = lowered(net, options);
  const { sound, compact: lines } = options;
  if (sound === undefined) return writePacked(plan, data, { lines });
  const made = [sound.frames, sound.bands, 1];
  if (!sameShape(plan.input.shape, made)) {
    const [expected, got] = [shapeText(made), shapeText(plan.input.shape)];
    throw new ShapeError({ op: "pack", what: "inputShape is not that of the sound's pictures", expected, got });
  }
  return writePacked({ ...plan, sound }, data, { lines });
}
