/**
 * @file Thresholds as straight lines. A channel's thresholds come from a line through rounding, so that some f32 line
 * crosses code + ½ just where they lie; evaluating it costs a fraction of counting thresholds. A line is used only if
 * it is proved to give every code.
 */
import type { Sums } from "./sums.js";
import type { Thresholds } from "./thresholds.js";

const { fround } = Math;

/** code = round(clamp(f32(f32(acc·scale) + shift), 0, top)) for each channel; see kernel `i32_line_codes`. */
export interface Lines {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

/** Thirds by which the interval that holds the slope shrinks. */
const SEARCH_STEPS = 40;

/**
 * Lines that give the same code as the thresholds for every accumulator that a channel can have.
 *
 * @returns null unless there is one for every channel
 */
export function linesOf({ values, flip, top }: Thresholds, { least, most }: Sums): Lines | null {
  const channels = flip.length;
  const scale = new Float32Array(channels);
  const shift = new Float32Array(channels);
  const rising = new Float64Array(top);
  for (let c = 0; c < channels; c++) {
    // acc ≤ t is −acc ≥ −t: a falling channel is a rising one of −acc, with the slope turned round.
    const sign = flip[c] === 0 ? 1 : -1;
    const [from, to] = flip[c] === 0 ? [least[c], most[c]] : [-most[c], -least[c]];
    for (let k = 0; k < top; k++) rising[k] = sign * values[c * top + k];
    const [slope, start] = lineThrough(rising, from, to);
    scale[c] = sign * slope;
    shift[c] = start;
    if (!crosses(rising, from, to, fround(slope), fround(start))) return null;
  }
  return { scale, shift };
}

/**
 * The line over [from, to] whose crossings of k + ½ keep farthest, in y, from both ends of [t_k − 1, t_k]: a concave
 * search over slopes.
 */
function lineThrough(t: Float64Array, from: number, to: number): [slope: number, start: number] {
  /**
   * Where the start must lie for a slope: above `lo` to reach code k + 1 at t_k, below `hi` not to reach it at t_k − 1.
   */
  const range = (slope: number): [lo: number, hi: number] => {
    let lo = -Infinity;
    let hi = Infinity;
    for (let k = 0; k < t.length; k++) {
      if (t[k] <= to) lo = Math.max(lo, k + 0.5 - slope * Math.max(t[k], from));
      if (t[k] > from) hi = Math.min(hi, k + 0.5 - slope * Math.min(t[k] - 1, to));
    }
    return [lo, hi];
  };
  const inside = [...t.keys()].filter((k) => t[k] > from && t[k] <= to);
  if (inside.length === 0) return [0, t.filter((value) => value <= to).length]; // one code for all accumulators
  const [first, last] = [inside[0], inside[inside.length - 1]];
  const gap = t[last] - t[first];
  // Both ends' intervals bound the slope; a lone threshold leaves it free.
  let least = (last - first) / (gap + 1);
  let most = gap > 1 ? (last - first) / (gap - 1) : 2 * t.length;
  const width = (slope: number): number => {
    const [lo, hi] = range(slope);
    return hi - lo;
  };
  for (let step = 0; step < SEARCH_STEPS; step++) {
    const [a, b] = [least + (most - least) / 3, most - (most - least) / 3];
    if (width(a) < width(b)) least = a;
    else most = b;
  }
  const slope = fround((least + most) / 2);
  const [lo, hi] = range(slope);
  return [slope, (lo + hi) / 2];
}

/**
 * True if the line gives every code. Each of its f32 operations is monotone in acc, and so is the whole: the
 * accumulators on either side of each threshold answer for all others.
 */
function crosses(t: Float64Array, from: number, to: number, slope: number, start: number): boolean {
  const code = (acc: number): number => {
    const y = fround(fround(fround(acc) * slope) + start);
    const held = Math.min(Math.max(y, 0), t.length);
    return fround(held + 12582912) - 12582912;
  };
  for (let k = 0; k < t.length; k++) {
    if (t[k] <= to && code(Math.max(t[k], from)) < k + 1) return false;
    if (t[k] > from && code(Math.min(t[k] - 1, to)) > k) return false;
  }
  return true;
}
