/**
 * @file Convolution of bytes with few channels, as the first layer of a network has them: no patches are made.
 *
 * Lines of the image are widened to i16 and padded once for each band of output lines. In NHWC a kernel row is then a
 * run of consecutive numbers, and neighbouring columns of the output lie a fixed number of bytes apart: two numbers at
 * a time meet the weights of eight filters.
 */
import { PAIR, PAIR_FILTERS } from "../../src/kernels/conv/sizes";
import { bandAt, inputLine, linesUnderBand, pixelsUnderLine } from "./bands";
import {
  channelsOf,
  dilationHOf,
  inWOf,
  kernelHOf,
  kernelWOf,
  linesUnder,
  outHOf,
  outWOf,
  padLeftOf,
  padTopOf,
  strideHOf,
  strideWOf,
} from "../shared/geometry";
import { copyTile } from "../products/lut-gemm";

/** A tile: 4 columns of 8 sums. */
const EDGE: usize = 128;

/** Numbers under a line of output, its columns rounded up to a multiple of 4. */
// @ts-ignore: decorator
@inline
function numbersUnder(g: usize): i32 {
  return pixelsUnderLine(outWOf(g), strideWOf(g), kernelWOf(g)) * channelsOf(g);
}

/** Bytes of a widened line; an odd run reads one number more. */
// @ts-ignore: decorator
@inline
function lineBytes(g: usize): usize {
  return ((<usize>numbersUnder(g) + 1) * 2 + 15) & ~15;
}

export function i8_pair_pack(weightsPtr: usize, outPtr: usize, filters: i32, runs: i32, run: i32): void {
  const row = <usize>runs * <usize>run;
  for (let n = 0; n < filters; n += PAIR_FILTERS) {
    let from = weightsPtr + <usize>n * row;
    const rows = min(PAIR_FILTERS, filters - n);
    for (let r = 0; r < runs; r++) {
      for (let k = 0; k < run; k += PAIR) {
        for (let f = 0; f < PAIR_FILTERS; f++) {
          const w = from + <usize>f * row + <usize>k;
          store<i16>(outPtr, f < rows ? load<i8>(w) : 0);
          store<i16>(outPtr, f < rows && k + 1 < run ? load<i8>(w, 1) : 0, 2);
          outPtr += 4;
        }
      }
      from += <usize>run;
    }
  }
}

export function u8_i8_conv_work(geomPtr: usize): i32 {
  return linesUnderBand(geomPtr) * <i32>lineBytes(geomPtr) + <i32>EDGE;
}

function zeros(to: usize, count: i32): void {
  for (const end = to + (<usize>count << 1); to < end; to += 2) store<u16>(to, 0);
}

/** One padded line as i16; `line` = 0 stands for a line outside the image. */
function widenLine(line: usize, g: usize, to: usize): void {
  const numbers = numbersUnder(g);
  const channels = channelsOf(g);
  const left = line == 0 ? numbers : min(padLeftOf(g) * channels, numbers);
  const inside = min(inWOf(g) * channels, numbers - left);
  zeros(to, left);
  to += <usize>left << 1;
  let i = 0;
  for (; i + 8 <= inside; i += 8) v128.store(to + (<usize>i << 1), v128.load_ext<u8>(line + <usize>i));
  for (; i < inside; i++) store<u16>(to + (<usize>i << 1), <u16>load<u8>(line + <usize>i));
  zeros(to + (<usize>inside << 1), numbers - left - inside);
}

// @ts-ignore: decorator
@inline
function put(c: usize, first: v128, last: v128, real: i32): void {
  v128.store(c, real ? f32x4.convert_i32x4_s(first) : first);
  v128.store(c, real ? f32x4.convert_i32x4_s(last) : last, 16);
}

/** Sums of 4 columns, `pitch` bytes apart, with 8 filters: `runs` runs of `pairs` pairs of numbers. */
function byteTile(
  x: usize,
  pitch: usize,
  runs: i32,
  runPitch: usize,
  pairs: i32,
  w: usize,
  c: usize,
  step: usize,
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
    let x2 = x1 + pitch;
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
  put(c + 2 * step, a2, b2, real);
  put(c + 3 * step, a3, b3, real);
}

export function u8_i8_conv(
  xPtr: usize,
  weightsPtr: usize,
  cPtr: usize,
  geomPtr: usize,
  lineStart: i32,
  lineCount: i32,
  filters: i32,
  real: i32,
  workPtr: usize,
): void {
  const g = geomPtr;
  const channels = channelsOf(g);
  const kernelH = kernelHOf(g);
  const outH = outHOf(g);
  const outW = outWOf(g);
  const strideH = strideHOf(g);
  const imageLine = <usize>inWOf(g) * <usize>channels;
  const linePitch = lineBytes(g);
  const pitch = <usize>(strideWOf(g) * channels) << 1;
  const runPitch = <usize>dilationHOf(g) * linePitch;
  const pairs = (kernelWOf(g) * channels + 1) >> 1;
  const blockBytes = <usize>(kernelH * pairs) << 5;
  const step = <usize>filters << 2;
  const edge = workPtr + <usize>linesUnderBand(g) * linePitch;

  const end = lineStart + lineCount;
  for (let line = lineStart; line < end; ) {
    const oh = line % outH;
    const band = bandAt(g, line, end);
    const top = oh * strideH - padTopOf(g);
    const under = linesUnder(g, band);
    for (let i = 0; i < under; i++) {
      widenLine(inputLine(xPtr, g, line, top + i, imageLine), g, workPtr + <usize>i * linePitch);
    }
    for (let b = 0; b < band; b++) {
      const x = workPtr + <usize>(b * strideH) * linePitch;
      for (let n = 0; n < filters; n += 8) {
        const w = weightsPtr + <usize>(n >> 3) * blockBytes;
        for (let ow = 0; ow < outW; ow += 4) {
          const columns = min(4, outW - ow);
          const c = cPtr + <usize>ow * step + (<usize>n << 2);
          const whole = columns == 4 && n + 8 <= filters;
          const to = whole ? c : edge;
          byteTile(x + <usize>ow * pitch, pitch, kernelH, runPitch, pairs, w, to, whole ? step : 32, real);
          if (!whole) copyTile(edge, 32, c, step, columns, min(8, filters - n));
        }
      }
      cPtr += <usize>outW * step;
    }
    line += band;
  }
}
