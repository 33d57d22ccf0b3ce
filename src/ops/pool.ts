/** @file Pooling over NHWC images. */
import { anything, flag, type OptionRules } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import type { Shape } from "../core/shape.js";
import { floatTypeOf } from "../ndarray/convert.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { addAt, avgPool, avgPoolBackward, maxPool, pooledShape } from "../ndarray/pool.js";
import { type Geometry, type Padding, type Pair, pair, windowGeometry } from "../ndarray/window.js";
import type { OpDef } from "./op.js";

/** A pool: its window and how it moves. */
export interface PoolAttrs {
  /** Extents of the window. */
  kernel: Pair;
  /** Default: the window's extents. */
  stride?: Pair;
  /** Default 0; at most half of the window on each side, or, given as four numbers, less than the window. */
  padding?: Padding;
}

/** An average pool. */
export interface AvgPoolAttrs extends PoolAttrs {
  /** Divide by the window's size also where it overlaps the padding. Default true, as in PyTorch. */
  countIncludePad?: boolean;
}

/** The options of a pool; its shape rule asks what they must be. */
export const POOL_OPTIONS: OptionRules<Omit<PoolAttrs, "kernel">> = { stride: anything, padding: anything };
/** What each option of an average pool must be. */
export const AVG_POOL_OPTIONS: OptionRules<Omit<AvgPoolAttrs, "kernel">> = { ...POOL_OPTIONS, countIncludePad: flag };

function geometryOf(op: string, input: Shape, { kernel, stride, padding }: PoolAttrs): Geometry {
  const extents = pair(op, "kernel", kernel, 1);
  const geometry = windowGeometry(op, input, extents, { stride: stride ?? extents, padding });
  if (padding !== "same" && padding !== "valid") {
    const sides: readonly number[] = typeof padding === "number" ? [padding] : (padding ?? []);
    // Sides of their own come from ceil modes and automatic padding, whose last windows may begin at the last pixel.
    const four = sides.length === 4;
    const bad = four
      ? sides.some((side, i) => side > Math.max(extents[i >> 1] - 1, 0))
      : sides.some((side, i) => 2 * side > extents[sides.length === 2 ? i : 0]);
    if (bad) {
      throw new ArgumentError({
        op,
        what: four ? "padding as large as the window" : "padding exceeds half of the window",
        expected: `${four ? "less than" : "at most half of"} ${extents[0]}×${extents[1]}`,
        got: `${padding}`,
      });
    }
  }
  return geometry;
}

/** Largest of each window; padding counts as −∞; gradient to the first largest. Codes stay codes. */
export const maxPool2d: OpDef<PoolAttrs, { index: NDArray }> = {
  name: "maxPool2d",
  coded: true,
  shape: ([x], options) => {
    if (!x.coded) floatTypeOf("maxPool2d", x);
    return pooledShape(geometryOf("maxPool2d", x.shape, options));
  },
  forward: ([x], options) => {
    const { y, index } = maxPool(x, geometryOf("maxPool2d", x.shape, options));
    return { y, saved: { index } };
  },
  backward: (dy, { index }, _options, { inputs: [x] }) => [addAt(dy, index, x.shape)],
};

/** Mean of each window. Of codes, f32(step · f32(Σ codes / count)), whose sum is exact. */
export const avgPool2d: OpDef<AvgPoolAttrs, null> = {
  name: "avgPool2d",
  coded: true,
  shape: ([x], options) => {
    if (!x.coded) floatTypeOf("avgPool2d", x);
    return pooledShape(geometryOf("avgPool2d", x.shape, options));
  },
  forward: ([x], options) => ({
    y: avgPool(x, geometryOf("avgPool2d", x.shape, options), options.countIncludePad ?? true),
    saved: null,
  }),
  backward: (dy, _saved, options, { inputs: [x] }) => [
    avgPoolBackward(dy, geometryOf("avgPool2d", x.shape, options), options.countIncludePad ?? true, x.shape),
  ],
};
