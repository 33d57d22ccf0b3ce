/**
 * @file The look-up convolution: tables are built once for each input pixel, not for each patch.
 *
 * NHWC puts the pixels of one kernel row, and with them their tables, side by side, and neighbouring columns of the
 * output a fixed number of bytes apart: the micro-kernel walks kernelH runs and there are no patches. Bands of output
 * lines bound the tables.
 */
import { bandAt, bandLines, inputLine, linesUnderBand } from "./bands";
import { basesOfLine, pixelsUnder, tablesOfLine } from "./lut-tables";
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
import { LOOKUP_RUN } from "../../src/kernels/products/sizes";
import { ADD, lutTiles, REAL } from "../products/lut-tile";

/** Bytes of a line of tables: not a power of two, so that lines do not compete for the same cache sets. */
// @ts-ignore: decorator
@inline
function lineBytes(g: usize): usize {
  return ((<usize>pixelsUnder(g) * <usize>channelsOf(g)) << 2) + 64;
}

/** Words between the bases of two lines. */
// @ts-ignore: decorator
@inline
function basesPitch(g: usize): i32 {
  return (outWOf(g) + 3) & ~3;
}

/** Behind the bases: four zeros, the sink, the bases of a scattered tile, the tile. */
const SINK: usize = 16;
const TILE_BASES: usize = SINK + 32;
const TILE: usize = TILE_BASES + 16;
const SPARE: usize = TILE + 256;

export function u4_lut_conv_work(geomPtr: usize): i32 {
  const band = bandLines(geomPtr);
  const lines = linesUnderBand(geomPtr);
  const pixels = pixelsUnder(geomPtr);
  // Tables, sums of pixels, sums of columns, bases, and what lies behind them.
  return lines * <i32>lineBytes(geomPtr) + ((lines + 1) * pixels + band * basesPitch(geomPtr)) * 4 + <i32>SPARE + 16;
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

/** All planes and kernel rows of tiles of 4 columns and 16 filters; `spare` holds four zeros and the sink. */
function sumTiles(
  t: usize,
  pitch: usize,
  pair: usize,
  w: usize,
  c: usize,
  step: usize,
  base: usize,
  tiles: i32,
  kernelH: i32,
  run: i32,
  runPitch: usize,
  planes: i32,
  real: i32,
  spare: usize,
): void {
  const runs = min(kernelH, max(1, LOOKUP_RUN / run));
  let mode = 0;
  let baseStep: usize = 16;
  for (let left = planes; left != 0; ) {
    const plane = ctz(left);
    left &= left - 1;
    for (let kh = 0; kh < kernelH; kh += runs) {
      const count = min(runs, kernelH - kh);
      if (real && left == 0 && kh + count == kernelH) mode |= REAL;
      const at = t + <usize>kh * runPitch;
      lutTiles(at, pitch, pair, run >> 4, count, runPitch, w, c, step, plane, base, baseStep, mode, tiles, spare + SINK);
      w += <usize>(count * run) << 2;
      mode |= ADD;
      base = spare;
      baseStep = 0;
    }
  }
}

/** Four columns whose outputs lie at c, c + side, c + far and c + far + side, and their bases likewise. */
// @ts-ignore: decorator
@inline
function scatter(tile: usize, c: usize, side: usize, far: usize, width: i32): void {
  copyTile(tile, 128, c, far, 2, width);
  copyTile(tile + 64, 128, c + side, far, 2, width);
}

// @ts-ignore: decorator
@inline
function gatherBases(base: usize, side: usize, far: usize, to: usize): void {
  store<i32>(to, load<i32>(base));
  store<i32>(to, load<i32>(base + side), 4);
  store<i32>(to, load<i32>(base + far), 8);
  store<i32>(to, load<i32>(base + far + side), 12);
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
  const imageLine = <usize>inWOf(g) * <usize>channels;
  const pixels = pixelsUnder(g);
  const pitch = <usize>(strideWOf(g) * channels) << 2;
  const linePitch = lineBytes(g);
  const runPitch = <usize>dilationHOf(g) * linePitch;
  const run = kernelWOf(g) * channels;
  const blockBytes = (<usize>(kernelH * run) << 2) * <usize>popcnt(planes);
  const step = <usize>filters << 2;
  const mostLines = linesUnderBand(g);
  const sums = workPtr + <usize>mostLines * linePitch;
  const columnSums = sums + (<usize>(mostLines * pixels) << 2);
  const bases = columnSums + (<usize>pixels << 2);
  const baseLine = <usize>basesPitch(g) << 2;
  const spare = bases + <usize>bandLines(g) * baseLine;
  const tileBases = spare + TILE_BASES;
  const tile = spare + TILE;
  // From a line of outputs to the next one: tables, and outputs.
  const down = <usize>strideH * linePitch;
  const outLine = <usize>outW * step;
  const wholeTiles = outW >> 2;
  v128.store(spare, i32x4.splat(0));

  const end = lineStart + lineCount;
  for (let line = lineStart; line < end; ) {
    const oh = line % outH;
    const band = bandAt(g, line, end);
    const top = oh * strideH - padTopOf(g);
    const under = linesUnder(g, band);
    // The last lines under the band before are the first ones under this one.
    const known = line > lineStart && oh > 0 ? max(0, under - band * strideH) : 0;
    if (known > 0) {
      const before = bandLines(g) * strideH;
      moveDown(workPtr, workPtr + <usize>before * linePitch, <usize>known * linePitch);
      moveDown(sums, sums + (<usize>(before * pixels) << 2), <usize>(known * pixels) << 2);
    }
    for (let i = known; i < under; i++) {
      const from = inputLine(xPtr, g, line, top + i, imageLine);
      tablesOfLine(from, g, workPtr + <usize>i * linePitch, sums + (<usize>(i * pixels) << 2));
    }
    for (let b = 0; b < band; b++) {
      basesOfLine(g, sums + (<usize>(b * strideH * pixels) << 2), columnSums, bases + <usize>b * baseLine, offset);
    }
    for (let n = 0; n < filters; n += 16) {
      const width = min(16, filters - n);
      const w = weightsPtr + <usize>(n >> 4) * blockBytes;
      const c = cPtr + (<usize>n << 2);
      for (let b = 0; b < band; b++) {
        let t = workPtr + <usize>b * down;
        let to = c + <usize>b * outLine;
        let base = bases + <usize>b * baseLine;
        if (width == 16) {
          if (wholeTiles > 0) {
            sumTiles(t, pitch, 2 * pitch, w, to, step, base, wholeTiles, kernelH, run, runPitch, planes, real, spare);
          }
          continue;
        }
        for (let i = 0; i < wholeTiles; i++) {
          sumTiles(t, pitch, 2 * pitch, w, tile, 64, base, 1, kernelH, run, runPitch, planes, real, spare);
          copyTile(tile, 64, to, step, 4, width);
          t += 4 * pitch;
          to += 4 * step;
          base += 16;
        }
      }
      // Columns behind the last whole tile: two of them and two of the next line, and the last one of four lines. At
      // the end of a band a line stands in for the one that is missing, and its sums are written twice.
      const ow = wholeTiles << 2;
      if (outW & 2) {
        for (let b = 0; b < band; b += 2) {
          const more: usize = b + 1 < band ? 1 : 0;
          const base = bases + <usize>b * baseLine + (<usize>ow << 2);
          gatherBases(base, 4, more * baseLine, tileBases);
          const t = workPtr + <usize>b * down + <usize>ow * pitch;
          sumTiles(t, pitch, more * down, w, tile, 64, tileBases, 1, kernelH, run, runPitch, planes, real, spare);
          scatter(tile, c + <usize>b * outLine + <usize>ow * step, step, more * outLine, width);
        }
      }
      if (outW & 1) {
        for (let b = 0; b < band; b += 4) {
          const lines = min(4, band - b);
          const side: usize = lines > 1 ? 1 : 0;
          const far = <usize>max(0, lines - 2);
          const base = bases + <usize>b * baseLine + (<usize>(outW - 1) << 2);
          gatherBases(base, side * baseLine, far * baseLine, tileBases);
          const t = workPtr + <usize>b * down + <usize>(outW - 1) * pitch;
          sumTiles(t, side * down, far * down, w, tile, 64, tileBases, 1, kernelH, run, runPitch, planes, real, spare);
          scatter(tile, c + <usize>b * outLine + <usize>(outW - 1) * step, side * outLine, far * outLine, width);
        }
      }
    }
    cPtr += <usize>band * outLine;
    line += band;
  }
}
