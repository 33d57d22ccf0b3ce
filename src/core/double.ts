/**
 * @file Error-free float64 arithmetic, pairs of doubles, polynomials, and access to a double's exponent. Imports
 * nothing.
 *
 * A pair `[hi, lo]` stands for the unevaluated sum hi + lo with |lo| ≤ ulp(hi)/2, about 106 bits. JavaScript has no
 * fused multiply-add, so exact products come from Dekker's splitting.
 */

/** An unevaluated sum hi + lo, |lo| ≤ ulp(hi)/2. */
export type Pair = readonly [hi: number, lo: number];

/** The part of a + b that `sum`, the rounded a + b, lost: a + b = sum + sumError(a, b, sum) exactly (Knuth). */
export function sumError(a: number, b: number, sum: number): number {
  const bRound = sum - a;
  return a - (sum - bRound) + (b - bRound);
}

const SPLIT = 2 ** 27 + 1;

/**
 * The part of a·b that `product`, the rounded a·b, lost: a·b = product + productError(a, b, product) exactly (Dekker).
 * Exact while |a|, |b| < 2^996 and the error does not underflow.
 */
export function productError(a: number, b: number, product: number): number {
  const aWide = SPLIT * a;
  const aHigh = aWide - (aWide - a);
  const aLow = a - aHigh;
  const bWide = SPLIT * b;
  const bHigh = bWide - (bWide - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** a + b as an exact pair. */
export function twoSum(a: number, b: number): Pair {
  const sum = a + b;
  return [sum, sumError(a, b, sum)];
}

/** Sum of two pairs, relative error about 2^-104 unless they cancel. */
export function addPairs(a: Pair, b: Pair): Pair {
  const sum = a[0] + b[0];
  return twoSum(sum, sumError(a[0], b[0], sum) + (a[1] + b[1]));
}

/** Product of two pairs, relative error about 2^-103. */
export function multiplyPairs(a: Pair, b: Pair): Pair {
  const product = a[0] * b[0];
  return twoSum(product, productError(a[0], b[0], product) + (a[0] * b[1] + a[1] * b[0]));
}

/** Quotient of two pairs, relative error about 2^-102. */
export function dividePairs(a: Pair, b: Pair): Pair {
  const quotient = a[0] / b[0];
  const product = quotient * b[0];
  const rest = a[0] - product - productError(quotient, b[0], product) + a[1] - quotient * b[1];
  return twoSum(quotient, rest / b[0]);
}

// One scratch double seen as two words. It carries nothing from one call to the next.
const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** 2^k for integer −1022 ≤ k ≤ 1023, exactly. */
export function powerOfTwo(k: number): number {
  words[HIGH] = (k + 1023) << 20;
  words[1 - HIGH] = 0;
  return scratch[0];
}

/** ⌊log₂|x|⌋ of a finite x ≠ 0. */
export function exponentOf(x: number): number {
  scratch[0] = x;
  const biased = (words[HIGH] >>> 20) & 0x7ff;
  if (biased !== 0) return biased - 1023;
  scratch[0] = x * 2 ** 54;
  return ((words[HIGH] >>> 20) & 0x7ff) - 1077;
}

/** x·2^k for integer −1991 ≤ k ≤ 2046, rounded once. */
export function scaleByPowerOfTwo(x: number, k: number): number {
  if (k > 1023) return x * 2 ** 1023 * powerOfTwo(k - 1023);
  if (k >= -1022) return x * powerOfTwo(k);
  // Only the last factor may round: the first keeps x normal for every |x| ≥ 2^-53 or so.
  return x * powerOfTwo(k + 969) * 2 ** -969;
}

/** Σ c_n·x^n by Horner's rule, highest power first. */
export function horner(x: number, c: readonly number[]): number {
  let sum = c[c.length - 1];
  for (let n = c.length - 2; n >= 0; n--) sum = sum * x + c[n];
  return sum;
}
