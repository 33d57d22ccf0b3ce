/**
 * @file Elementary functions in float64 that give the same bits on every engine. Imports double.ts and trig.ts.
 *
 * `Math.exp`, `Math.log`, `Math.pow`, `Math.sin` and their kin are "implementation-approximated" in ECMAScript: engines
 * differ in the last bits. Here only + − × ÷, `Math.sqrt`, `Math.floor`, `Math.abs` and exponent bits are used, which
 * are exact or correctly rounded by specification. Methods: reduction to a small interval with a reduction constant
 * carried in two or three doubles, a power series on the interval, and the leading term kept apart so that it is
 * rounded once.
 */
import {
  addPairs,
  dividePairs,
  exponentOf,
  horner,
  multiplyPairs,
  type Pair,
  powerOfTwo,
  productError,
  scaleByPowerOfTwo,
  sumError,
  twoSum,
} from "./double.js";

export { acos, atan, atan2, cos, sin } from "./trig.js";

// ln 2 in three parts; the first two have 42 bits, so that their products with an exponent are exact.
const LN2_A = 0.6931471805598903;
const LN2_B = 5.49792301870721e-14;
const LN2_C = 1.1612227229362532e-26;
const INV_LN2 = Math.LOG2E;

// (e^r − 1 − r)/r² = Σ r^n/(n+2)!; for |r| ≤ ½ ln 2 what is left out is below 2^-58.
const EXP_TAIL = factorialTail(13);

function factorialTail(count: number): number[] {
  let factorial = 1;
  return Array.from({ length: count }, (_, n) => {
    factorial *= n + 2;
    return 1 / factorial;
  });
}

/** e^(hi+lo) for −746 ≤ hi ≤ 710. */
function expPair(hi: number, lo: number): number {
  const k = Math.floor(hi * INV_LN2 + 0.5);
  // x − k·ln2 in full: the first difference is exact, what the later ones lose joins the tail.
  const a = hi - k * LN2_A;
  const b = -k * LN2_B;
  const ab = a + b;
  const rest = sumError(a, b, ab) - k * LN2_C + lo;
  const r = ab + rest;
  const tail = sumError(ab, rest, r);
  const lead = 1 + r;
  const small = r - (lead - 1) + (tail + tail * r + r * r * horner(r, EXP_TAIL));
  return scaleByPowerOfTwo(lead + small, k);
}

/**
 * Exponential function e^x.
 * @param x any number
 * @returns e^x with an error below 1 ulp; +Infinity above 709.78…, subnormal and then 0 below −708.39…
 */
export function exp(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x > 709.7827128933841) return Infinity;
  if (x < -745.1332191019412) return 0;
  return expPair(x, 0);
}

/**
 * e^x − 1 without cancellation near 0.
 * @param x any number
 * @returns e^x − 1 with an error of about 1 ulp; −0 for −0
 */
export function expm1(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) < 2 ** -54) return x;
  if (x > 709.7827128933841) return Infinity;
  if (x < -40) return -1;
  const k = Math.floor(x * INV_LN2 + 0.5);
  const a = x - k * LN2_A;
  const b = -k * LN2_B;
  const r = a + b;
  const rest = sumError(a, b, r) - k * LN2_C + r * r * horner(r, EXP_TAIL);
  if (k === 0) return r + rest;
  // 2^k·e^r − 1 = 2^k·((1 − 2^−k) + r + rest); the bracket is exact while |k| ≤ 53, and beyond 2^−k does not matter.
  const base = k > 60 ? 1 : 1 - powerOfTwo(-k);
  const lead = base + r;
  return scaleByPowerOfTwo(lead + (sumError(base, r, lead) + rest), k);
}

// log((1+s)/(1−s)) = 2s + s·z·Σ 2 z^n/(2n+3) with z = s² ≤ 0.0295.
const LOG_TAIL = Array.from({ length: 10 }, (_, n) => 2 / (2 * n + 3));

/** The binary exponent k for which x·2^−k lies in [√½, √2), x finite and positive. */
function centredExponent(x: number): number {
  const k = exponentOf(x);
  return scaleByPowerOfTwo(x, -k) >= Math.SQRT2 ? k + 1 : k;
}

/** k·ln 2 + log(1 + f) + correction, for 1 + f in [√½, √2). */
function logParts(k: number, f: number, correction: number): number {
  const s = f / (2 + f);
  const half = 0.5 * f * f;
  // 2s = f − s·f and s·f = f²/2 − s·f²/2, so that f, the exact leading term, is added last.
  const z = s * s;
  const small = s * (half + z * horner(z, LOG_TAIL)) + (k * LN2_B + correction);
  return k * LN2_A - (half - small - f);
}

/**
 * Natural logarithm.
 * @param x any number
 * @returns log x with an error below 1 ulp; −Infinity at ±0, NaN below 0
 */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  const k = centredExponent(x);
  return logParts(k, scaleByPowerOfTwo(x, -k) - 1, 0);
}

/**
 * log(1 + x) without cancellation near 0.
 * @param x any number
 * @returns log(1 + x) with an error of about 1 ulp; −Infinity at −1, NaN below
 */
export function log1p(x: number): number {
  if (!(x > -1)) return x === -1 ? -Infinity : NaN;
  if (x === Infinity || Math.abs(x) < 2 ** -54) return x;
  if (x > -0.29 && x < 0.41) return logParts(0, x, 0);
  const sum = 1 + x;
  const k = centredExponent(sum);
  // log(sum + e) = log(sum) + e/sum + …, e being what the addition lost.
  return logParts(k, scaleByPowerOfTwo(sum, -k) - 1, sumError(1, x, sum) / sum);
}

// 1/7, 1/9, … of the same series, which logPair needs in double precision only.
const LOG_FAR = Array.from({ length: 9 }, (_, n) => 1 / (2 * n + 7));
const FIFTH: Pair = [0.2, -1.1102230246251566e-17];
const THIRD: Pair = [0.3333333333333333, 1.850371707708594e-17];

/** log x as a pair with about 70 correct bits, x finite and positive. */
function logPair(x: number): Pair {
  const k = centredExponent(x);
  const m = scaleByPowerOfTwo(x, -k);
  const s = dividePairs([m - 1, 0], twoSum(m, 1));
  const z = multiplyPairs(s, s);
  // log m = 2s·(1 + z/3 + z²/5 + z³/7 + …); doubles are precise enough from z³/7 on.
  const far = z[0] * horner(z[0], LOG_FAR);
  const series = multiplyPairs(z, addPairs(THIRD, multiplyPairs(z, addPairs(FIFTH, [far, 0]))));
  const double: Pair = [2 * s[0], 2 * s[1]];
  const logM = addPairs(double, multiplyPairs(double, series));
  return addPairs(twoSum(k * LN2_A, k * LN2_B), [logM[0], logM[1] + k * LN2_C]);
}

function isOddInteger(y: number): boolean {
  return Math.abs(y) < 2 ** 53 && Math.floor(y) === y && Math.floor(y / 2) * 2 !== y;
}

/**
 * Power x^y, with the special cases of ECMAScript's `**` (so (±1)^±Infinity is NaN).
 * @param x base
 * @param y exponent
 * @returns x^y with an error below 1 ulp; NaN for negative x and fractional y
 */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const magnitude = Math.abs(x);
  if (y === Infinity || y === -Infinity) {
    if (magnitude === 1) return NaN;
    return magnitude > 1 === y > 0 ? Infinity : 0;
  }
  const negative = x < 0 || (x === 0 && 1 / x < 0);
  const sign = negative && isOddInteger(y) ? -1 : 1;
  if (magnitude === 0 || magnitude === Infinity) return sign * ((magnitude === 0) === y < 0 ? Infinity : 0);
  if (negative && Math.floor(y) !== y) return NaN;
  if (magnitude === 1) return sign;
  if (y === 1) return x;
  const logX = logPair(magnitude);
  const product = y * logX[0];
  if (product > 709.79) return sign * Infinity;
  if (product < -745.2) return sign * 0;
  // Where |x| is so near 1 that y is beyond Dekker's range, the test above has already left.
  return sign * expPair(product, productError(y, logX[0], product) + y * logX[1]);
}

/**
 * Hyperbolic tangent (e^2x − 1)/(e^2x + 1).
 * @param x any number
 * @returns tanh x with an error of about 2 ulp; −0 for −0
 */
export function tanh(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude < 2 ** -28 || Number.isNaN(x)) return x;
  if (magnitude > 22) return x > 0 ? 1 : -1;
  const t = expm1(2 * magnitude);
  const value = magnitude < 1 ? t / (t + 2) : 1 - 2 / (t + 2);
  return x > 0 ? value : -value;
}

const TWO_OVER_SQRT_PI = 1.1283791670955126;
const SQRT_PI = 1.772453850905516;

/** e^(−x²), the rounding of x² put right by its first-order term. */
function gaussian(x: number): number {
  const square = x * x;
  return expPair(-square, -productError(x, x, square));
}

/** x·e^(x²)·√π·erfc(x) = 1/(1 + q/(1 + 2q/(1 + 3q/(1 + …)))), q = 1/2x², evaluated from the far end; x ≥ ½. */
function erfcFraction(x: number): number {
  const q = 0.5 / (x * x);
  let fraction = 1;
  // Truncation at n leaves about e^(−2x√(2n)); this n makes that e^-44.
  for (let n = Math.floor(250 / (x * x)) + 10; n >= 1; n--) fraction = 1 + (n * q) / fraction;
  return 1 / fraction;
}

/**
 * Error function 2/√π ∫₀^x e^(−t²) dt.
 * @param x any number
 * @returns erf x with an error of about 3 ulp; −0 for −0
 */
export function erf(x: number): number {
  if (Number.isNaN(x) || x === 0) return x;
  const magnitude = Math.abs(x);
  if (magnitude > 6) return x > 0 ? 1 : -1;
  if (magnitude > 1) return x > 0 ? 1 - erfc(x) : erfc(magnitude) - 1;
  if (magnitude < 2 ** -28) return TWO_OVER_SQRT_PI * x;
  // erf x = 2/√π · e^(−x²) · x · Σ (2x²)^n/(1·3·…·(2n+1)), all terms positive; smallest terms are added first.
  const twice = 2 * x * x;
  let sum = 1;
  for (let n = 25; n >= 1; n--) sum = 1 + (twice / (2 * n + 1)) * sum;
  return TWO_OVER_SQRT_PI * x * gaussian(x) * sum;
}

/**
 * Complementary error function 1 − erf x, with full relative accuracy in the right tail.
 * @param x any number
 * @returns erfc x with an error of about 4 ulp; 0 above 27.3
 */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 27.3) return 0;
  if (x <= 0.5) return 1 - erf(x);
  return (gaussian(x) * erfcFraction(x)) / (x * SQRT_PI);
}
