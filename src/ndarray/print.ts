/** @file Printing of arrays as NumPy prints them (`str`, version 2.3 and later, default options). */
import type { DType } from "../core/dtype.js";
import { expectArrays } from "./checks.js";
import type { NDArray } from "./ndarray.js";

const PRECISION = 8;
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;
const LINE_WIDTH = 75;

type Format = (value: number) => string;

/**
 * Text of an array as NumPy's `str` gives it: shortest digits that identify each number, at most 8 after the point, in
 * aligned columns; one exponent form for all if the largest is ≥ 10⁶ (f32) or 10⁸ (f64), the smallest below 10⁻⁴ or
 * their ratio above 1000; `...` for the middle of axes longer than 6 in arrays of more than 1000 elements; lines of at
 * most 75 characters.
 *
 * @param a any dtype; of a coded array the codes are printed
 * @returns the text, without a final line break
 */
export function formatArray(a: NDArray): string {
  expectArrays("formatArray", a);
  const flat = a.view();
  if (a.rank === 0) return formatScalar(flat[0], a.dtype);
  if (a.size === 0) return "[]";
  const summarize = a.size > THRESHOLD;
  const format = formatterFor(visible(flat, a.shape, summarize), a.dtype);
  return formatAxis(flat, a.shape, 0, 0, a.size, " ", LINE_WIDTH, format, summarize);
}

function formatAxis(
  flat: ArrayLike<number>,
  shape: readonly number[],
  axis: number,
  offset: number,
  size: number,
  indent: string,
  width: number,
  format: Format,
  summarize: boolean,
): string {
  const extent = shape[axis];
  const inner = size / extent;
  const cut = summarize && extent > 2 * EDGE_ITEMS;
  const items: (number | null)[] = [];
  for (let i = 0; i < extent; i++) {
    if (!cut || i < EDGE_ITEMS || i >= extent - EDGE_ITEMS) items.push(i);
    else if (i === EDGE_ITEMS) items.push(null);
  }
  if (axis < shape.length - 1) {
    const gap = "\n".repeat(shape.length - 1 - axis);
    const blocks = items.map((i) =>
      i === null
        ? "..."
        : formatAxis(flat, shape, axis + 1, offset + i * inner, inner, indent + " ", width - 1, format, summarize),
    );
    return `[${blocks.join(gap + indent)}]`;
  }
  let done = "";
  let line = indent;
  items.forEach((i, at) => {
    const word = i === null ? "..." : format(flat[offset + i]);
    if (line.length + word.length > width - 1 && line.length > indent.length) {
      done += line.trimEnd() + "\n";
      line = indent;
    }
    line += at === items.length - 1 ? word : word + " ";
  });
  return `[${(done + line).slice(indent.length)}]`;
}

/** The elements that will be shown: only these decide the format. */
function visible(flat: ArrayLike<number>, shape: readonly number[], summarize: boolean): number[] {
  const out: number[] = [];
  const walk = (axis: number, offset: number, size: number): void => {
    if (axis === shape.length) {
      out.push(flat[offset]);
      return;
    }
    const extent = shape[axis];
    const inner = size / extent;
    for (let i = 0; i < extent; i++) {
      if (summarize && extent > 2 * EDGE_ITEMS && i === EDGE_ITEMS) i = extent - EDGE_ITEMS;
      walk(axis + 1, offset + i * inner, inner);
    }
  };
  walk(0, 0, flat.length);
  return out;
}

function formatterFor(values: number[], dtype: DType): Format {
  if (dtype === "bool") return (value) => (value ? " True" : "False");
  if (dtype === "f32" || dtype === "f64") return floatFormatter(values, dtype);
  const width = Math.max(...values.map((value) => `${value}`.length));
  return (value) => `${value}`.padStart(width);
}

function floatFormatter(values: number[], dtype: "f32" | "f64"): Format {
  const finite = values.filter(Number.isFinite);
  const magnitudes = finite.filter((value) => value !== 0).map(Math.abs);
  const largest = Math.max(...magnitudes);
  const smallest = Math.min(...magnitudes);
  const ratio = dtype === "f32" ? Math.fround(largest / smallest) : largest / smallest;
  const exponential =
    magnitudes.length > 0 &&
    (dtype === "f32"
      ? largest >= 1e6 || smallest < Math.fround(1e-4) || ratio > 1000
      : largest >= 1e8 || smallest < 1e-4 || ratio > 1000);
  const parts = finite.map((value) =>
    exponential ? scientific(value, dtype, PRECISION) : positional(value, dtype, PRECISION),
  );
  let left = Math.max(0, ...parts.map((part) => part.whole.length));
  const fraction = Math.max(0, ...parts.map((part) => part.fraction.length));
  const exponentDigits = Math.max(0, ...parts.map((part) => part.exponent.length - 2));
  const right = exponential ? fraction + exponentDigits + 2 : fraction;
  if (values.some((value) => !Number.isFinite(value))) {
    const negative = values.includes(Number.NEGATIVE_INFINITY) ? 1 : 0;
    left = Math.max(left, 3 + negative - (right + 1));
  }
  return (value) => {
    if (!Number.isFinite(value)) return nonFinite(value).padStart(left + right + 1);
    if (!exponential) {
      const { whole, fraction: digits } = positional(value, dtype, PRECISION);
      return `${whole.padStart(left)}.${digits.padEnd(right)}`;
    }
    // All to one length: true digits, not zeros, follow where fewer would identify a number.
    const { digits, exponent } = rounded(Math.abs(value), fraction + 1);
    const whole = signOf(value) + digits[0];
    return `${whole.padStart(left)}.${digits.slice(1)}${powerText(exponent, exponentDigits)}`;
  };
}

function nonFinite(value: number): string {
  return Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

/**
 * A scalar prints as NumPy's scalars do: all identifying digits, exponents below 10⁻⁴ and from 10¹⁶ (f64) or 10⁶ (f32)
 * on.
 */
function formatScalar(value: number, dtype: DType): string {
  if (dtype === "bool") return value ? "True" : "False";
  if (dtype !== "f32" && dtype !== "f64") return `${value}`;
  if (!Number.isFinite(value)) return nonFinite(value);
  const magnitude = Math.abs(value);
  if (magnitude === 0 || (magnitude >= 1e-4 && magnitude < (dtype === "f32" ? 1e6 : 1e16))) {
    const { whole, fraction } = positional(value, dtype, 400);
    return `${whole}.${fraction || "0"}`;
  }
  const { whole, fraction, exponent } = scientific(value, dtype, 400);
  return fraction === "" ? `${whole}${exponent}` : `${whole}.${fraction}${exponent}`;
}

interface NumberParts {
  whole: string;
  fraction: string;
  exponent: string;
}

interface Digits {
  /** d₁d₂… of d₁.d₂… · 10^exponent. */
  digits: string;
  exponent: number;
}

function parse(text: string): Digits {
  const [mantissa, exponent] = text.split("e");
  return { digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

/** A magnitude rounded to `count` digits, half to even (where `toExponential` would round half up). */
function rounded(magnitude: number, count: number): Digits {
  const exact = parse(magnitude.toExponential(100));
  const tie = /^50*$/.test(exact.digits.slice(count));
  if (tie && Number(exact.digits[count - 1]) % 2 === 0) {
    return { digits: exact.digits.slice(0, count), exponent: exact.exponent };
  }
  return parse(magnitude.toExponential(count - 1));
}

/** The fewest digits that identify a magnitude among numbers of its type. */
function shortest(magnitude: number, dtype: "f32" | "f64"): Digits {
  if (dtype === "f64") return parse(magnitude.toExponential());
  for (let count = 1; ; count++) {
    const { digits, exponent } = rounded(magnitude, count);
    if (Math.fround(Number(`${digits}e${exponent - count + 1}`)) === magnitude) return { digits, exponent };
  }
}

const signOf = (value: number): string => (value < 0 || Object.is(value, -0) ? "-" : "");

function positional(value: number, dtype: "f32" | "f64", precision: number): NumberParts {
  const magnitude = Math.abs(value);
  let { digits, exponent } = shortest(magnitude, dtype);
  if (digits.length - 1 - exponent > precision) ({ digits, exponent } = rounded(magnitude, exponent + 1 + precision));
  const whole = exponent < 0 ? "0" : digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = exponent < 0 ? "0".repeat(-exponent - 1) + digits : digits.slice(exponent + 1);
  return { whole: signOf(value) + whole, fraction: fraction.replace(/0+$/, ""), exponent: "" };
}

function scientific(value: number, dtype: "f32" | "f64", precision: number): NumberParts {
  const magnitude = Math.abs(value);
  let { digits, exponent } = shortest(magnitude, dtype);
  if (digits.length - 1 > precision) ({ digits, exponent } = rounded(magnitude, precision + 1));
  return {
    whole: signOf(value) + digits[0],
    fraction: digits.slice(1).replace(/0+$/, ""),
    exponent: powerText(exponent, 2),
  };
}

function powerText(exponent: number, width: number): string {
  return `e${exponent < 0 ? "-" : "+"}${`${Math.abs(exponent)}`.padStart(width, "0")}`;
}
