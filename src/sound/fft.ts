/** @file The Fourier transform of real numbers, in f64 with the same bits on every engine. */
import { cos, sin } from "../core/math.js";

const TURN = 2 * Math.PI;

/**
 * Powers of a real signal's spectrum: a complex transform of half the length (radix 2, in place), then the even and the
 * odd samples' spectra put together.
 */
export class RealFft {
  /** Samples: a power of two, at least 4. */
  readonly size: number;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #order: Uint32Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  constructor(size: number) {
    this.size = size;
    const half = size / 2;
    this.#cos = Float64Array.from({ length: half }, (_, k) => cos((TURN * k) / size));
    this.#sin = Float64Array.from({ length: half }, (_, k) => -sin((TURN * k) / size));
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
    this.#order = new Uint32Array(half);
    for (let n = 1; n < half; n++) this.#order[n] = (this.#order[n >> 1] >> 1) | (n & 1 ? half >> 1 : 0);
  }

  /**
   * |X_k|² of X_k = Σ x_n e^(−2πikn/size), k = 0 … size/2.
   *
   * @param x `size` samples
   * @param out size/2 + 1 numbers
   */
  powers(x: Float64Array, out: Float64Array): void {
    const [re, im, half] = [this.#re, this.#im, this.size / 2];
    for (let n = 0; n < half; n++) {
      const to = this.#order[n];
      re[to] = x[2 * n];
      im[to] = x[2 * n + 1];
    }
    this.#transform();
    for (let k = 0; k <= half; k++) {
      const [a, b] = [k % half, (half - k) % half];
      const [evenRe, evenIm] = [(re[a] + re[b]) / 2, (im[a] - im[b]) / 2];
      const [oddRe, oddIm] = [(im[a] + im[b]) / 2, (re[b] - re[a]) / 2];
      // e^(−2πik/size); at k = half it is −1.
      const [c, s] = k === half ? [-1, 0] : [this.#cos[k], this.#sin[k]];
      const sumRe = evenRe + (c * oddRe - s * oddIm);
      const sumIm = evenIm + (c * oddIm + s * oddRe);
      out[k] = sumRe * sumRe + sumIm * sumIm;
    }
  }

  /** The complex transform of what `#re` and `#im` hold in bit-reversed order. */
  #transform(): void {
    const [re, im, half] = [this.#re, this.#im, this.size / 2];
    for (let length = 2; length <= half; length *= 2) {
      const [middle, step] = [length / 2, this.size / length];
      for (let start = 0; start < half; start += length) {
        for (let k = 0; k < middle; k++) {
          const [c, s] = [this.#cos[k * step], this.#sin[k * step]];
          const [a, b] = [start + k, start + k + middle];
          const [turnedRe, turnedIm] = [c * re[b] - s * im[b], c * im[b] + s * re[b]];
          re[b] = re[a] - turnedRe;
          im[b] = im[a] - turnedIm;
          re[a] += turnedRe;
          im[a] += turnedIm;
        }
      }
    }
  }
}
