/** @file Numbers of layers made small enough to be sent to a page and drawn. Runs in workers. */
import type { LayerView } from "./histogram.js";

const BINS = 41;
/** Share of the numbers that lie within the axis. */
const WITHIN = 0.998;

/** Levels of codes and how many there are of each. */
export interface Levels {
  readonly codes: Int8Array;
  /** Value of code 1: one, or one for each output channel. */
  readonly delta: Float32Array;
}

/** The view of some numbers; with levels, those of each channel are in units of its δ where there are several. */
export function layerView(name: string, bits: number, numbers: Float32Array, levels: Levels | null): LayerView {
  const perChannel = levels !== null && levels.delta.length > 1;
  const row = perChannel ? numbers.length / levels.delta.length : 1;
  const values = perChannel ? numbers.map((w, i) => w / (levels.delta[Math.floor(i / row)] || 1)) : numbers;
  const marks = levels === null ? [] : marksOf(levels.codes, perChannel ? 1 : levels.delta[0]);
  const sizes = values.map(Math.abs).sort();
  const most = sizes[Math.min(sizes.length - 1, Math.floor(WITHIN * sizes.length))] ?? 0;
  const edge = Math.max(most, 1.1 * Math.max(0, ...marks.map(({ at }) => Math.abs(at)))) || 1;
  const bins = new Array<number>(BINS).fill(0);
  for (const value of values) {
    bins[Math.max(0, Math.min(BINS - 1, Math.floor(((value + edge) / (2 * edge)) * BINS)))]++;
  }
  const unit = perChannel ? "w/δ" : "w";
  return { name, bits, count: numbers.length, unit, low: -edge, high: edge, bins, levels: marks };
}

function marksOf(codes: Int8Array, step: number): { at: number; share: number }[] {
  const counts = new Map<number, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b).map(([code, n]) => ({ at: code * step, share: n / codes.length }));
}
