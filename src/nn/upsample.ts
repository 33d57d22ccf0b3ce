/** @file The layer that changes the extents of images. */
import { upsample } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, record } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { UPSAMPLE_OPTIONS, type UpsampleOptions } from "../ops/upsample.js";
import { Module } from "./module.js";

export type { UpsampleOptions };

/**
 * Images [N,H,W,C] of other extents, as the function `upsample`: nearest or bilinear, by a factor or to a size. Codes
 * stay codes but for "bilinear".
 *
 * @gradient exact
 * @throws ArgumentError unless one of `size` and `scale` is given
 * @example
 * new Upsample({ scale: 2, mode: "bilinear" });
 */
export class Upsample extends Module {
  /** What was chosen when it was made. */
  readonly options: Readonly<UpsampleOptions>;

  constructor(options: UpsampleOptions) {
    super();
    check("Upsample", "options", options, record);
    checkOptions<UpsampleOptions>("Upsample", options, UPSAMPLE_OPTIONS);
    const { size, scale, mode, alignCorners } = options;
    if (((size ?? null) === null) === ((scale ?? null) === null)) {
      throw new ArgumentError({
        op: "Upsample",
        what: "extents",
        expected: "one of size and scale",
        got: "none or both",
      });
    }
    this.options = { size, scale, mode: mode ?? "nearest", alignCorners: alignCorners ?? false };
  }
  override forward(x: Tensor): Tensor {
    return upsample(x, this.options);
  }
  protected override describe(): string {
    const { size, scale, mode, alignCorners } = this.options;
    const extents = size === undefined || size === null ? `×${scale}` : `to ${size}`.replace(",", "×");
    return `${extents}, ${mode}${alignCorners ? ", corners aligned" : ""}`;
  }
}
