/** @file Circular functions in float64 that give the same bits on every engine; see math.ts. Imports double.ts. */
import { exponentOf, horner, type Pair, productError, scaleByPowerOfTwo, sumError, twoSum } from "./double.js";

// π/2 in four parts; the first three have 33 bits, so that their products with an integer below 2^20 are exact.
const HALF_PI_A = 1.5707963267341256;
const HALF_PI_B = 6.077100506303966e-11;
const HALF_PI_C = 2.0222662487111665e-21;
const HALF_PI_D = 8.4784276603689e-32;
const TWO_OVER_PI = 0.6366197723675814;

const PI: Pair = [Math.PI, 1.2246467991473532e-16];
const HALF_PI: Pair = [Math.PI / 2, 6.123233995736766e-17];

// ⌊π/2 · 2^1216⌋: enough bits to reduce the largest double, 2^1024, to within 2^-190.
const HALF_PI_BITS = 1216n;
const HALF_PI_FIXED =
  0x1921fb54442d18469898cc51701b839a252049c1114cf98e804177d4c76273644a29410f31c6809bbdf2a33679a748636605614dbe4be286e9fc26adadaa3848bc90b6aecc4bcfd8de89885d34c6fdad617feb96de80d6fdbdc70d7f6b5133f4b5d3e4822f8963fcc9250cca3d9c8b67b8400f97142c77e0b31b4906c38aba734d22c7f51fa499ebf06caba47b9475b2c38c5e6ac410aa577n;

/** x minus the nearest multiple of π/2, as a pair, and that multiple modulo 4. */
type Reduced = readonly [hi: number, lo: number, quadrant: number];

function reduceLarge(x: number): Reduced {
  const e = exponentOf(x) - 52;
  const integer = BigInt(scaleByPowerOfTwo(Math.abs(x), -e));
  const fixed = integer << (HALF_PI_BITS + BigInt(e));
  let quotient = fixed / HALF_PI_FIXED;
  let rest = fixed - quotient * HALF_PI_FIXED;
  if (2n * rest > HALF_PI_FIXED) {
    quotient += 1n;
    rest -= HALF_PI_FIXED;
  }
  // 128 fractional bits: the upper 64 round into hi, the remainder of that into lo.
  const scaled = rest >> (HALF_PI_BITS - 190n);
  const hi = Number(scaled);
  const lo = Number(scaled - BigInt(hi));
  const quadrant = Number(quotient & 3n);
  const unit = 2 ** -190;
  return x > 0 ? [hi * unit, lo * unit, quadrant] : [-hi * unit, -lo * unit, -quadrant & 3];
}

function reduce(x: number): Reduced {
  if (Math.abs(x) <= 0.7853981633974483) return [x, 0, 0];
  if (Math.abs(x) > 1e6) return reduceLarge(x);
  const k = Math.floor(x * TWO_OVER_PI + 0.5);
  const a = x - k * HALF_PI_A;
  const b = -k * HALF_PI_B;
  const ab = a + b;
  const c = -k * HALF_PI_C;
  const abc = ab + c;
  const [hi, lo] = twoSum(abc, sumError(a, b, ab) + (sumError(ab, c, abc) - k * HALF_PI_D));
  return [hi, lo, k & 3];
}

// (sin r − r)/r³ and (cos r − 1 + r²/2)/r⁴ as series in r².
const SIN_TAIL = alternatingFactorials(3, 8, -1);
const COS_TAIL = alternatingFactorials(4, 8, 1);

/** ±1/first!, ∓1/(first+2)!, … */
function alternatingFactorials(first: number, count: number, sign: number): number[] {
  let factorial = sign;
  for (let k = 2; k <= first; k++) factorial *= k;
  return Array.from({ length: count }, (_, n) => {
    if (n > 0) factorial *= -(first + 2 * n - 1) * (first + 2 * n);
    return 1 / factorial;
  });
}

/** sin(r + tail) for |r| ≤ π/4. */
function sinKernel(r: number, tail: number): number {
  const z = r * r;
  return r + (tail * (1 - 0.5 * z) + r * z * horner(z, SIN_TAIL));
}

/** cos(r + tail) for |r| ≤ π/4; 1 − r²/2 is formed first and what it lost is put back. */
function cosKernel(r: number, tail: number): number {
  const z = r * r;
  const half = 0.5 * z;
  const lead = 1 - half;
  return lead + (1 - lead - half + (z * z * horner(z, COS_TAIL) - r * tail));
}

/**
 * Sine.
 * @param x angle in radians, any size (large ones are reduced exactly)
 * @returns sin x with an error below 1 ulp; NaN at ±Infinity, −0 for −0
 */
export function sin(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  if (Math.abs(x) < 2 ** -27) return x;
  const [hi, lo, quadrant] = reduce(x);
  const value = (quadrant & 1) === 0 ? sinKernel(hi, lo) : cosKernel(hi, lo);
  return quadrant < 2 ? value : -value;
}

/**
 * Cosine.
 * @param x angle in radians, any size (large ones are reduced exactly)
 * @returns cos x with an error below 1 ulp; NaN at ±Infinity
 */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  const [hi, lo, quadrant] = reduce(x);
  const value = (quadrant & 1) === 0 ? cosKernel(hi, lo) : sinKernel(hi, lo);
  return quadrant === 0 || quadrant === 3 ? value : -value;
}

// atan(j/8), j = 0 … 8, as pairs.
const ATAN_EIGHTHS: readonly Pair[] = [
  [0, 0],
  [0.12435499454676144, -3.1253241424539383e-18],
  [0.24497866312686414, 1.0698755618734451e-17],
  [0.35877067027057225, -2.4623815582638635e-17],
  [0.4636476090008061, 2.2698777452961687e-17],
  [0.5585993153435624, -5.4556305485916264e-18],
  [0.6435011087932844, 1.5834785051444286e-17],
  [0.7188299996216245, -2.1478388444456983e-17],
  [Math.PI / 4, 3.061616997868383e-17],
];

// (atan t − t)/t³ as a series in t².
const ATAN_TAIL = Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? -1 : 1) / (2 * n + 3));

/** atan(n/d) as a pair, 0 ≤ n ≤ d, both scaled so that d is about 1. */
function atanRatio(n: number, d: number): Pair {
  const j = Math.floor((8 * n) / d + 0.5);
  const c = j / 8;
  // atan(n/d) = atan c + atan t with t = (n − c·d)/(d + c·n), |t| ≤ 1/16, kept as a pair.
  const cd = c * d;
  const top = n - cd;
  const topLow = sumError(n, -cd, top) - productError(c, d, cd);
  const cn = c * n;
  const bottom = d + cn;
  const bottomLow = sumError(d, cn, bottom) + productError(c, n, cn);
  const t = top / bottom;
  const back = t * bottom;
  const tLow = (top - back - productError(t, bottom, back) + (topLow - t * bottomLow)) / bottom;
  const z = t * t;
  const series = z * horner(z, ATAN_TAIL);
  const [base, baseLow] = ATAN_EIGHTHS[j];
  const sum = base + t;
  return twoSum(sum, sumError(base, t, sum) + (baseLow + tLow + t * series));
}

/**
 * Angle of the point (x, y), in (−π, π].
 * @param y ordinate
 * @param x abscissa
 * @returns the angle in radians with an error below 1 ulp; signed zeros and infinities as in ECMAScript's `Math.atan2`
 */
export function atan2(y: number, x: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const left = x < 0 || (x === 0 && 1 / x < 0);
  const sign = y < 0 || (y === 0 && 1 / y < 0) ? -1 : 1;
  let n = Math.abs(y);
  let d = Math.abs(x);
  if (n === Infinity && d === Infinity) n = d = 1;
  if (n === 0 || d === Infinity) return sign * (left ? PI[0] : 0);
  if (d === 0 || n === Infinity) return sign * HALF_PI[0];
  // Points nearer to an axis than 2^-60 in ratio: the angle is the axis, or the ratio itself.
  const gap = exponentOf(n) - exponentOf(d);
  if (gap > 60) return sign * HALF_PI[0];
  if (gap < -60) return sign * (left ? PI[0] : n / d);
  const steep = n > d;
  const shift = -exponentOf(steep ? n : d);
  n = scaleByPowerOfTwo(n, shift);
  d = scaleByPowerOfTwo(d, shift);
  const [hi, lo] = steep ? atanRatio(d, n) : atanRatio(n, d);
  // Fold the octant angle a into π/2 − a, π/2 + a or π − a.
  if (!steep && !left) return sign * (hi + lo);
  const [axis, axisLow] = steep ? HALF_PI : PI;
  const turn = steep === left ? 1 : -1;
  const sum = axis + turn * hi;
  return sign * (sum + (sumError(axis, turn * hi, sum) + (axisLow + turn * lo)));
}

/**
 * Arc tangent, in [−π/2, π/2].
 * @param x any number
 * @returns atan x in radians with an error below 1 ulp
 */
export function atan(x: number): number {
  return atan2(x, 1);
}

/**
 * Arc cosine, in [0, π]: 2·atan(√(1−x)/√(1+x)), which is accurate at both ends.
 * @param x cosine in [−1, 1]
 * @returns acos x in radians with an error of about 1 ulp; NaN outside [−1, 1]
 */
export function acos(x: number): number {
  if (!(x >= -1 && x <= 1)) return NaN;
  return 2 * atan2(Math.sqrt(1 - x), Math.sqrt(1 + x));
}
