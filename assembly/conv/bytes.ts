/**
 * @file Convolution of bytes by i8 weights: no patches are made.
 *
 * Lines of the image are padded once for each band of output lines. In NHWC a kernel row is then a run of consecutive
 * numbers, and neighbouring columns of the output lie a fixed number of bytes apart: four numbers at a time meet the
 * weights of eight filters. Where codes and weights are small enough for sums in 16 bits (integer-dot.ts), bytes meet
 * bytes; else lines and weights are widened, the weights a block of filters at a time.
 */
import { QUAD, QUAD_FILTERS, QUAD_HEADER } from "../../src/kernels/conv/sizes";
import { dotSteps } from "../products/integer-dot";
import { copyTile } from "../products/lut-gemm";
import { u8_max } from "../products/lut-pack";
import {
  channelsOf,
  dilationHOf,
  inHOf,
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
import { bandAt, inputLine, linesUnderBand, pixelsUnderLine } from "./bands";
import { dotTile, pairTile } from "./byte-tiles";
import { PAIRS_BYTES, pairsOfQuads, QUAD_BYTES } from "./quad-pack";

/** A tile: 4 columns of 8 sums. */
const EDGE: usize = 128;

/** Numbers under a line of output, its columns rounded up to a multiple of 4. */
// @ts-ignore: decorator
@inline
function numbersUnder(g: usize): i32 {
  return pixelsUnderLine(outWOf(g), strideWOf(g), kernelWOf(g)) * channelsOf(g);
}

/** Bytes of a line of numbers of 1 << `wide` bytes; the last quad reads up to three numbers more. */
// @ts-ignore: decorator
@inline
function lineBytes(g: usize, wide: i32): usize {
  return (((<usize>numbersUnder(g) + QUAD - 1) << wide) + 15) & ~15;
}

/** Quads of a block of filters. */
// @ts-ignore: decorator
@inline
function quadsOf(g: usize): i32 {
  return (kernelWOf(g) * channelsOf(g) + QUAD - 1) / QUAD;
}

export function u8_i8_conv_work(geomPtr: usize): i32 {
  const lines = linesUnderBand(geomPtr) * <i32>lineBytes(geomPtr, 1);
  return lines + kernelHOf(geomPtr) * quadsOf(geomPtr) * PAIRS_BYTES + <i32>EDGE;
}

/** One padded line of numbers of 1 << `wide` bytes; `line` = 0 stands for a line outside the image. */
function padLine(line: usize, g: usize, to: usize, wide: i32): void {
  const numbers = numbersUnder(g);
  const channels = channelsOf(g);
  const left = line == 0 ? numbers : min(padLeftOf(g) * channels, numbers);
  const inside = min(inWOf(g) * channels, numbers - left);
  memory.fill(to, 0, <usize>left << wide);
  to += <usize>left << wide;
  let i = 0;
  for (; i + 8 <= inside; i += 8) {
    const from = line + <usize>i;
    if (wide) v128.store(to + (<usize>i << 1), v128.load_ext<u8>(from));
    else store<i64>(to + <usize>i, load<i64>(from));
  }
  for (; i < inside; i++) {
    const number = load<u8>(line + <usize>i);
    if (wide) store<u16>(to + (<usize>i << 1), <u16>number);
    else store<u8>(to + <usize>i, number);
  }
  memory.fill(to + (<usize>inside << wide), 0, <usize>(numbers - left - inside) << wide);
}

/** Largest number in those of lines top, … of an image that are inside. */
function largestOfLines(image: usize, g: usize, top: i32, lines: i32, bytes: usize): i32 {
  const first = max(0, top);
  const count = max(0, min(inHOf(g), top + lines) - first);
  return u8_max(image + <usize>first * bytes, count * <i32>bytes);
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
  const quads = quadsOf(g);
  const blockBytes = <usize>(kernelH * quads * QUAD_BYTES);
  const step = <usize>filters << 2;
  const outLine = <usize>outW * step;
  const pairs = workPtr + <usize>linesUnderBand(g) * lineBytes(g, 1);
  const edge = pairs + 2 * blockBytes;
  const most = load<i32>(weightsPtr);
  weightsPtr += QUAD_HEADER;

  const end = lineStart + lineCount;
  for (let line = lineStart; line < end; ) {
    const oh = line % outH;
    const band = bandAt(g, line, end);
    const top = oh * strideH - padTopOf(g);
    const under = linesUnder(g, band);
    const image = xPtr + <usize>(line / outH) * <usize>inHOf(g) * imageLine;
    const steps = DOTS ? dotSteps(most, largestOfLines(image, g, top, under, imageLine)) : 0;
    const wide = DOTS && steps > 0 ? 0 : 1;
    const linePitch = lineBytes(g, wide);
    for (let i = 0; i < under; i++) {
      padLine(inputLine(xPtr, g, line, top + i, imageLine), g, workPtr + <usize>i * linePitch, wide);
    }
    const pitch = <usize>(strideWOf(g) * channels) << wide;
    const runPitch = <usize>dilationHOf(g) * linePitch;
    const down = <usize>strideH * linePitch;
    for (let n = 0; n < filters; n += QUAD_FILTERS) {
      const width = min(QUAD_FILTERS, filters - n);
      const w = weightsPtr + <usize>(n / QUAD_FILTERS) * blockBytes;
      if (!DOTS || wide) pairsOfQuads(w, kernelH * quads, pairs);
      for (let b = 0; b < band; b++) {
        const x = workPtr + <usize>b * down;
        const row = cPtr + <usize>b * outLine + (<usize>n << 2);
        for (let ow = 0; ow < outW; ow += 4) {
          // Two columns at the end of a line go with two of the next line.
          const columns = min(4, outW - ow);
          if (columns == 2 && b & 1) break;
          const both = columns == 2 && b + 1 < band;
          const pair = both ? down : 2 * pitch;
          const far = both ? outLine : 2 * step;
          const from = x + <usize>ow * pitch;
          const c = row + <usize>ow * step;
          const whole = width == QUAD_FILTERS && (both || columns == 4);
          const to = whole ? c : edge;
          const toStep = whole ? step : 32;
          const toFar = whole ? far : 64;
          if (!DOTS || wide) pairTile(from, pitch, pair, kernelH, runPitch, 2 * quads, pairs, to, toStep, toFar, real);
          else dotTile(from, pitch, pair, kernelH, runPitch, quads, steps, w, to, toStep, toFar, real);
          if (!whole) {
            copyTile(edge, 32, c, step, min(2, columns), width);
            if (both || columns > 2) copyTile(edge + 64, 32, c + far, step, both ? 2 : columns - 2, width);
          }
        }
      }
    }
    cPtr += <usize>band * outLine;
    line += band;
  }
}
