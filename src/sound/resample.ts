/** @file Sound at another rate: a windowed sinc, in f64 with the same bits on every engine. */
import { check, integer } from "../core/checks.js";
import { sin } from "../core/math.js";
import { SOUND_RATES } from "../io/wav.js";
import { checkSamples } from "./log-mel.js";

/** Zeros of the sinc on each side; its cutoff, as a share of the lower Nyquist frequency; β of its Kaiser window. */
const ZEROS = 32;
const CUTOFF = 0.94;
const BETA = 9;
/** Weights that are kept for all phases; of more they are made for each sample anew. */
const MOST_WEIGHTS = 2 ** 22;

/** The modified Bessel function I0, by its power series. */
function bessel0(x: number): number {
  const z = (x * x) / 4;
  let [term, sum] = [1, 1];
  for (let k = 1; term > sum * 2 ** -54; k++) {
    term *= z / (k * k);
    sum += term;
  }
  return sum;
}
const WINDOW_SCALE = bessel0(BETA);

/** sin(πx)/(πx) behind the Kaiser window, 0 from ZEROS on. */
function kernel(x: number): number {
  const share = x / ZEROS;
  if (share <= -1 || share >= 1) return 0;
  const window = bessel0(BETA * Math.sqrt(1 - share * share)) / WINDOW_SCALE;
  return x === 0 ? window : (window * sin(Math.PI * x)) / (Math.PI * x);
}

/** Weights of the samples around one place, which sum to 1: those from ⌊place⌋ − reach + 1 to ⌊place⌋ + reach. */
function weightsAt(fraction: number, reach: number, scale: number): Float64Array {
  const weights = Float64Array.from({ length: 2 * reach }, (_, k) => kernel((fraction - (k - reach + 1)) * scale));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/**
 * Sound at another rate. Sample n of the result is at time n/to; what lies before and behind the sound counts as
 * silence. Frequencies up to about 0.85 of the lower rate's half stay, those above it go (below −80 dB).
 *
 * @param samples at `from` samples a second
 * @returns ⌈length·to/from⌉ samples, which the caller owns; a copy for equal rates
 * @throws ArgumentError for what are no samples, and for rates that no sound has
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  checkSamples("resample", samples);
  check("resample", "from", from, integer(...SOUND_RATES));
  check("resample", "to", to, integer(...SOUND_RATES));
  if (from === to) return samples.slice();
  const common = divisor(from, to);
  const [up, down] = [to / common, from / common];
  const scale = CUTOFF * Math.min(1, to / from);
  const reach = Math.ceil(ZEROS / scale);
  const kept = 2 * reach * up <= MOST_WEIGHTS ? new Map<number, Float64Array>() : null;
  const out = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let n = 0; n < out.length; n++) {
    const phase = (n * down) % up;
    const middle = (n * down - phase) / up;
    const weights = kept?.get(phase) ?? weightsAt(phase / up, reach, scale);
    kept?.set(phase, weights);
    const first = middle - reach + 1;
    const last = Math.min(samples.length - first, weights.length);
    let sum = 0;
    for (let k = Math.max(0, -first); k < last; k++) sum += weights[k] * samples[first + k];
    out[n] = sum;
  }
  return out;
}
