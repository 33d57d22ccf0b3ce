/**
 * @file Channels of thresholds as lines in whole numbers: thresholds of many codes lie on a line through rounding, but
 * for a few that f32 moved by one.
 */

/** t_k − t_0 = min(max(⌊(offset + k·slope)/2^shift⌋, 0), most) + what the corrections say. */
export interface ThresholdLine {
  readonly shift: number;
  readonly slope: number;
  readonly offset: number;
  /** null: not bounded. */
  readonly most: number | null;
  /** Numbers of the thresholds that lie one beside the line, negative for those below it: ±(k + 1), by rising k. */
  readonly corrections: readonly number[];
}

/** Greatest shift that is tried: an error of 2^−17 a threshold is 2^−9 after 255. */
const MOST_SHIFT = 16;
/** Thirds by which the interval that holds the slope shrinks. */
const SEARCH_STEPS = 40;

/** The slope whose line keeps nearest to the middles of [r_k, r_k + 1) for k of [from, to): a convex search. */
function slopeOf(r: readonly number[], from: number, to: number): number {
  const spread = (slope: number): number => {
    let [least, most] = [Infinity, -Infinity];
    for (let k = from; k < to; k++) {
      const offset = r[k] - slope * k;
      least = Math.min(least, offset);
      most = Math.max(most, offset);
    }
    return most - least;
  };
  if (to - from < 2) return 0;
  const middle = (r[to - 1] - r[from]) / (to - from - 1);
  let [low, high] = [middle / 2, 2 * middle + 1];
  for (let step = 0; step < SEARCH_STEPS; step++) {
    const third = (high - low) / 3;
    if (spread(low + third) < spread(high - third)) high -= third;
    else low += third;
  }
  return (low + high) / 2;
}

/** Where a line of this slope has to start, in units of 2^−shift, to keep nearest to the middles. */
function offsetOf(r: readonly number[], [from, to]: readonly [number, number], slope: number, unit: number): number {
  let [low, high] = [-Infinity, Infinity];
  for (let k = from; k < to; k++) {
    low = Math.max(low, r[k] * unit - k * slope);
    high = Math.min(high, (r[k] + 1) * unit - 1 - k * slope);
  }
  return from < to ? Math.floor((low + high) / 2) : 0;
}

/**
 * The line that stands for a channel in the fewest bytes.
 *
 * @param r t_k − t_0, or t_0 − t_k where thresholds fall: from 0, never less than the one before
 * @param bytes what a line takes
 * @returns null if some threshold lies more than one beside every line that is tried
 */
export function thresholdLine(r: readonly number[], bytes: (line: ThresholdLine) => number): ThresholdLine | null {
  const top = r.length;
  const last = r[top - 1];
  // Sums stop somewhere: codes that cannot be reached, or not be left, have one threshold, beyond which the line is.
  let [from, to] = [0, top];
  if (r[1] === 0) while (from < top && r[from] === 0) from++;
  if (r[top - 2] === last) while (to > from && r[to - 1] === last) to--;
  const slope = slopeOf(r, from, to);
  let best: ThresholdLine | null = null;
  for (let shift = 0; shift <= MOST_SHIFT; shift++) {
    const unit = 2 ** shift;
    const whole = Math.round(slope * unit);
    const offset = offsetOf(r, [from, to], whole, unit);
    const line = corrected(r, { shift, slope: whole, offset, most: to < top ? last : null });
    if (line !== null && (best === null || bytes(line) < bytes(best))) best = line;
    if (line?.corrections.length === 0) break;
  }
  return best;
}

/** The line with its corrections, or null if one of a step is not enough. */
function corrected(r: readonly number[], line: Omit<ThresholdLine, "corrections">): ThresholdLine | null {
  const corrections: number[] = [];
  for (const [k, wanted] of r.entries()) {
    const off = wanted - onLine(line, k);
    if (Math.abs(off) > 1) return null;
    if (off !== 0) corrections.push(off * (k + 1));
  }
  return { ...line, corrections };
}

/** Threshold k above the first one, before corrections. */
export function onLine({ shift, slope, offset, most }: Omit<ThresholdLine, "corrections">, k: number): number {
  return Math.min(Math.max(Math.floor((offset + k * slope) / 2 ** shift), 0), most ?? Infinity);
}
