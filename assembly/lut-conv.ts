/**
 * @file The look-up convolution: tables are built once for each input pixel, not for each patch.
 *
 * NHWC puts the pixels of one kernel row, and with them their tables, side by side, and neighbouring columns of the output a fixed number of bytes
 * apart: the micro-kernel walks kernelH runs and there are no patches. Bands of output lines bound the tables.
 */
import {
  channelsOf,
  dilationHOf,
  inHOf,
  inWOf,
  kernelHOf,
  kernelWOf,
  outHOf,
  outWOf,
  padLeftOf,
  padTopOf,
  strideHOf,
  strideWOf,
} from "./geometry";
import { copyTile } from "./lut-gemm";
import { sumOf, writeTables } from "./lut-pack";
import { ADD, lutTiles, MAX_RUN, REAL } from "./lut-tile";

/** Output lines whose tables are built together. */
const BAND: i32 = 8;

/** Input lines under `lines` output lines. */
// @ts-ignore: decorator
@inline
function linesUnder(g: usize, lines: i32): i32 {
  return (lines - 1) * strideHOf(g) + (kernelHOf(g) - 1) * dilationHOf(g) + 1;
}

/** Pixels under a line of output, its columns rounded up to a multiple of 4, then to a multiple of 4 themselves. */
// @ts-ignore: decorator
@inline
function pixelsUnder(g: usize): i32 {
  const columns = (outWOf(g) + 3) & ~3;
  return ((columns - 1) * strideWOf(g) + kernelWOf(g) + 3) & ~3;
}

/** Bytes of a line of tables: not a power of two, so that lines do not compete for the same cache sets. */
// @ts-ignore: decorator
@inline
function lineBytes(g: usize): usize {
  return ((<usize>pixelsUnder(g) * <usize>channelsOf(g)) << 2) + 64;
}

export function u4_lut_conv_work(geomPtr: usize): i32 {
  const lines = linesUnder(geomPtr, min(BAND, outHOf(geomPtr)));
  const pixels = pixelsUnder(geomPtr);
  // Tables, sums of pixels, sums of columns, bases, then four zeros, the sink, and a tile of 4×16.
  return lines * <i32>lineBytes(geomPtr) + ((lines + 1) * pixels + outWOf(geomPtr) + 4) * 4 + 16 + 32 + 256 + 16;
}

/** Zeros over 16·n bytes, or none. */
// @ts-ignore: decorator
@inline
function clear(from: usize, end: usize): void {
  const zero = i32x4.splat(0);
  for (; from < end; from += 16) v128.store(from, zero);
}

/** Moves 16·n bytes, or none, to a lower address. */
// @ts-ignore: decorator
@inline
function moveDown(to: usize, from: usize, bytes: usize): void {
  for (const end = from + bytes; from < end; from += 16) {
    v128.store(to, v128.load(from));
    to += 16;
  }
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
function tablesOfLine(line: usize, g: usize, to: usize, sums: usize): void {
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

/** bases[ow] = −offset · (sum of the window's codes), for every output column of a line whose first input line's sums lie at `sums`. */
function basesOfLine(g: usize, sums: usize, columns: usize, bases: usize, offset: i32): void {
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

export function u4_lut_conv(
  xPtr: usize,
  weightsPtr: usize,
  cPtr: usize,
  geomPtr: usize,
  lineStart: i32,
  lineCount: i32,
  filters: i32,
  offset: i32,
  planes: i32,
  real: i32,
  workPtr: usize,
): void {
  const g = geomPtr;
  const channels = channelsOf(g);
  const kernelH = kernelHOf(g);
  const outH = outHOf(g);
  const outW = outWOf(g);
  const strideH = strideHOf(g);
  const inH = inHOf(g);
  const imageLine = <usize>inWOf(g) * <usize>channels;
  const pixels = pixelsUnder(g);
  const pitch = <usize>(strideWOf(g) * channels) << 2;
  const linePitch = lineBytes(g);
  const runPitch = <usize>dilationHOf(g) * linePitch;
  const run = kernelWOf(g) * channels;
  const runBytes = <usize>run << 2;
  const runs = min(kernelH, max(1, MAX_RUN / run));
  const step = <usize>filters << 2;
  const bandLines = linesUnder(g, min(BAND, outH));
  const sums = workPtr + <usize>bandLines * linePitch;
  const columnSums = sums + (<usize>(bandLines * pixels) << 2);
  const bases = columnSums + (<usize>pixels << 2);
  const zeros = bases + ((<usize>(outW + 3) & ~3) << 2);
  const sink = zeros + 16;
  const edge = sink + 32;
  v128.store(zeros, i32x4.splat(0));

  const end = lineStart + lineCount;
  for (let line = lineStart; line < end; ) {
    const oh = line % outH;
    const image = xPtr + <usize>(line / outH) * <usize>inH * imageLine;
    const band = min(min(BAND, outH - oh), end - line);
    const top = oh * strideH - padTopOf(g);
    const under = linesUnder(g, band);
    // The last lines under the band before are the first ones under this one.
    const known = line > lineStart && oh > 0 ? max(0, under - band * strideH) : 0;
    if (known > 0) {
      const before = BAND * strideH;
      moveDown(workPtr, workPtr + <usize>before * linePitch, <usize>known * linePitch);
      moveDown(sums, sums + (<usize>(before * pixels) << 2), <usize>(known * pixels) << 2);
    }
    for (let i = known; i < under; i++) {
      const ih = top + i;
      const from = ih >= 0 && ih < inH ? image + <usize>ih * imageLine : 0;
      tablesOfLine(from, g, workPtr + <usize>i * linePitch, sums + (<usize>(i * pixels) << 2));
    }
    for (let b = 0; b < band; b++) {
      const first = b * strideH;
      basesOfLine(g, sums + (<usize>(first * pixels) << 2), columnSums, bases, offset);
      const t = workPtr + <usize>first * linePitch;
      let weights = weightsPtr;
      for (let n = 0; n < filters; n += 16) {
        const full = n + 16 <= filters;
        let w = weights;
        for (let ow = 0; ow < outW; ) {
          const left = outW - ow;
          const whole = full && left >= 4;
          const columns = whole ? left & ~3 : min(4, left);
          const tiles = whole ? columns >> 2 : 1;
          const c = cPtr + <usize>ow * step + (<usize>n << 2);
          const to = whole ? c : edge;
          const toStep = whole ? step : 64;
          let mode = 0;
          let base = bases + (<usize>ow << 2);
          let baseStep: usize = 16;
          w = weights;
          for (let more = planes; more != 0; ) {
            const plane = ctz(more);
            more &= more - 1;
            for (let kh = 0; kh < kernelH; kh += runs) {
              const count = min(runs, kernelH - kh);
              if (real && more == 0 && kh + count == kernelH) mode |= REAL;
              const at = t + <usize>ow * pitch + <usize>kh * runPitch;
              lutTiles(at, pitch, run >> 4, count, runPitch, w, to, toStep, plane, base, baseStep, mode, tiles, sink);
              w += <usize>count * runBytes;
              mode |= ADD;
              base = zeros;
              baseStep = 0;
            }
          }
          if (!whole) copyTile(edge, 64, c, step, columns, min(16, filters - n));
          ow += columns;
        }
        weights = w;
      }
      cPtr += <usize>outW * step;
    }
    line += band;
  }
}
