/**
 * @file Where a slope that the user wrote changes: ends of pieces for quadrature, which would overlook what is much
 * narrower than a piece.
 */

/** A slope μ′ as a function of Zw. */
export type Slope = (x: number) => number;

/** Points looked at for each doubling of |x|. */
const PER_OCTAVE = 128;
/** The smallest |x| looked at, in units of the staircase's top. */
const LEAST = 2 ** -20;
/**
 * A change between neighbouring points counts if it is more than this of the largest value: tails belong to the range
 * of change.
 */
const NOTICEABLE = 1e-14;
/** Ends of pieces inside a range of change, so that each piece spans at most this many points: a factor of 2. */
const PIECE = PER_OCTAVE;

/**
 * Looks at slopes on a logarithmic grid, 128 points for each doubling of |x|, and returns the ends of the ranges in
 * which one of them changes. A change at a place that is known already is left to that place. What is narrower than
 * 1/128 of its distance from 0 may be overlooked.
 *
 * @param slopes functions of Zw
 * @param unit the staircase's top Lα, the scale of a proxy
 * @param reach largest |Zw| that counts
 * @param known places, in units of Zw, that are ends of pieces anyway
 * @returns places in units of Zw; none for slopes that are constant between the known ones
 */
export function breaksOf(slopes: readonly Slope[], unit: number, reach: number, known: readonly number[]): number[] {
  const least = LEAST * Math.min(unit, reach);
  const grid = [least];
  // By repeated multiplication: the same numbers on every engine.
  while (grid[grid.length - 1] < reach) grid.push(grid[grid.length - 1] * STEP);
  return [1, -1].flatMap((sign) => {
    const side = known.map((x) => sign * x).filter((x) => x >= 0);
    return rangesOf(slopes, grid, sign, side);
  });
}

/** 2^(1/128). */
const STEP = 1.0054299011128027;

function rangesOf(slopes: readonly Slope[], grid: readonly number[], sign: number, known: readonly number[]): number[] {
  const changes = new Uint8Array(grid.length);
  const jumps: number[] = [];
  const isKnown = (i: number): boolean => known.some((x) => grid[i - 1] <= x && x <= grid[i]);
  for (const slope of slopes) {
    const values = grid.map((x) => slope(sign * x));
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (let i = 1; i < values.length; i++) {
      if (!(Math.abs(values[i] - values[i - 1]) > NOTICEABLE * largest) || isKnown(i)) continue;
      changes[i] = 1;
      const jump = jumpIn((x) => slope(sign * x), grid[i - 1], grid[i]);
      if (jump !== null) jumps.push(sign * jump);
    }
  }
  const ends: number[] = jumps;
  let since = 0;
  for (let i = 1; i < grid.length; i++) {
    const [starts, stops] = [changes[i] > changes[i - 1], changes[i] < changes[i - 1]];
    if (starts) since = i;
    if (starts || stops || (changes[i] && (i - since) % PIECE === 0)) ends.push(sign * grid[i - 1]);
  }
  return ends;
}

/** Where a slope jumps between a and b, to the last digits; null if its change is spread over the range. */
function jumpIn(slope: Slope, a: number, b: number): number | null {
  const change = Math.abs(slope(b) - slope(a));
  let [low, high] = [a, b];
  for (let middle = 0.5 * (low + high); low < middle && middle < high; middle = 0.5 * (low + high)) {
    const value = slope(middle);
    const [below, above] = [Math.abs(value - slope(low)), Math.abs(slope(high) - value)];
    if (Math.max(below, above) < 0.9 * change) return null;
    if (below > above) high = middle;
    else low = middle;
  }
  return high;
}
