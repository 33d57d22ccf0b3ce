/**
 * @file From integer sums to codes: thresholds as a line through whole numbers, where one is proved to give every code,
 * else as a table.
 */
import { linesOf } from "../../codes/lines.js";
import type { Sums } from "../../codes/sums.js";
import type { Thresholds } from "../../codes/thresholds.js";
import type { CModule } from "./module.js";

/** code = clamp(⌊(acc·slope + start) / 2^shift⌋, 0, top) for each channel. */
interface WholeLines {
  readonly slope: Int32Array;
  readonly start: Int32Array;
  readonly shift: number;
}

/** Widest shift: products of it fit in 32 bits. */
const MOST_SHIFT = 24;

/** True if a line in whole numbers gives every code that a channel can have, and fits in 32 bits on the way. */
function crosses(
  { values, flip, top }: Thresholds,
  c: number,
  [least, most]: readonly [number, number],
  [slope, start, shift]: readonly [number, number, number],
): boolean {
  if (Math.max(Math.abs(least * slope), Math.abs(most * slope)) + Math.abs(start) >= 2 ** 31) return false;
  const code = (acc: number): number => {
    const at = Math.floor((acc * slope + start) / 2 ** shift);
    return Math.min(Math.max(at, 0), top);
  };
  // Both are monotone in acc: the sums on either side of each threshold answer for all others.
  for (let k = 0; k < top; k++) {
    const t = values[c * top + k];
    const reached = Math.min(Math.max(t, least), most);
    const short = Math.min(Math.max(flip[c] === 0 ? t - 1 : t + 1, least), most);
    const wanted = (acc: number): boolean => (flip[c] === 0 ? acc >= t : acc <= t);
    for (const acc of [reached, short]) if (wanted(acc) !== code(acc) > k) return false;
  }
  return true;
}

/** Lines in whole numbers of as few bits as give every code; null if there are none. */
export function wholeLines(thresholds: Thresholds, sums: Sums): WholeLines | null {
  const lines = linesOf(thresholds, sums);
  if (lines === null) return null;
  const channels = [...thresholds.flip.keys()];
  for (let shift = 4; shift <= MOST_SHIFT; shift++) {
    const slope = lines.scale.map((value) => Math.round(value * 2 ** shift));
    const start = Float64Array.from(lines.shift, (value) => Math.round((value + 0.5) * 2 ** shift));
    const all = channels.every((c) =>
      crosses(thresholds, c, [sums.least[c], sums.most[c]], [slope[c], start[c], shift]),
    );
    if (all) return { slope: Int32Array.from(slope), start: Int32Array.from(start), shift };
  }
  return null;
}

/** The expression of the code of `acc` in channel `o`. */
export function codeOfSum(module: CModule, thresholds: Thresholds, sums: Sums): string {
  const { values, flip, top } = thresholds;
  const lines = wholeLines(thresholds, sums);
  if (lines !== null) {
    const [slope, start] = [module.integers("slope", lines.slope), module.integers("start", lines.start)];
    return `${module.use("line")}(acc * ${slope.name}[o] + ${start.name}[o], ${lines.shift}, ${top})`;
  }
  // acc ≤ t is −acc ≥ −t: falling channels are rising ones of −acc.
  const rising = values.map((value, i) => (flip[Math.floor(i / top)] === 0 ? value : -value));
  const { name, type } = module.integers("thresholds", rising);
  const count = module.use(`count_${type}` as "count_int8_t" | "count_int16_t" | "count_int32_t");
  if (flip.every((falls) => falls === 0)) return `${count}(acc, ${name} + o * ${top}, ${top})`;
  const falls = module.bytes("falls", flip);
  return `${count}(${falls.name}[o] != 0 ? -acc : acc, ${name} + o * ${top}, ${top})`;
}
