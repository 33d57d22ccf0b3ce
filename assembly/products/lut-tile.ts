/**
 * @file Micro-kernel of the look-up product: 16 filters by 4 columns of 4-bit codes.
 *
 * A byte of packed weights holds one bit of 4 weights and picks one of the 16 subset sums of 4 codes. Four such bytes
 * are added as u8 (at most 4·60 = 240), then widened: `l` counts the pair of bytes as one u16, `h` its high byte alone,
 * and the low byte's sum is l − 256·h modulo 2^16. A u16 holds 4368 codes of at most 15.
 */
import { lookUp } from "../shared/lanes";

/** Added to an earlier i32 sum in C. */
export const ADD: i32 = 1;
/** The sum in C is final: stored as f32. */
export const REAL: i32 = 2;

// @ts-ignore: decorator
@inline
function put(c: usize, sums: v128, shift: i32, base: v128, mode: i32): void {
  let v = i32x4.add(i32x4.shl(sums, shift), base);
  if (mode & ADD) v = i32x4.add(v, v128.load(c));
  v128.store(c, mode & REAL ? f32x4.convert_i32x4_s(v) : v);
}

/** One column: `low` holds the sums of the even filters, mixed with `high`, those of the odd ones. */
function putColumn(c: usize, low: v128, high: v128, shift: i32, base: i32, mode: i32): void {
  const even = i16x8.sub(low, i16x8.shl(high, 8));
  const first = v128.shuffle<i16>(even, high, 0, 8, 1, 9, 2, 10, 3, 11);
  const last = v128.shuffle<i16>(even, high, 4, 12, 5, 13, 6, 14, 7, 15);
  const start = i32x4.splat(base);
  put(c, i32x4.extend_low_i16x8_u(first), shift, start, mode);
  put(c + 16, i32x4.extend_high_i16x8_u(first), shift, start, mode);
  put(c + 32, i32x4.extend_low_i16x8_u(last), shift, start, mode);
  put(c + 48, i32x4.extend_high_i16x8_u(last), shift, start, mode);
}

/** The same for twice the sums, stored as they are: binary weights in a single run. */
// @ts-ignore: decorator
@inline
function putTwice(c: usize, low: v128, high: v128, base: usize): void {
  const even = i16x8.sub(low, i16x8.shl(high, 8));
  const first = v128.shuffle<i16>(even, high, 0, 8, 1, 9, 2, 10, 3, 11);
  const last = v128.shuffle<i16>(even, high, 4, 12, 5, 13, 6, 14, 7, 15);
  const start = v128.load32_splat(base);
  let v = i32x4.extend_low_i16x8_u(first);
  v128.store(c, i32x4.add(i32x4.add(v, v), start));
  v = i32x4.extend_high_i16x8_u(first);
  v128.store(c, i32x4.add(i32x4.add(v, v), start), 16);
  v = i32x4.extend_low_i16x8_u(last);
  v128.store(c, i32x4.add(i32x4.add(v, v), start), 32);
  v = i32x4.extend_high_i16x8_u(last);
  v128.store(c, i32x4.add(i32x4.add(v, v), start), 48);
}

/** Looks 16 codes up and adds the four tables' answers. */
// @ts-ignore: decorator
@inline
function look(t: usize, w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  return i8x16.add(
    i8x16.add(lookUp(v128.load(t), w0), lookUp(v128.load(t, 16), w1)),
    i8x16.add(lookUp(v128.load(t, 32), w2), lookUp(v128.load(t, 48), w3)),
  );
}

/**
 * C[4·tiles columns, 16 filters] (+)= (Σ looked up << shift) + base[column]. A line is one call: calls for single tiles
 * cost a tenth of the time.
 *
 * @param t tables of column 0; column 1 lies `pitch` bytes further, columns 2 and 3 `pair` bytes further than those,
 * the next tile 4·pitch; `runs` runs of `steps`·64 bytes, `runPitch` bytes apart
 * @param w packed weights, 64 bytes for each step
 * @param c first of 16 sums of column 0, `step` bytes between columns
 * @param base four i32; those of the next tile `baseStep` bytes further
 * @param sink 32 bytes to scribble on: stores pin the order of the loads before them, without which Node 20's compiler
 * spills
 */
export function lutTiles(
  t: usize,
  pitch: usize,
  pair: usize,
  steps: i32,
  runs: i32,
  runPitch: usize,
  w: usize,
  c: usize,
  step: usize,
  shift: i32,
  base: usize,
  baseStep: usize,
  mode: i32,
  tiles: i32,
  sink: usize,
): void {
  const weights = w;
  do {
    let from = t;
    let left = runs;
    w = weights;
    let l0 = i16x8.splat(0);
    let h0 = i16x8.splat(0);
    let l1 = i16x8.splat(0);
    let h1 = i16x8.splat(0);
    let l2 = i16x8.splat(0);
    let h2 = i16x8.splat(0);
    let l3 = i16x8.splat(0);
    let h3 = i16x8.splat(0);
    do {
      let t0 = from;
      let t1 = t0 + pitch;
      let t2 = t0 + pair;
      let t3 = t2 + pitch;
      let n = steps;
      do {
        const w0 = v128.load(w);
        const w1 = v128.load(w, 16);
        const w2 = v128.load(w, 32);
        const w3 = v128.load(w, 48);
        let s = look(t0, w0, w1, w2, w3);
        l0 = i16x8.add(l0, s);
        h0 = i16x8.add(h0, i16x8.shr_u(s, 8));
        v128.store(sink, l0);
        v128.store(sink, h0, 16);
        s = look(t1, w0, w1, w2, w3);
        l1 = i16x8.add(l1, s);
        h1 = i16x8.add(h1, i16x8.shr_u(s, 8));
        v128.store(sink, l1);
        v128.store(sink, h1, 16);
        s = look(t2, w0, w1, w2, w3);
        l2 = i16x8.add(l2, s);
        h2 = i16x8.add(h2, i16x8.shr_u(s, 8));
        v128.store(sink, l2);
        v128.store(sink, h2, 16);
        s = look(t3, w0, w1, w2, w3);
        l3 = i16x8.add(l3, s);
        h3 = i16x8.add(h3, i16x8.shr_u(s, 8));
        v128.store(sink, l3);
        v128.store(sink, h3, 16);
        t0 += 64;
        t1 += 64;
        t2 += 64;
        t3 += 64;
        w += 64;
      } while (--n);
      from += runPitch;
    } while (--left);
    if (mode == 0 && shift == 1) {
      putTwice(c, l0, h0, base);
      putTwice(c + step, l1, h1, base + 4);
      putTwice(c + 2 * step, l2, h2, base + 8);
      putTwice(c + 3 * step, l3, h3, base + 12);
    } else {
      putColumn(c, l0, h0, shift, load<i32>(base), mode);
      putColumn(c + step, l1, h1, shift, load<i32>(base, 4), mode);
      putColumn(c + 2 * step, l2, h2, shift, load<i32>(base, 8), mode);
      putColumn(c + 3 * step, l3, h3, shift, load<i32>(base, 12), mode);
    }
    t += 4 * pitch;
    c += 4 * step;
    base += baseStep;
  } while (--tiles);
}
