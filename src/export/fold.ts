/**
 * @file Folding scale, bias, batch norm and staircase of a quantized layer into integer thresholds, by exact search.
 */
import { type Rounding, staircaseCode } from "../codes/staircase.js";
import { EXACT_LIMIT, largestSum, type Sums } from "../codes/sums.js";
import type { Thresholds } from "../codes/thresholds.js";
import { QuantError } from "../core/errors.js";

const { fround } = Math;

/** From a layer's accumulator to its code: what training computes in f32 for one output channel, step by step. */
export interface ChannelMap {
  /** s = f32(delta·step of the input). */
  readonly scale: number;
  /** Added after the scale; absent: nothing is added. */
  readonly bias?: number;
  /** Batch norm in evaluation, y = z·scale + shift with two roundings; absent: y = z. */
  readonly affine?: { readonly scale: number; readonly shift: number };
}

/** The staircase that ends a {@link ChannelMap}. */
export interface Steps {
  /** α, an f32 number. */
  readonly alpha: number;
  /** L = 2^bits − 1. */
  readonly top: number;
  readonly rounding: Rounding;
}

/**
 * The real number that enters the staircase: y = f32(f32(f32(f32(acc)·s) + bias)·scale) + shift), each operation
 * rounded to f32.
 */
export function preActivation(acc: number, { scale, bias, affine }: ChannelMap): number {
  let y = fround(fround(acc) * scale);
  if (bias !== undefined) y = fround(y + bias);
  if (affine !== undefined) y = fround(fround(y * affine.scale) + affine.shift);
  return y;
}

/** The code that training gives an accumulator. @see BCGD §3 (staircase) */
export function codeOf(acc: number, map: ChannelMap, { alpha, top, rounding }: Steps): number {
  return staircaseCode(preActivation(acc, map), alpha, top, rounding);
}

/**
 * True if a larger accumulator gives a smaller code. Rounding to nearest is monotone, so the signs of the two factors
 * decide.
 */
function falls({ scale, affine }: ChannelMap): boolean {
  return scale * Math.sign(affine?.scale ?? 1) < 0;
}

/** Smallest integer of [lo, hi] for which `test` holds, hi if none before it does; `test` once true stays true. */
function first(lo: number, hi: number, test: (n: number) => boolean): number {
  let [from, to] = [lo, hi];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (test(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/**
 * Thresholds of one layer: comparing the accumulator with them gives the very code that training's f32 operations give,
 * for every accumulator in the channel's range of sums. Each operation rounds monotonically, so the code is a monotone
 * function of acc and bisection finds its steps.
 *
 * A code that the channel never reaches has its threshold one past the range (hi + 1, or lo − 1 if the channel falls);
 * one that it never leaves has it at the range's start.
 *
 * @param maps one per output channel
 * @param sums what each channel can reach
 * @throws QuantError if a range leaves ±2^24 or a value is not finite: no comparison of integers could repeat training
 * then
 */
export function foldThresholds(layer: string, maps: readonly ChannelMap[], sums: Sums, steps: Steps): Thresholds {
  checkExact(layer, sums);
  const { top } = steps;
  const values = new Int32Array(maps.length * top);
  const flip = new Uint8Array(maps.length);
  maps.forEach((map, c) => {
    const [lo, hi] = [sums.least[c], sums.most[c]];
    checkChannel(layer, c, map, [lo, hi], steps);
    const code = (acc: number): number => codeOf(acc, map, steps);
    flip[c] = falls(map) ? 1 : 0;
    let at = flip[c] === 1 ? hi : lo;
    for (let k = 1; k <= top; k++) {
      // Falling: the largest acc with code ≥ k is the negative of the smallest n with code(−n) ≥ k.
      at = flip[c] === 1 ? -first(-at, 1 - lo, (n) => code(-n) >= k) : first(at, hi + 1, (n) => code(n) >= k);
      values[c * top + k - 1] = at;
    }
  });
  return { values, flip, top };
}

/** Refuses sums that training's f32 product does not hold exactly. @throws QuantError naming the layer */
export function checkExact(layer: string, sums: Sums): void {
  const largest = largestSum(sums);
  if (largest <= EXACT_LIMIT) return;
  throw new QuantError({
    op: "pack",
    what: `${layer}: sums of codes that f32 does not hold exactly`,
    expected: "at most 2^24",
    got: `${largest}`,
    hint: "use fewer bits for weights or activations",
  });
}

function checkChannel(
  layer: string,
  c: number,
  map: ChannelMap,
  [lo, hi]: readonly [number, number],
  { alpha }: Steps,
): void {
  const refuse = (what: string, expected: string, got: string): never => {
    throw new QuantError({ op: "pack", what: `${layer}, channel ${c}: ${what}`, expected, got });
  };
  const { scale, bias = 0, affine } = map;
  const parts = [scale, bias, affine?.scale ?? 1, affine?.shift ?? 0, alpha];
  if (!parts.every(Number.isFinite) || !(alpha > 0)) {
    refuse("scale, bias, batch norm or step", "finite numbers and a positive step", parts.join(", "));
  }
  for (const acc of [lo, hi]) {
    const z = fround(fround(fround(acc) * scale) + bias);
    if (!Number.isFinite(z) || !Number.isFinite(preActivation(acc, map)))
      refuse("value before the staircase", "finite numbers", `overflow at ${acc}`);
  }
}
