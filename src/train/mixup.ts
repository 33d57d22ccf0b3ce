/** @file Mixup: each image of a batch is blended with another one of it, and so are their targets. */
import { exp, log } from "../core/math.js";
import { Rng } from "../core/rng.js";
import type { Batch } from "../data/loader.js";

/** A random number of the Gamma distribution with shape a, as its logarithm (Marsaglia and Tsang 2000). */
function logGamma(rng: Rng, a: number): number {
  // Below 1: Gamma(a) = Gamma(a + 1)·u^(1/a), whose logarithm does not underflow.
  if (a < 1) return logGamma(rng, a + 1) + log((rng.u32() + 0.5) * 2 ** -32) / a;
  const d = a - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const base = 1 + c * x;
    if (base <= 0) continue;
    const v = base * base * base;
    const u = (rng.u32() + 0.5) * 2 ** -32;
    if (log(u) < (x * x) / 2 + d - d * v + d * log(v)) return log(d) + log(v);
  }
}

/** A random number of Beta(a, b), a, b > 0; from core arithmetic alone, and so the same on every engine. */
export function beta(rng: Rng, a: number, b: number): number {
  return 1 / (1 + exp(logGamma(rng, b) - logGamma(rng, a)));
}

/** A batch of which every image is a blend. */
export interface MixedBatch {
  readonly images: Uint8Array;
  /** Label of each image's partner, which has the smaller part. */
  readonly partners: Int32Array;
  /** The image's own part of itself and of its target, ≥ ½. */
  readonly shares: Float64Array;
}

/**
 * Mixup (Zhang et al. 2018) with parameter α: image i of a batch, or of a shard of it, becomes λ_i·x_i + (1 − λ_i)·x_j,
 * rounded to 8 bits, with j from a random permutation and λ_i = max(λ, 1 − λ), λ of Beta(α, α): the images of a shard
 * are paired at random anyway, and so each keeps the larger part of itself. All depends on seed, epoch, batch and the
 * place of the shard in its batch alone, not on who computes it.
 */
export class Mixup {
  readonly #alpha: number;
  readonly #stream: Rng;
  constructor(alpha: number, seed: number | string) {
    this.#alpha = alpha;
    this.#stream = new Rng(seed).fork("mixup");
  }
  mix({ images, labels, count, epoch, index, part }: Batch): MixedBatch {
    const rng = this.#stream
      .fork(epoch)
      .fork(index)
      .fork(part?.start ?? 0);
    const order = rng.permutation(count);
    const size = images.length / Math.max(1, count);
    const mixed = new Uint8Array(images.length);
    const shares = new Float64Array(count);
    for (let k = 0; k < count; k++) {
      const draw = beta(rng, this.#alpha, this.#alpha);
      const share = Math.max(draw, 1 - draw);
      const [own, other] = [k * size, order[k] * size];
      shares[k] = order[k] === k ? 1 : share;
      for (let i = 0; i < size; i++) {
        mixed[own + i] = Math.round(share * images[own + i] + (1 - share) * images[other + i]);
      }
    }
    return { images: mixed, partners: Int32Array.from(order, (other) => labels[other]), shares };
  }
}

/**
 * Targets [N, classes] of a mixed batch: q_c = (1 − ε)·(λ·[c = label] + (1 − λ)·[c = partner]) + ε/classes.
 *
 * @param smoothing ε
 */
export function mixedTargets(
  labels: ArrayLike<number>,
  { partners, shares }: Pick<MixedBatch, "partners" | "shares">,
  classes: number,
  smoothing: number,
): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  for (let k = 0; k < labels.length; k++) {
    for (let c = 0; c < classes; c++) {
      const hard = (c === labels[k] ? shares[k] : 0) + (c === partners[k] ? 1 - shares[k] : 0);
      targets[k * classes + c] = (1 - smoothing) * hard + smoothing / classes;
    }
  }
  return targets;
}
