/** @file Seeded random numbers, the same on every engine. */
import { check, describe, integer, listOf, real, refuse, within } from "./checks.js";
import { ArgumentError } from "./errors.js";
import { cos, log, sin } from "./math.js";
import { kindOf } from "./typed-arrays.js";

const TWO_PI = 2 * Math.PI;

/** A bijection of 32-bit words whose output bits each depend on all input bits (splitmix32's finalizer). */
function mix(word: number): number {
  let z = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

const GOLDEN = 0x9e3779b9;
const STRING_MARK = 0x5eed57a6;

/**
 * The words that a seed or label stands for; the mark and the length keep strings apart from numbers and each other.
 */
function wordsOf(op: string, label: string | number): number[] {
  if (typeof label === "string") {
    const words = [STRING_MARK, label.length];
    for (let i = 0; i < label.length; i++) words.push(label.charCodeAt(i));
    return words;
  }
  if (!Number.isSafeInteger(label)) {
    throw new ArgumentError({ op, what: "bad seed", expected: "a string or a safe integer", got: describe(label) });
  }
  // Low word and (signed) high word of the 54-bit integer.
  return [label >>> 0, Math.floor(label / 2 ** 32) >>> 0];
}

/** Most indices of a permutation: 1 GiB of them. */
const MOST_INDICES = 2 ** 28;

function checkReals(op: string, a: unknown): void {
  const kind = kindOf(a);
  if (kind !== "Float32Array" && kind !== "Float64Array") refuse(op, "array", "a Float32Array or Float64Array", a);
}

/**
 * Four words, each depending on every word of `material` in order. The lanes start from successive splitmix32 outputs
 * and absorb the material separately: through one 32-bit digest, streams would begin to collide after some 2^16 forks.
 */
function expand(material: readonly number[]): [number, number, number, number] {
  const lanes: [number, number, number, number] = [0, 0, 0, 0];
  for (let lane = 0; lane < 4; lane++) {
    let h = mix(Math.imul(GOLDEN, lane + 1));
    for (const word of material) h = mix((Math.imul(h, 5) + word + GOLDEN) | 0);
    lanes[lane] = mix((h + Math.imul(GOLDEN, lane + 1)) | 0);
  }
  // xoshiro's one forbidden state.
  if ((lanes[0] | lanes[1] | lanes[2] | lanes[3]) === 0) lanes[0] = GOLDEN;
  return lanes;
}

/**
 * Random generator xoshiro128** (Blackman and Vigna), period 2^128 − 1, seeded through splitmix32.
 *
 * The sequence depends on the seed alone: not on the engine, the machine or the time. Draws of every kind advance the
 * same four-word state, which is all the state there is.
 *
 * @example
 * const rng = new Rng(7);
 * const weights = rng.fork("init"); // a stream of its own, which later draws from `rng` do not shift
 */
export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /**
   * @param seed a string or a safe integer; different seeds give unrelated streams
   * @throws ArgumentError on any other number
   */
  constructor(seed: number | string) {
    [this.#a, this.#b, this.#c, this.#d] = expand(wordsOf("Rng", seed));
  }

  /** A uniform 32-bit word, 0 … 2^32 − 1. */
  u32(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Uniform on [0, 1), a multiple of 2^-24 and so exact in f32. */
  uniform(): number {
    return (this.u32() >>> 8) * 2 ** -24;
  }

  /** Uniform on [lo, hi), on a grid of (hi − lo)·2^-24. @throws ArgumentError unless both are finite */
  range(lo: number, hi: number): number {
    if (!(Number.isFinite(lo) && Number.isFinite(hi))) {
      check("Rng.range", "lower end", lo, real);
      check("Rng.range", "upper end", hi, real);
    }
    return lo + (hi - lo) * this.uniform();
  }

  /**
   * Standard normal N(0, 1), by Box and Muller: √(−2 log u)·cos 2πv. Takes two words.
   * The largest magnitude is 6.8, since u has 32 bits.
   */
  normal(): number {
    const radius = this.#radius();
    return radius * cos(TWO_PI * 2 ** -32 * this.u32());
  }

  #radius(): number {
    return Math.sqrt(-2 * log((this.u32() + 0.5) * 2 ** -32));
  }

  /**
   * Uniform integer 0 … n − 1, without bias: words beyond the last whole multiple of n are drawn again.
   * @throws ArgumentError unless n is an integer from 1 to 2^32
   */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new ArgumentError({
        op: "Rng.int",
        what: "bad bound",
        expected: "an integer in [1, 2^32]",
        got: describe(n),
      });
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    let word = this.u32();
    while (word >= limit) word = this.u32();
    return word % n;
  }

  /** True with probability p (to 2^-24). @throws ArgumentError unless p is in [0, 1] */
  bool(p: number): boolean {
    if (!(typeof p === "number" && p >= 0 && p <= 1)) check("Rng.bool", "probability", p, within(0, 1));
    return this.uniform() < p;
  }

  /**
   * Permutes `a` in place, all orders equally likely (Fisher–Yates), and returns it.
   * @param a an array, or a typed array of any kind
   * @throws ArgumentError for anything else, and for an array whose end is a hole
   */
  // biome-ignore lint/suspicious/noExplicitAny: an element of any type moves.
  shuffle<T extends { length: number; [i: number]: any }>(a: T): T {
    const filled = Array.isArray(a) ? a.length === 0 || a.length - 1 in a : kindOf(a) !== null;
    if (!filled) refuse("Rng.shuffle", "array", "an array without holes, or a typed array", a);
    for (let i = a.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const moved = a[i];
      a[i] = a[j];
      a[j] = moved;
    }
    return a;
  }

  /** The integers 0 … n − 1 in random order. @throws ArgumentError unless n is an integer from 0 to 2^28 */
  permutation(n: number): Uint32Array {
    check("Rng.permutation", "length", n, integer(0, MOST_INDICES));
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    return this.shuffle(order);
  }

  /**
   * An independent stream named by `label`. It depends on this generator's present state and the label; this generator
   * does not advance. Streams of one state under different labels are unrelated to each other and to this one.
   * @throws ArgumentError on a number that is not a safe integer
   */
  fork(label: string | number): Rng {
    const child = new Rng(0);
    const material = [...this.state(), ...wordsOf("Rng.fork", label)];
    [child.#a, child.#b, child.#c, child.#d] = expand(material);
    return child;
  }

  /** Fills `a` with uniform numbers on [lo, hi); rounding to f32 can reach hi. @throws ArgumentError */
  fillUniform(a: Float32Array | Float64Array, lo: number, hi: number): void {
    checkReals("Rng.fillUniform", a);
    check("Rng.fillUniform", "lower end", lo, real);
    check("Rng.fillUniform", "upper end", hi, real);
    for (let i = 0; i < a.length; i++) a[i] = lo + (hi - lo) * this.uniform();
  }

  /**
   * Fills `a` with normal numbers; uses both halves of each Box–Muller pair, so its stream differs from `normal()`'s.
   * @throws ArgumentError
   */
  fillNormal(a: Float32Array | Float64Array, mean: number, std: number): void {
    checkReals("Rng.fillNormal", a);
    check("Rng.fillNormal", "mean", mean, real);
    check("Rng.fillNormal", "standard deviation", std, real);
    for (let i = 0; i < a.length; i += 2) {
      const radius = std * this.#radius();
      const angle = TWO_PI * 2 ** -32 * this.u32();
      a[i] = mean + radius * cos(angle);
      if (i + 1 < a.length) a[i + 1] = mean + radius * sin(angle);
    }
  }

  /** The whole state: four words, 0 … 2^32 − 1. */
  state(): number[] {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /**
   * The generator that goes on where `state()` was taken.
   * @throws ArgumentError unless given four 32-bit words that are not all 0
   */
  static from(state: readonly number[]): Rng {
    check("Rng.from", "state", state, listOf(integer(0, 2 ** 32 - 1), 4));
    if (state.every((word) => word === 0)) refuse("Rng.from", "state", "not all words 0", state);
    const rng = new Rng(0);
    [rng.#a, rng.#b, rng.#c, rng.#d] = state;
    return rng;
  }
}
