/** @file Normalization of images by fixed constants, as a part of the network. */
import { div, sub } from "../autograd/functions.js";
import { Tensor } from "../autograd/tensor.js";
import { ArgumentError } from "../core/errors.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Module } from "./module.js";
import { Buffer } from "./parameter.js";

/**
 * y = (x − mean_c)/std_c per channel (the last axis), with constants that are not part of the state dict.
 *
 * @gradient exact
 */
export class Normalize extends Module {
  mean: Buffer;
  std: Buffer;

  /**
   * @param mean one number per channel, on the scale of the input (0 … 1 for images)
   * @param std one positive number per channel
   * @throws ArgumentError if the lists differ in length or a deviation is not positive
   */
  constructor(mean: readonly number[], std: readonly number[]) {
    super();
    if (mean.length !== std.length || !std.every((value) => value > 0)) {
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
  override forward(x: Tensor): Tensor {
    return div(sub(x, new Tensor(this.mean.data)), new Tensor(this.std.data));
  }
  protected override describe(): string {
    return `mean ${Array.from(this.mean.data.toTypedArray())}, std ${Array.from(this.std.data.toTypedArray())}`;
  }
}
