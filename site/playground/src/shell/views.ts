/** @file Numbers of layers made small enough to be sent to a page and drawn. Runs in workers. */
import type { LayerView } from "./histogram.js";

const BINS = 41;
/** Numbers that the ends of the axis are chosen by; all of them would take longer than a step of training. */
const SAMPLE = 4096;
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
  const sizes = sampleOf(values).map(Math.abs).sort();
  const most = sizes[Math.min(sizes.length - 1, Math.floor(WITHIN * sizes.length))] ?? 0;
  const edge = Math.max(most, 1.1 * Math.max(0, ...marks.map(({ at }) => Math.abs(at)))) || 1;
  const bins = new Array<number>(BINS).fill(0);
  const scale = BINS / (2 * edge);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((values[i] + edge) * scale);
    bins[bin < 0 ? 0 : bin < BINS ? bin : BINS - 1]++;
  }
  const unit = perChannel ? "w/δ" : "w";
  return { name, bits, count: numbers.length, unit, low: -edge, high: edge, bins, levels: marks };
}

/** Some of the numbers, evenly taken. */
function sampleOf(values: Float32Array): Float32Array {
  const stride = Math.ceil(values.length / SAMPLE);
  if (stride <= 1) return values.slice();
  return Float32Array.from({ length: Math.floor(values.length / stride) }, (_, i) => values[i * stride]);
}

function marksOf(codes: Int8Array, step: number): { at: number; share: number }[] {
  const counts = new Uint32Array(256);
  for (let i = 0; i < codes.length; i++) counts[codes[i] + 128]++;
  const marks: { at: number; share: number }[] = [];
  counts.forEach((n, i) => {
    if (n > 0) marks.push({ at: (i - 128) * step, share: n / codes.length });
  });
  return marks;
}
