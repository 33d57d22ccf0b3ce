/** @file Normalization of images by fixed constants, as a part of the network. */
import { div, sub } from "../autograd/functions.js";
import { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, instanceOf, listOf, real } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Module } from "./module.js";
import { Buffer } from "./parameter.js";

/** Constants of a normalization, one number per channel, on the scale of the input (0 … 1 for images). */
export interface NormalizeOptions {
  /** Mean of each channel. */
  readonly mean: readonly number[];
  /** Deviation of each channel. */
  readonly std: readonly number[];
}

/**
 * y = (x − mean_c)/std_c per channel (the last axis), with constants that are not part of the state dict. One constant
 * is for all channels.
 *
 * @gradient exact
 */
export class Normalize extends Module {
  /** Mean of each channel. */
  mean: Buffer;
  /** Deviation of each channel. */
  std: Buffer;

  /**
   * @param mean one number per channel, on the scale of the input (0 … 1 for images)
   * @param std one positive number per channel
   * @throws ArgumentError if the lists differ in length or a deviation is not positive
   */
  constructor(mean: readonly number[], std: readonly number[]) {
    super();
    check("Normalize", "mean", mean, listOf(real));
    check("Normalize", "std", std, listOf(real));
    if (mean.length !== std.length || !std.every((value) => Math.fround(value) > 0)) {
      throw new ArgumentError({
        op: "Normalize",
        what: "bad constants",
        expected: "a mean and a positive std per channel",
        got: `mean [${mean}], std [${std}]`,
      });
    }
    this.mean = new Buffer(NDArray.from(mean, [mean.length], "f32"), { persistent: false });
    this.std = new Buffer(NDArray.from(std, [std.length], "f32"), { persistent: false });
  }
  /** @throws ShapeError if x has other channels than there are constants */
  override forward(x: Tensor): Tensor {
    const count = this.mean.data.shape[0];
    if (count !== 1 && x.shape.at(-1) !== count) {
      const expected = `[…, ${count}], a channel for each constant`;
      throw new ShapeError({ op: "Normalize", what: "channel mismatch", expected, got: shapeText(x.shape) });
    }
    return div(sub(x, new Tensor(this.mean.data)), new Tensor(this.std.data));
  }
  protected override describe(): string {
    return `mean ${Array.from(this.mean.data.toTypedArray())}, std ${Array.from(this.std.data.toTypedArray())}`;
  }
}

/**
 * Puts a normalization in front of any network, in place: `forward` sees normalized images from now on. It becomes the
 * child `preprocess`, which has no state, so that paths and state-dict keys stay as they were. Padding of the first
 * layer then means zeros of normalized values: the mean colour.
 *
 * @param net a network whose forward takes images
 * @returns net
 * @throws ArgumentError as {@link Normalize}, or if the network has a `preprocess` already
 * @example
 * const net = normalizeInput(vgg11(), { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] });
 */
export function normalizeInput<Net extends Module>(net: Net, constants: NormalizeOptions): Net {
  check("normalizeInput", "network", net, instanceOf(Module, "a module"));
  checkOptions<NormalizeOptions>("normalizeInput", constants, { mean: listOf(real), std: listOf(real) }, [
    "mean",
    "std",
  ]);
  if ("preprocess" in net) {
    const expected = "a network without one";
    throw new ArgumentError({
      op: "normalizeInput",
      what: "the network has a preprocess already",
      expected,
      got: "one",
    });
  }
  const stage = new Normalize(constants.mean, constants.std);
  const forward = net.forward.bind(net);
  Object.assign(net, { preprocess: stage });
  Object.defineProperty(net, "forward", { value: (x: Tensor) => forward(stage.forward(x)), enumerable: false });
  return net;
}
