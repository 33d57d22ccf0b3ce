/** @file `resize`: images of other extents. */
import type { Coordinates, ResampleMode } from "../../../core/resample.js";
import { extent, list, oneOf, optional, positive } from "../../fields.js";
import { expectInput, type Kind } from "../kind.js";

/** Images of other extents: the nearest pixels (codes stay codes), or the four neighbours by their distance, in f32. */
export interface PlanResize {
  readonly op: "resize";
  readonly id: string;
  readonly input: string;
  readonly size: readonly [h: number, w: number];
  readonly mode: ResampleMode;
  readonly coordinates: Coordinates;
  /** The factor that places are computed with, where it is not the quotient of the extents. */
  readonly scaleH?: number;
  readonly scaleW?: number;
}

export const resize: Kind<PlanResize> = {
  fields: {
    size: list(extent, 2),
    mode: oneOf("nearest", "linear"),
    coordinates: oneOf("asymmetric", "half_pixel", "align_corners"),
    scaleH: optional(positive),
    scaleW: optional(positive),
  },
  value({ size, mode }, typing) {
    const x = expectInput(typing, mode === "linear" ? "f32" : null, 3);
    return { ...x, shape: [...size, x.shape[2]] };
  },
  reads: ({ mode }) => (mode === "linear" ? 4 : 1),
};
