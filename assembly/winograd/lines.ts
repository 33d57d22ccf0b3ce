/** @file One line of a Winograd tile at a time: the transforms of tiles.ts in one dimension, and their factors. */
import { loadU8x4 } from "../shared/lanes";

// @ts-ignore: decorator
@inline
export function times(v: v128, factor: f32): v128 {
  return f32x4.mul(v, f32x4.splat(factor));
}

// @ts-ignore: decorator
@inline
export function read(widen: bool, ptr: usize): v128 {
  return widen ? f32x4.convert_i32x4_s(loadU8x4(ptr)) : v128.load(ptr);
}

/** Bᵀ of six vectors `from` bytes apart to six `by` apart. */
// @ts-ignore: decorator
@inline
export function gather6(src: usize, from: usize, dst: usize, by: usize): void {
  const d0 = v128.load(src);
  const d1 = v128.load(src + from);
  const d2 = v128.load(src + 2 * from);
  const d3 = v128.load(src + 3 * from);
  const d4 = v128.load(src + 4 * from);
  const d5 = v128.load(src + 5 * from);
  v128.store(dst, f32x4.add(f32x4.sub(times(d0, 4), times(d2, 5)), d4));
  const e1 = f32x4.sub(d4, times(d2, 4));
  const o1 = f32x4.sub(d3, times(d1, 4));
  v128.store(dst + by, f32x4.add(e1, o1));
  v128.store(dst + 2 * by, f32x4.sub(e1, o1));
  const e2 = f32x4.sub(d4, d2);
  const o2 = times(f32x4.sub(d3, d1), 2);
  v128.store(dst + 3 * by, f32x4.add(e2, o2));
  v128.store(dst + 4 * by, f32x4.sub(e2, o2));
  v128.store(dst + 5 * by, f32x4.add(f32x4.sub(times(d1, 4), times(d3, 5)), d5));
}

/** Vₙ of n vectors. */
// @ts-ignore: decorator
@inline
export function expand6(n: i32, src: usize, from: usize, dst: usize, by: usize): void {
  const g0 = v128.load(src);
  const g1 = v128.load(src + from);
  let last = g1;
  let e1 = g0;
  let e2 = g0;
  let o1 = g1;
  let o2 = times(g1, 2);
  if (n > 2) {
    const g2 = v128.load(src + 2 * from);
    e1 = f32x4.add(e1, g2);
    e2 = f32x4.add(e2, times(g2, 4));
    last = g2;
  }
  if (n > 3) {
    const g3 = v128.load(src + 3 * from);
    o1 = f32x4.add(o1, g3);
    o2 = f32x4.add(o2, times(g3, 8));
    last = g3;
  }
  if (n > 4) {
    const g4 = v128.load(src + 4 * from);
    e1 = f32x4.add(e1, g4);
    e2 = f32x4.add(e2, times(g4, 16));
    last = g4;
  }
  v128.store(dst, g0);
  v128.store(dst + by, f32x4.add(e1, o1));
  v128.store(dst + 2 * by, f32x4.sub(e1, o1));
  v128.store(dst + 3 * by, f32x4.add(e2, o2));
  v128.store(dst + 4 * by, f32x4.sub(e2, o2));
  v128.store(dst + 5 * by, last);
}

/** Vₙᵀ of six vectors. */
// @ts-ignore: decorator
@inline
export function contract6(n: i32, src: usize, from: usize, dst: usize, by: usize): void {
  const t0 = v128.load(src);
  const t1 = v128.load(src + from);
  const t2 = v128.load(src + 2 * from);
  const t3 = v128.load(src + 3 * from);
  const t4 = v128.load(src + 4 * from);
  const t5 = v128.load(src + 5 * from);
  const s1 = f32x4.add(t1, t2);
  const m1 = f32x4.sub(t1, t2);
  const s2 = f32x4.add(t3, t4);
  const m2 = f32x4.sub(t3, t4);
  v128.store(dst, f32x4.add(f32x4.add(t0, s1), s2));
  let g1 = f32x4.add(m1, times(m2, 2));
  if (n == 2) g1 = f32x4.add(g1, t5);
  v128.store(dst + by, g1);
  if (n > 2) {
    let g2 = f32x4.add(s1, times(s2, 4));
    if (n == 3) g2 = f32x4.add(g2, t5);
    v128.store(dst + 2 * by, g2);
  }
  if (n > 3) {
    let g3 = f32x4.add(m1, times(m2, 8));
    if (n == 4) g3 = f32x4.add(g3, t5);
    v128.store(dst + 3 * by, g3);
  }
  if (n > 4) v128.store(dst + 4 * by, f32x4.add(f32x4.add(s1, times(s2, 16)), t5));
}

/** D's entry of one point. */
// @ts-ignore: decorator
@inline
export function pointFactor(point: i32): f32 {
  return point == 0 ? <f32>0.25 : point < 3 ? <f32>(-1.0 / 6.0) : point < 5 ? <f32>(1.0 / 24.0) : <f32>1;
}
