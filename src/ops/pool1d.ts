/** @file Pooling over time: that of images of one row. */
import { anything, check, flag, integer, type OptionRules } from "../core/checks.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { asImage, asSequence, imageWindow, type SequencePadding, sequenceShape } from "../ndarray/sequence.js";
import type { OpDef } from "./op.js";
import { type AvgPoolAttrs, avgPool2d, maxPool2d, type PoolAttrs } from "./pool.js";

/** A pool over time: its window and how it moves. */
export interface Pool1dAttrs {
  /** Extent of the window. */
  kernel: number;
  /** Default: the window's extent. */
  stride?: number;
  /** Default 0; at most half of the window at each end. */
  padding?: SequencePadding;
  /** Distance between taps; default 1. */
  dilation?: number;
  /** Round outputs up, so that the last window may reach beyond the padded sequence. Default false. */
  ceilMode?: boolean;
}

/** An average pool over time. */
export interface AvgPool1dAttrs extends Pool1dAttrs {
  /** Divide by the window's size also where it overlaps the padding. Default true, as in PyTorch. */
  countIncludePad?: boolean;
}

/** The options of a pool; its shape rule asks what they must be. */
export const POOL1D_OPTIONS: OptionRules<Omit<Pool1dAttrs, "kernel">> = {
  stride: anything,
  padding: anything,
  dilation: anything,
  ceilMode: flag,
};
/** What each option of an average pool must be. */
export const AVG_POOL1D_OPTIONS: OptionRules<Omit<AvgPool1dAttrs, "kernel">> = {
  ...POOL1D_OPTIONS,
  countIncludePad: flag,
};

/** The window over images of one row. @throws ArgumentError */
export function pool1dWindow(op: string, { kernel, ceilMode = false, ...options }: Pool1dAttrs): PoolAttrs {
  check(op, "kernel", kernel, integer(1));
  return { kernel: [1, kernel], ...imageWindow(op, options, kernel), ceilMode };
}

/** That of an average pool. @throws ArgumentError */
export function avgPool1dWindow(op: string, { countIncludePad, ...attrs }: AvgPool1dAttrs): AvgPoolAttrs {
  return { ...pool1dWindow(op, attrs), countIncludePad };
}

/** A pool over images, of sequences. */
function overTime<Attrs extends Pool1dAttrs, Own, Saved>(
  name: string,
  pool: OpDef<Own, Saved>,
  windowOf: (attrs: Attrs) => Own,
): OpDef<Attrs, Saved> {
  const { backward } = pool;
  return {
    name,
    coded: true,
    shape: ([x], attrs) => {
      using image: NDArray = asImage(name, x);
      return sequenceShape(pool.shape([image], windowOf(attrs)));
    },
    forward: ([x], attrs, { shape: [n, t, c], needs }) => {
      const { y, saved } = pool.forward([asImage(name, x)], windowOf(attrs), { shape: [n, 1, t, c], needs });
      return { y: asSequence(y), saved };
    },
    backward: (dy, saved, attrs, { inputs: [x], needs }) => {
      const [n, t, c] = x.shape;
      const inputs = [{ ...x, shape: [n, 1, t, c] }];
      const [dx] = backward!(asImage(name, dy), saved, windowOf(attrs), { inputs, needs });
      return [dx && asSequence(dx)];
    },
  };
}

/** Largest of each window; padding counts as −∞; gradient to the first largest. Codes stay codes. */
export const maxPool1d = overTime<Pool1dAttrs, PoolAttrs, { index: NDArray }>("maxPool1d", maxPool2d, (attrs) =>
  pool1dWindow("maxPool1d", attrs),
);

/** Mean of each window. Of codes, f32(step · f32(Σ codes / count)), whose sum is exact. */
export const avgPool1d = overTime<AvgPool1dAttrs, AvgPoolAttrs, null>("avgPool1d", avgPool2d, (attrs) =>
  avgPool1dWindow("avgPool1d", attrs),
);
