/**
 * @file Tables of the look-up convolution for each input pixel of a line, and what an offset of the weights takes from
 * each output.
 */
import { sumOf, writeTables } from "../products/lut-pack";
import { channelsOf, dilationHOf, inWOf, kernelHOf, kernelWOf, outWOf, padLeftOf, strideWOf } from "../shared/geometry";
import { pixelsUnderLine } from "./bands";

/** Pixels under a line of output, its columns rounded up to a multiple of 4, then to a multiple of 4 themselves. */
// @ts-ignore: decorator
@inline
export function pixelsUnder(g: usize): i32 {
  return (pixelsUnderLine(outWOf(g), strideWOf(g), kernelWOf(g)) + 3) & ~3;
}

/** Zeros over 16·n bytes, or none. */
// @ts-ignore: decorator
@inline
function clear(from: usize, end: usize): void {
  const zero = i32x4.splat(0);
  for (; from < end; from += 16) v128.store(from, zero);
}

/** Zero tables and sums of `count` pixels outside the image. */
function nothing(to: usize, sums: usize, count: i32, bytes: usize): void {
  clear(to, to + <usize>count * bytes);
  for (const end = sums + (<usize>count << 2); sums < end; sums += 4) store<i32>(sums, 0);
}

/** Tables and sums of `count` ≥ 1 pixels at `from`. */
function tablesOfPixels(from: usize, count: i32, channels: i32, to: usize, sums: usize): void {
  for (const end = sums + (<usize>count << 2); sums < end; sums += 4) {
    const next = from + <usize>channels;
    let sum = i16x8.splat(0);
    do {
      const a = v128.load(from);
      writeTables(a, to);
      sum = i16x8.add(sum, i16x8.extadd_pairwise_i8x16_u(a));
      from += 16;
      to += 64;
    } while (from != next);
    store<i32>(sums, sumOf(sum));
  }
}

/** Tables and sums of one padded input line; `line` = 0 stands for a line outside the image. */
export function tablesOfLine(line: usize, g: usize, to: usize, sums: usize): void {
  const channels = channelsOf(g);
  const pixels = pixelsUnder(g);
  const bytes = <usize>channels << 2;
  if (line == 0) return nothing(to, sums, pixels, bytes);
  const left = min(padLeftOf(g), pixels);
  const inside = min(inWOf(g), pixels - left);
  nothing(to, sums, left, bytes);
  const first = to + <usize>left * bytes;
  const sum = sums + (<usize>left << 2);
  tablesOfPixels(line, inside, channels, first, sum);
  nothing(first + <usize>inside * bytes, sum + (<usize>inside << 2), pixels - left - inside, bytes);
}

/**
 * bases[ow] = −offset · (sum of the window's codes), for every output column of a line whose first input line's sums
 * lie at `sums`.
 */
export function basesOfLine(g: usize, sums: usize, columns: usize, bases: usize, offset: i32): void {
  const pixels = pixelsUnder(g);
  const kernelH = kernelHOf(g);
  const kernelW = kernelWOf(g);
  const pitch = <usize>(dilationHOf(g) * pixels) << 2;
  for (let at: usize = 0; at < <usize>pixels << 2; at += 16) {
    let from = sums + at;
    let sum = v128.load(from);
    for (let i = 1; i < kernelH; i++) {
      from += pitch;
      sum = i32x4.add(sum, v128.load(from));
    }
    v128.store(columns + at, sum);
  }
  const outW = outWOf(g);
  const stride = strideWOf(g);
  const step = <usize>stride << 2;
  const factor = i32x4.splat(-offset);
  for (let ow = 0; ow < outW; ow += 4) {
    let sum = i32x4.splat(0);
    for (let j: usize = 0; j < <usize>kernelW << 2; j += 4) {
      const from = columns + j;
      let next: v128;
      if (stride == 1) {
        next = v128.load(from);
      } else {
        next = v128.load32_zero(from);
        next = v128.load_lane<i32>(from + step, next, 1);
        next = v128.load_lane<i32>(from + 2 * step, next, 2);
        next = v128.load_lane<i32>(from + 3 * step, next, 3);
      }
      sum = i32x4.add(sum, next);
    }
    v128.store(bases, i32x4.mul(sum, factor));
    bases += 16;
    columns += 4 * step;
  }
}
