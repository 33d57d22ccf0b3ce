/** @file Independent scalar definitions that the quantization tests compare with. */
import type { Rng } from "../../src/core/rng.js";
import type { Projection } from "../../src/quant/projection/index.js";

/** ‖δq − w‖² in f64. */
export function distance(w: ArrayLike<number>, q: ArrayLike<number>, delta: number): number {
  let sum = 0;
  for (let i = 0; i < w.length; i++) sum += (delta * q[i] - w[i]) ** 2;
  return sum;
}

/** Codes and step of a rule. */
export function project(rule: Projection, w: ArrayLike<number>): { q: Int8Array; delta: number } {
  const q = new Int8Array(w.length).fill(99);
  const delta = rule.project(Float32Array.from(w), q);
  return { q, delta };
}

/** The least ‖δq − w‖² over all q of the level set and all δ ≥ 0, by trying every q. */
export function bruteForce(w: ArrayLike<number>, levels: readonly number[]): number {
  const n = w.length;
  let best = Number.POSITIVE_INFINITY;
  const q = new Array<number>(n).fill(levels[0]);
  for (let code = 0; code < levels.length ** n; code++) {
    let rest = code;
    for (let i = 0; i < n; i++) {
      q[i] = levels[rest % levels.length];
      rest = Math.floor(rest / levels.length);
    }
    let dot = 0;
    let square = 0;
    for (let i = 0; i < n; i++) {
      dot += q[i] * w[i];
      square += q[i] * q[i];
    }
    best = Math.min(best, distance(w, q, square === 0 ? 0 : Math.max(0, dot / square)));
  }
  return best;
}

/** f32 numbers of several shapes: normal, with zeros, with ties, tiny, huge. */
export function weights(rng: Rng, n: number): Float32Array {
  const out = new Float32Array(n);
  rng.fillNormal(out, 0, 1);
  const kind = rng.int(5);
  for (let i = 0; i < n; i++) {
    if (kind === 1 && rng.bool(0.3)) out[i] = rng.bool(0.5) ? 0 : -0;
    if (kind === 2) out[i] = Math.round(out[i] * 4) / 4;
    if (kind === 3) out[i] *= 2 ** -100;
    if (kind === 4) out[i] *= 2 ** 100;
  }
  return out;
}

const f32 = new Float32Array(1);
const word = new Int32Array(f32.buffer);

/** The f32 neighbours of a positive f32 number, and itself. */
export function around(x: number): number[] {
  return [-1, 0, 1].map((steps) => {
    f32[0] = x;
    word[0] += steps;
    return f32[0];
  });
}

/** A random f32 α in [1e-3, 5], even in its exponent's scale. */
export function randomAlpha(rng: Rng): number {
  const alpha = 1e-3 * 2 ** rng.int(13) * (1 + rng.uniform());
  return Math.fround(Math.min(5, Math.max(1e-3, alpha)));
}
