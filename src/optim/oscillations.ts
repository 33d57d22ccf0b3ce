/** @file How often the codes of one parameter's weights turn back, and which of them are frozen. */
import type { NDArray } from "../ndarray/ndarray.js";
import type { QuantizedWeight } from "../quant/quant-parameter.js";

/** Arrays that a state holds for each parameter. */
export const OSCILLATION_ARRAYS = ["freeze.frequency", "freeze.mean", "freeze.codes"] as const;

/** What a state holds for one parameter. */
export type OscillationState = Record<(typeof OSCILLATION_ARRAYS)[number], Float32Array>;

/** Least magnitude of a frozen weight of 1 bit, as a share of δ. */
const LEAST = 0.01;

/** One number for a weight's last code, the direction of its last change, and its frozen code (`NONE`: none). */
const NONE = -128;
const joined = (code: number, direction: number, frozen: number): number =>
  code + 128 + 256 * (direction + 1) + 1024 * (frozen + 128);

/** Running means of one parameter's weights. */
export class Oscillations {
  readonly #frequency: Float32Array;
  readonly #mean: Float32Array;
  readonly #codes: Int8Array;
  readonly #directions: Int8Array;
  readonly #frozen: Int8Array;
  /** Where codes are frozen. */
  readonly #places: number[] = [];

  /** Begins with the codes of a projection. */
  constructor(codes: ArrayLike<number>) {
    const { length } = codes;
    this.#codes = Int8Array.from(codes);
    this.#mean = Float32Array.from(codes);
    this.#frequency = new Float32Array(length);
    this.#directions = new Int8Array(length);
    this.#frozen = new Int8Array(length).fill(NONE);
  }

  /** Number of weights whose code is frozen. */
  get frozen(): number {
    return this.#places.length;
  }

  /** Takes the codes of another step, and freezes those that turn back too often. */
  look({ codes, bits, top }: QuantizedWeight, momentum: number, threshold: number): void {
    const now = codes.view() as Int8Array;
    for (let i = 0; i < now.length; i++) {
      if (this.#frozen[i] !== NONE) continue;
      const change = Math.sign(now[i] - this.#codes[i]);
      const turned = change !== 0 && change === -this.#directions[i] ? 1 : 0;
      if (change !== 0) this.#directions[i] = change;
      this.#codes[i] = now[i];
      this.#frequency[i] += momentum * (turned - this.#frequency[i]);
      this.#mean[i] += momentum * (now[i] - this.#mean[i]);
      if (this.#frequency[i] <= threshold) continue;
      this.#frozen[i] = nearestCode(this.#mean[i], now[i], bits, top);
      this.#places.push(i);
    }
  }

  /** Notes what frozen latent weights are to be. @returns puts it in */
  hold(weights: NDArray, { delta, bits }: QuantizedWeight): () => void {
    const places = this.#places;
    const latent = weights.view();
    const perStep = latent.length / Math.max(1, delta.length);
    const held = Float32Array.from(places, (i) =>
      frozenLatent(latent[i], this.#frozen[i], delta[Math.floor(i / perStep)], bits),
    );
    return () => {
      const after = weights.view();
      places.forEach((i, k) => {
        after[i] = held[k];
      });
    };
  }

  /** Copies for a state. */
  state(): OscillationState {
    return {
      "freeze.frequency": this.#frequency.slice(),
      "freeze.mean": this.#mean.slice(),
      "freeze.codes": Float32Array.from(this.#codes, (code, i) => joined(code, this.#directions[i], this.#frozen[i])),
    };
  }
  /** What such a state holds; null if no parameter with codes up to `top` gives it. */
  static from(state: OscillationState, top: number): Oscillations | null {
    const { "freeze.frequency": frequency, "freeze.mean": mean, "freeze.codes": packed } = state;
    const tally = new Oscillations(new Int8Array(packed.length));
    for (let i = 0; i < packed.length; i++) {
      const [code, direction, frozen] = [
        (packed[i] % 256) - 128,
        (Math.floor(packed[i] / 256) % 4) - 1,
        Math.floor(packed[i] / 1024) - 128,
      ];
      const good =
        Number.isInteger(packed[i]) &&
        Math.abs(code) <= top &&
        Math.abs(direction) <= 1 &&
        (frozen === NONE || Math.abs(frozen) <= top) &&
        frequency[i] >= 0 &&
        frequency[i] <= 1 &&
        Math.abs(mean[i]) <= top;
      if (!good) return null;
      tally.#codes[i] = code;
      tally.#directions[i] = direction;
      tally.#frozen[i] = frozen;
      if (frozen !== NONE) tally.#places.push(i);
    }
    tally.#frequency.set(frequency);
    tally.#mean.set(mean);
    return tally;
  }
}

/** The code nearest to a mean of codes, the higher one of two. One bit has no 0: the present code stands for it. */
function nearestCode(mean: number, now: number, bits: number, top: number): number {
  if (bits === 1) return mean === 0 ? now : Math.sign(mean);
  return Math.max(-top, Math.min(top, Math.round(mean)));
}

/**
 * The latent weight whose code is frozen: the quantized weight itself, in the middle of its cell, which moves with δ.
 * Signs need no more than the right one, and δ is the mean of what stands before them: the weight stays what it was.
 */
function frozenLatent(latent: number, code: number, step: number, bits: number): number {
  if (bits > 1) return step * code;
  const least = LEAST * step;
  return code > 0 ? Math.max(latent, least) : Math.min(latent, -least);
}
