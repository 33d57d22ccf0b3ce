/** @file Images of other extents, larger or smaller. */
import { above, check, either, flag, integer, listOf, nullable, type OptionRules, oneOf } from "../core/checks.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { type Coordinates, type ResampleMode, resampleAxis, spreadAxis, type Taps, tapsOf } from "../core/resample.js";
import { type Shape, shapeText, sizeOf } from "../core/shape.js";
import { floatTypeOf } from "../ndarray/convert.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { Pair } from "../ndarray/window.js";
import type { OpDef } from "./op.js";

/** Options of a change of extents. One of `size` and `scale` must be given. */
export interface UpsampleOptions {
  /** Extents of the result. */
  size?: Pair;
  /** Factors; the result has ⌊extent·factor⌋ places, and places are computed from the factor that is given. */
  scale?: Pair;
  /**
   * `nearest` (default): the place ⌊p/s⌋; `nearest-exact`: the nearest place, ⌊(p + ½)/s⌋; `bilinear`: the four
   * neighbours by their distance.
   */
  mode?: "nearest" | "nearest-exact" | "bilinear";
  /** Of `bilinear`: corners stay corners, p·(in − 1)/(out − 1); else (default) pixels have extents, (p + ½)/s − ½. */
  alignCorners?: boolean;
}

const MOST = 2 ** 24;
const isSize = either(integer(1, MOST), listOf(integer(1, MOST), 2));
const isScale = either(above(0), listOf(above(0), 2));

/** What each option must be. */
export const UPSAMPLE_OPTIONS: OptionRules<UpsampleOptions> = {
  size: nullable(isSize),
  scale: nullable(isScale),
  mode: oneOf("nearest", "nearest-exact", "bilinear"),
  alignCorners: flag,
};

/** A change of extents in full. */
export interface Resampling {
  readonly mode: ResampleMode;
  readonly coordinates: Coordinates;
  /** Extents of the result. */
  readonly size: readonly [number, number];
  /** Factors that are not the quotients of the extents; null for each that is. */
  readonly scale: readonly [number | null, number | null];
}

const both = (pair: Pair): readonly [number, number] => (typeof pair === "number" ? [pair, pair] : [pair[0], pair[1]]);

/**
 * The change of extents that options ask for.
 * @throws ShapeError unless the input is a batch of images with pixels; ArgumentError on bad options
 */
export function resampling(op: string, input: Shape, options: UpsampleOptions): Resampling {
  const { size, scale, mode = "nearest", alignCorners = false } = options;
  if (input.length !== 4 || sizeOf(input.slice(1)) === 0) {
    const expected = "images [N,H,W,C] with pixels and channels";
    throw new ShapeError({ op, what: "input", expected, got: shapeText(input) });
  }
  check(op, "mode", mode, UPSAMPLE_OPTIONS.mode);
  check(op, "alignCorners", alignCorners, flag);
  if (alignCorners && mode !== "bilinear") {
    throw new ArgumentError({ op, what: "alignCorners", expected: "false but for bilinear", got: `true for ${mode}` });
  }
  const given = [size, scale].filter((option) => option !== undefined && option !== null);
  if (given.length !== 1) {
    throw new ArgumentError({ op, what: "extents", expected: "one of size and scale", got: `${given.length} of them` });
  }
  const coordinates = mode === "nearest" ? "asymmetric" : alignCorners ? "align_corners" : "half_pixel";
  const common = { mode: mode === "bilinear" ? "linear" : "nearest", coordinates } as const;
  if (size !== undefined && size !== null) {
    check(op, "size", size, isSize);
    return { ...common, size: both(size), scale: [null, null] };
  }
  check(op, "scale", scale, isScale);
  const factors = both(scale as Pair);
  const [h, w] = factors.map((factor, i) => Math.floor(input[1 + i] * factor));
  if (isSize([h, w]) !== null) {
    throw new ShapeError({ op, what: "result", expected: `extents from 1 to ${MOST}`, got: `${h}×${w}` });
  }
  const own = factors.map((factor, i) =>
    coordinates === "align_corners" || input[1 + i] * factor === [h, w][i] ? null : factor,
  );
  return { ...common, size: [h, w], scale: [own[0], own[1]] };
}

function tapsFor([, h, w]: Shape, { mode, coordinates, size, scale }: Resampling): [rows: Taps, columns: Taps] {
  const taps = [h, w].map((extent, i) => tapsOf(mode, coordinates, extent, size[i], scale[i]));
  return [taps[0], taps[1]];
}

type Reals = Float32Array | Float64Array;

/** Columns first, then rows: y[p,q] = Σ rows·(Σ columns·x). */
function resampled(x: NDArray, by: Resampling): NDArray {
  const [n, h, w, channels] = x.shape;
  const [rows, columns] = tapsFor(x.shape, by);
  const wide = NDArray.empty([n, h, by.size[1], channels], x.dtype, x.step);
  const y = NDArray.empty([n, ...by.size, channels], x.dtype, x.step);
  const middle = wide.view() as Reals;
  resampleAxis(x.view() as Reals, middle, { outer: n * h, extent: w, inner: channels }, columns);
  resampleAxis(middle, y.view() as Reals, { outer: n, extent: h, inner: by.size[1] * channels }, rows);
  return y;
}

/** Other extents. Of codes the nearest stay codes. */
export const upsample: OpDef<UpsampleOptions, null> = {
  name: "upsample",
  coded: true,
  shape: ([x], options) => {
    if (!x.coded) floatTypeOf("upsample", x);
    const { size } = resampling("upsample", x.shape, options);
    return [x.shape[0], ...size, x.shape[3]];
  },
  forward: ([x], options) => {
    const by = resampling("upsample", x.shape, options);
    return { y: resampled(x.coded && by.mode === "linear" ? x.dequantize() : x, by), saved: null };
  },
  backward: (dy, _saved, options, { inputs: [x] }) => {
    const by = resampling("upsample", x.shape, options);
    const [n, h, w, channels] = x.shape;
    const [rows, columns] = tapsFor(x.shape, by);
    const wide = NDArray.zeros([n, h, by.size[1], channels], dy.dtype);
    const dx = NDArray.zeros(x.shape, dy.dtype);
    const middle = wide.view() as Reals;
    spreadAxis(dy.view() as Reals, middle, { outer: n, extent: h, inner: by.size[1] * channels }, rows);
    spreadAxis(middle, dx.view() as Reals, { outer: n * h, extent: w, inner: channels }, columns);
    return [dx];
  },
};
