/** @file Pooling over NHWC images. */
import { anything, flag, type OptionRules } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import type { Shape } from "../core/shape.js";
import { paddingBehind, seesPaddingAlone, slidingAxes, spanOf } from "../core/slide.js";
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
  /** Distance between taps; default 1. */
  dilation?: Pair;
  /** Round outputs up, so that the last window may reach beyond the padded image. Default false. */
  ceilMode?: boolean;
}

/** An average pool. */
export interface AvgPoolAttrs extends PoolAttrs {
  /** Divide by the window's size also where it overlaps the padding. Default true, as in PyTorch. */
  countIncludePad?: boolean;
}

/** The options of a pool; its shape rule asks what they must be. */
export const POOL_OPTIONS: OptionRules<Omit<PoolAttrs, "kernel">> = {
  stride: anything,
  padding: anything,
  dilation: anything,
  ceilMode: flag,
};
/** What each option of an average pool must be. */
export const AVG_POOL_OPTIONS: OptionRules<Omit<AvgPoolAttrs, "kernel">> = { ...POOL_OPTIONS, countIncludePad: flag };

/**
 * Windows of a pool over images of a shape.
 * @throws ShapeError, ArgumentError; also where a window would see padding alone
 */
export function poolGeometry(op: string, input: Shape, { kernel, ...options }: PoolAttrs): Geometry {
  const extents = pair(op, "kernel", kernel, 1);
  const geometry = windowGeometry(op, input, extents, { ...options, stride: options.stride ?? extents });
  const sides = sidesOf(options);
  const [down, across] = slidingAxes(geometry);
  const spans = [spanOf(down.kernel, down.dilation), spanOf(across.kernel, across.dilation)];
  // Four sides come from ceil modes and automatic padding, whose last windows may begin at the last pixel.
  const wide = sides.length < 4 && sides.some((side, i) => 2 * side > spans[sides.length === 2 ? i : 0]);
  if (wide || seesPaddingAlone(down, geometry.outH) || seesPaddingAlone(across, geometry.outW)) {
    throw new ArgumentError({
      op,
      what: wide ? "padding exceeds half of the window" : "window of padding alone",
      expected: `${wide ? "at most half of" : "a pixel in each window of"} ${spans[0]}×${spans[1]}`,
      got: `${sides}`,
    });
  }
  return geometry;
}

/** What padding was asked for: numbers, or a word, which is greater than none. */
function sidesOf({ padding = 0 }: Pick<PoolAttrs, "padding">): readonly number[] {
  return [padding].flat() as number[];
}

/**
 * Windows of an average pool, and whether padding counts. PyTorch counts the padding that was asked for, not what a
 * window in ceil mode reaches beyond it: the same as counting pixels alone where no padding was asked for.
 * @throws ShapeError, ArgumentError; also where padding counts and ceil mode goes beyond it
 */
export function averageGeometry(
  op: string,
  input: Shape,
  { countIncludePad = true, ...attrs }: AvgPoolAttrs,
): { geometry: Geometry; includePad: boolean } {
  const geometry = poolGeometry(op, input, attrs);
  if (attrs.ceilMode !== true || !countIncludePad) return { geometry, includePad: countIncludePad };
  if (attrs.padding === "same") return { geometry, includePad: true };
  const sides = sidesOf(attrs);
  if (!sides.some(Number)) return { geometry, includePad: false };
  const [down, across] = slidingAxes(geometry);
  const [bottom, right] = sides.length === 4 ? [sides[1], sides[3]] : [down.before, across.before];
  if (paddingBehind(down, geometry.outH) > bottom || paddingBehind(across, geometry.outW) > right) {
    const expected = "countIncludePad: false";
    throw new ArgumentError({
      op,
      what: "ceil mode reaches beyond padding that counts",
      expected,
      got: `padding ${sides}`,
    });
  }
  return { geometry, includePad: true };
}

/** Largest of each window; padding counts as −∞; gradient to the first largest. Codes stay codes. */
export const maxPool2d: OpDef<PoolAttrs, { index: NDArray }> = {
  name: "maxPool2d",
  coded: true,
  shape: ([x], options) => {
    if (!x.coded) floatTypeOf("maxPool2d", x);
    return pooledShape(poolGeometry("maxPool2d", x.shape, options));
  },
  forward: ([x], options) => {
    const { y, index } = maxPool(x, poolGeometry("maxPool2d", x.shape, options));
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
    return pooledShape(averageGeometry("avgPool2d", x.shape, options).geometry);
  },
  forward: ([x], options) => {
    const { geometry, includePad } = averageGeometry("avgPool2d", x.shape, options);
    return { y: avgPool(x, geometry, includePad), saved: null };
  },
  backward: (dy, _saved, options, { inputs: [x] }) => {
    const { geometry, includePad } = averageGeometry("avgPool2d", x.shape, options);
    return [avgPoolBackward(dy, geometry, includePad, x.shape)];
  },
};
