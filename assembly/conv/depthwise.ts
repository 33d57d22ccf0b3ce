/**
 * @file Depthwise convolutions, one filter for each channel, without patches: for every pixel the places of its taps
 * are noted once, then channels are walked, 8 at a time. Outside the image a tap reads zeros.
 */
import {
  channelsOf,
  dilationHOf,
  dilationWOf,
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
} from "../shared/geometry";
import { narrow, storeSome, widenHigh, widenLow } from "../shared/lanes";

/** Bytes of the noted places, an even number of them. */
// @ts-ignore: decorator
@inline
function placesBytes(g: usize): usize {
  return (((<usize>(kernelHOf(g) * kernelWOf(g)) + 1) & ~1) << 3) + 16;
}

/** Places, two numbers for each tap; then a pixel of zeros. */
export function u8_depthwise_work(geomPtr: usize): i32 {
  return <i32>(placesBytes(geomPtr) + (<usize>channelsOf(geomPtr) << 2) + 32);
}

const enum Kind {
  Codes, // u8 and pairs of i16 to i32
  Real, // f32
}

/** 8 sums of pairs of taps; weights are [pairs][8][2]. */
// @ts-ignore: decorator
@inline
function sumCodes(places: usize, end: usize, offset: usize, w: usize, c: usize, real: i32, left: i32): void {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  for (; places < end; places += 8) {
    const u = v128.load_ext<u8>(load<usize>(places) + offset);
    const v = v128.load_ext<u8>(load<usize>(places, 4) + offset);
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.shuffle<i16>(u, v, 0, 8, 1, 9, 2, 10, 3, 11), v128.load(w)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.shuffle<i16>(u, v, 4, 12, 5, 13, 6, 14, 7, 15), v128.load(w, 16)));
    w += 32;
  }
  if (real) {
    a = f32x4.convert_i32x4_s(a);
    b = f32x4.convert_i32x4_s(b);
  }
  storeSome(c, a, left);
  if (left > 4) storeSome(c + 16, b, left - 4);
}

/** 8 sums in f64 of products in f32; weights are [taps][channels]. */
// @ts-ignore: decorator
@inline
function sumReals8(places: usize, end: usize, offset: usize, w: usize, pitch: usize, c: usize): void {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  for (; places < end; places += 4) {
    const x = load<usize>(places) + offset;
    const a = f32x4.mul(v128.load(x), v128.load(w));
    const b = f32x4.mul(v128.load(x, 16), v128.load(w, 16));
    s0 = f64x2.add(s0, widenLow(a));
    s1 = f64x2.add(s1, widenHigh(a));
    s2 = f64x2.add(s2, widenLow(b));
    s3 = f64x2.add(s3, widenHigh(b));
    w += pitch;
  }
  v128.store(c, narrow(s0, s1));
  v128.store(c, narrow(s2, s3), 16);
}

/** The same of up to 4. */
// @ts-ignore: decorator
@inline
function sumReals4(places: usize, end: usize, offset: usize, w: usize, pitch: usize, c: usize, left: i32): void {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (; places < end; places += 4) {
    const a = f32x4.mul(v128.load(load<usize>(places) + offset), v128.load(w));
    s0 = f64x2.add(s0, widenLow(a));
    s1 = f64x2.add(s1, widenHigh(a));
    w += pitch;
  }
  storeSome(c, narrow(s0, s1), left);
}

/** All channels of one pixel. */
// @ts-ignore: decorator
@inline
function sumPixel(kind: Kind, places: usize, end: usize, w: usize, c: usize, channels: i32, real: i32): void {
  if (kind == Kind.Codes) {
    const block = (end - places) << 2;
    for (let i = 0; i < channels; i += 8) {
      sumCodes(places, end, <usize>i, w, c + (<usize>i << 2), real, channels - i);
      w += block;
    }
  } else {
    const pitch = <usize>channels << 2;
    let i = 0;
    for (; i + 8 <= channels; i += 8) {
      const at = <usize>i << 2;
      sumReals8(places, end, at, w + at, pitch, c + at);
    }
    for (; i < channels; i += 4) {
      const at = <usize>i << 2;
      sumReals4(places, end, at, w + at, pitch, c + at, channels - i);
    }
  }
}

// @ts-ignore: decorator
@inline
function convolve(kind: Kind, x: usize, w: usize, c: usize, g: usize, lineStart: i32, lineCount: i32, real: i32, work: usize): void {
  const channels = channelsOf(g);
  const shift: usize = kind == Kind.Codes ? 0 : 2;
  const pixel = <usize>channels << shift;
  const inH = inHOf(g);
  const inW = inWOf(g);
  const outH = outHOf(g);
  const outW = outWOf(g);
  const kernelH = kernelHOf(g);
  const kernelW = kernelWOf(g);
  const dilationH = dilationHOf(g);
  const dilationW = dilationWOf(g);
  const strideW = strideWOf(g);
  const zeros = work + placesBytes(g);
  memory.fill(zeros, 0, pixel + 32);
  const taps = kernelH * kernelW;
  const end = work + (<usize>taps << 2);
  // An odd tap has a partner that reads zeros.
  store<usize>(end, zeros);
  const last = kind == Kind.Codes ? work + (<usize>((taps + 1) & ~1) << 2) : end;
  for (let line = lineStart; line < lineStart + lineCount; line++) {
    const image = x + <usize>(line / outH) * <usize>inH * <usize>inW * pixel;
    const top = (line % outH) * strideHOf(g) - padTopOf(g);
    let left = -padLeftOf(g);
    for (let ow = 0; ow < outW; ow++) {
      let place = work;
      for (let kh = 0; kh < kernelH; kh++) {
        const ih = top + kh * dilationH;
        const row = image + <usize>ih * <usize>inW * pixel;
        const inside = <u32>ih < <u32>inH;
        let iw = left;
        for (let kw = 0; kw < kernelW; kw++) {
          store<usize>(place, inside && <u32>iw < <u32>inW ? row + <usize>iw * pixel : zeros);
          place += 4;
          iw += dilationW;
        }
      }
      sumPixel(kind, work, last, w, c, channels, real);
      c += <usize>channels << 2;
      left += strideW;
    }
  }
}

export function u8_depthwise(
  xPtr: usize,
  weightsPtr: usize,
  cPtr: usize,
  geomPtr: usize,
  lineStart: i32,
  lineCount: i32,
  real: i32,
  workPtr: usize,
): void {
  convolve(Kind.Codes, xPtr, weightsPtr, cPtr, geomPtr, lineStart, lineCount, real, workPtr);
}

export function f32_depthwise(
  xPtr: usize,
  weightsPtr: usize,
  cPtr: usize,
  geomPtr: usize,
  lineStart: i32,
  lineCount: i32,
  workPtr: usize,
): void {
  convolve(Kind.Real, xPtr, weightsPtr, cPtr, geomPtr, lineStart, lineCount, 0, workPtr);
}
