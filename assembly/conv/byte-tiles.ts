/**
 * @file Micro-kernels of the byte convolution: 4 columns with 8 filters. Columns 0 and 1 of a tile lie `pitch` bytes
 * apart, columns 2 and 3 `pair` bytes further; their sums at c, c + step, and `far` bytes further: two columns of two
 * lines are a tile too.
 */
import { dotBytes } from "../shared/lanes";

// @ts-ignore: decorator
@inline
function put(c: usize, first: v128, last: v128, real: i32): void {
  v128.store(c, real ? f32x4.convert_i32x4_s(first) : first);
  v128.store(c, real ? f32x4.convert_i32x4_s(last) : last, 16);
}

/** Sums over `runs` runs of `pairs` pairs of 16-bit numbers. */
export function pairTile(
  x: usize,
  pitch: usize,
  pair: usize,
  runs: i32,
  runPitch: usize,
  pairs: i32,
  w: usize,
  c: usize,
  step: usize,
  far: usize,
  real: i32,
): void {
  let a0 = i32x4.splat(0);
  let b0 = i32x4.splat(0);
  let a1 = i32x4.splat(0);
  let b1 = i32x4.splat(0);
  let a2 = i32x4.splat(0);
  let b2 = i32x4.splat(0);
  let a3 = i32x4.splat(0);
  let b3 = i32x4.splat(0);
  do {
    let x0 = x;
    let x1 = x0 + pitch;
    let x2 = x0 + pair;
    let x3 = x2 + pitch;
    let n = pairs;
    do {
      const first = v128.load(w);
      const last = v128.load(w, 16);
      let v = v128.load32_splat(x0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v, first));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v, last));
      v = v128.load32_splat(x1);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v, first));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v, last));
      v = v128.load32_splat(x2);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(v, first));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(v, last));
      v = v128.load32_splat(x3);
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(v, first));
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(v, last));
      x0 += 4;
      x1 += 4;
      x2 += 4;
      x3 += 4;
      w += 32;
    } while (--n);
    x += runPitch;
  } while (--runs);
  put(c, a0, b0, real);
  put(c + step, a1, b1, real);
  put(c + far, a2, b2, real);
  put(c + far + step, a3, b3, real);
}

/** Widens sums of pairs and adds them to those that are there, if `earlier`. */
// @ts-ignore: decorator
@inline
function widen(c: usize, first: v128, last: v128, earlier: i32): void {
  let v = i32x4.extadd_pairwise_i16x8_s(first);
  v128.store(c, earlier ? i32x4.add(v128.load(c), v) : v);
  v = i32x4.extadd_pairwise_i16x8_s(last);
  v128.store(c, earlier ? i32x4.add(v128.load(c, 16), v) : v, 16);
}

/** Sums as f32, in place. */
// @ts-ignore: decorator
@inline
function convert(c: usize): void {
  put(c, v128.load(c), v128.load(c, 16), 1);
}

/** Sums over `runs` runs of `quads` quads of bytes; `steps` of them go into one 16-bit sum. */
export function dotTile(
  x: usize,
  pitch: usize,
  pair: usize,
  runs: i32,
  runPitch: usize,
  quads: i32,
  steps: i32,
  w: usize,
  c: usize,
  step: usize,
  far: usize,
  real: i32,
): void {
  let earlier = 0;
  do {
    let x0 = x;
    let x1 = x0 + pitch;
    let x2 = x0 + pair;
    let x3 = x2 + pitch;
    let left = quads;
    do {
      let n = min(left, steps);
      left -= n;
      let a0 = i16x8.splat(0);
      let b0 = i16x8.splat(0);
      let a1 = i16x8.splat(0);
      let b1 = i16x8.splat(0);
      let a2 = i16x8.splat(0);
      let b2 = i16x8.splat(0);
      let a3 = i16x8.splat(0);
      let b3 = i16x8.splat(0);
      do {
        const first = v128.load(w);
        const last = v128.load(w, 16);
        let v = v128.load32_splat(x0);
        a0 = i16x8.add(a0, dotBytes(first, v));
        b0 = i16x8.add(b0, dotBytes(last, v));
        v = v128.load32_splat(x1);
        a1 = i16x8.add(a1, dotBytes(first, v));
        b1 = i16x8.add(b1, dotBytes(last, v));
        v = v128.load32_splat(x2);
        a2 = i16x8.add(a2, dotBytes(first, v));
        b2 = i16x8.add(b2, dotBytes(last, v));
        v = v128.load32_splat(x3);
        a3 = i16x8.add(a3, dotBytes(first, v));
        b3 = i16x8.add(b3, dotBytes(last, v));
        x0 += 4;
        x1 += 4;
        x2 += 4;
        x3 += 4;
        w += 32;
      } while (--n);
      widen(c, a0, b0, earlier);
      widen(c + step, a1, b1, earlier);
      widen(c + far, a2, b2, earlier);
      widen(c + far + step, a3, b3, earlier);
      earlier = 1;
    } while (left > 0);
    x += runPitch;
  } while (--runs);
  if (real) {
    convert(c);
    convert(c + step);
    convert(c + far);
    convert(c + far + step);
  }
}
