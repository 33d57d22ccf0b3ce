/**
 * @file Patches of NHWC images (im2col) and their adjoint. Where channels are dense and columns undilated, the taps of
 * one kernel row are one run of kernelW·channels elements, so that images of one or three channels copy as fast as deep
 * ones.
 */
import {
  channelStrideOf,
  channelsOf,
  dilationHOf,
  dilationWOf,
  firstTap,
  inHOf,
  inWOf,
  kernelHOf,
  kernelWOf,
  lastTap,
  outHOf,
  outWOf,
  padLeftOf,
  padTopOf,
  strideHOf,
  strideWOf,
} from "../shared/geometry";
import { loadU8x4 } from "../shared/lanes";

const enum Kind {
  F32, // f32 to f32
  Widen, // u8 to f32
  U8, // u8 to u8
  Add, // f32 patches added to the f32 image: the adjoint of F32
}

// @ts-ignore: decorator
@inline
function imageShift(kind: Kind): usize {
  return kind == Kind.F32 || kind == Kind.Add ? 2 : 0;
}

// @ts-ignore: decorator
@inline
function columnShift(kind: Kind): usize {
  return kind == Kind.U8 ? 0 : 2;
}

// A run of n ≥ 4 (or 16) ends with a vector that overlaps the one before it: nothing is written past the run, and no
// scalar tail.

// @ts-ignore: decorator
@inline
function copyF32(image: usize, column: usize, n: i32): void {
  if (n >= 4) {
    const last = <usize>(n - 4) << 2;
    for (let at: usize = 0; at < last; at += 16) v128.store(column + at, v128.load(image + at));
    v128.store(column + last, v128.load(image + last));
  } else {
    if (n > 0) store<f32>(column, load<f32>(image));
    if (n > 1) store<f32>(column, load<f32>(image, 4), 4);
    if (n > 2) store<f32>(column, load<f32>(image, 8), 8);
  }
}

// @ts-ignore: decorator
@inline
function copyWidened(image: usize, column: usize, n: i32): void {
  if (n >= 4) {
    const last = <usize>(n - 4);
    for (let at: usize = 0; at < last; at += 4) {
      v128.store(column + (at << 2), f32x4.convert_i32x4_s(loadU8x4(image + at)));
    }
    v128.store(column + (last << 2), f32x4.convert_i32x4_s(loadU8x4(image + last)));
  } else {
    for (let i: usize = 0; i < <usize>n; i++) store<f32>(column + (i << 2), <f32>load<u8>(image + i));
  }
}

// @ts-ignore: decorator
@inline
function copyU8(image: usize, column: usize, n: i32): void {
  if (n >= 16) {
    const last = <usize>(n - 16);
    for (let at: usize = 0; at < last; at += 16) v128.store(column + at, v128.load(image + at));
    v128.store(column + last, v128.load(image + last));
  } else if (n >= 4) {
    const last = <usize>(n - 4);
    for (let at: usize = 0; at < last; at += 4) store<u32>(column + at, load<u32>(image + at));
    store<u32>(column + last, load<u32>(image + last));
  } else {
    for (let i: usize = 0; i < <usize>n; i++) store<u8>(column + i, load<u8>(image + i));
  }
}

// @ts-ignore: decorator
@inline
function addF32(image: usize, column: usize, n: i32): void {
  while (n >= 4) {
    v128.store(image, f32x4.add(v128.load(image), v128.load(column)));
    image += 16;
    column += 16;
    n -= 4;
  }
  while (n > 0) {
    store<f32>(image, load<f32>(image) + load<f32>(column));
    image += 4;
    column += 4;
    n--;
  }
}

// @ts-ignore: decorator
@inline
function move(kind: Kind, image: usize, column: usize, n: i32): void {
  if (kind == Kind.F32) copyF32(image, column, n);
  else if (kind == Kind.Widen) copyWidened(image, column, n);
  else if (kind == Kind.U8) copyU8(image, column, n);
  else addF32(image, column, n);
}

// @ts-ignore: decorator
@inline
function clear(kind: Kind, column: usize, n: i32): void {
  if (kind == Kind.Add) return;
  if (kind == Kind.U8) {
    for (let i: usize = 0; i < <usize>n; i++) store<u8>(column + i, 0);
  } else {
    for (let i: usize = 0; i < <usize>n << 2; i += 4) store<f32>(column + i, 0);
  }
}

// @ts-ignore: decorator
@inline
function windows(kind: Kind, image: usize, columns: usize, g: usize, rowStart: i32, rowCount: i32, rowStride: i32): void {
  if (rowCount == 0) return; // outH and outW may be 0
  const channels = channelsOf(g);
  const kernelH = kernelHOf(g);
  const kernelW = kernelWOf(g);
  const inH = inHOf(g);
  const inW = inWOf(g);
  const outH = outHOf(g);
  const outW = outWOf(g);
  const dilationH = dilationHOf(g);
  const dilationW = dilationWOf(g);
  const pixel = <usize>channelStrideOf(g) << imageShift(kind);
  const dense = channels == channelStrideOf(g) && dilationW == 1;
  const tapColumns = kernelW * channels;
  const tapBytes = <usize>tapColumns << columnShift(kind);
  const lineStep = <usize>(dilationH * inW) * pixel;
  const strideH = strideHOf(g);
  const strideW = strideWOf(g);
  const padTop = padTopOf(g);
  const padLeft = padLeftOf(g);
  const width = kernelH * tapColumns;

  let ow = rowStart % outW;
  let oh = (rowStart / outW) % outH;
  let base = image + <usize>(rowStart / outW / outH) * <usize>inH * <usize>inW * pixel;
  for (let row = 0; row < rowCount; row++) {
    const iw = ow * strideW - padLeft;
    const first = firstTap(iw, dilationW, kernelW);
    const last = lastTap(iw, dilationW, kernelW, inW, first);
    let ih = oh * strideH - padTop;
    let to = columns;
    if (dense && last - first == kernelW && ih >= 0 && ih + dilationH * (kernelH - 1) < inH) {
      // Wholly inside: one run for each kernel row and nothing to decide.
      let line = base + (<usize>ih * <usize>inW + <usize>iw) * pixel;
      for (let kh = 0; kh < kernelH; kh++) {
        move(kind, line, to, tapColumns);
        line += lineStep;
        to += tapBytes;
      }
    } else {
      for (let kh = 0; kh < kernelH; kh++) {
        if (ih < 0 || ih >= inH || first == last) {
          clear(kind, to, tapColumns);
        } else {
          // Pixel of tap 0; it may lie outside, but only taps first … last−1 are touched.
          const line = base + (<usize>ih * <usize>inW + <usize>iw) * pixel;
          clear(kind, to, first * channels);
          if (dense) {
            const start = <usize>(first * channels) << columnShift(kind);
            move(kind, line + <usize>first * pixel, to + start, (last - first) * channels);
          } else {
            for (let kw = first; kw < last; kw++) {
              const start = <usize>(kw * channels) << columnShift(kind);
              move(kind, line + <usize>(kw * dilationW) * pixel, to + start, channels);
            }
          }
          clear(kind, to + (<usize>(last * channels) << columnShift(kind)), (kernelW - last) * channels);
        }
        to += tapBytes;
        ih += dilationH;
      }
    }
    if (kind == Kind.U8) clear(kind, to, rowStride - width);
    columns += <usize>(kind == Kind.U8 ? rowStride : width) << columnShift(kind);
    if (++ow == outW) {
      ow = 0;
      if (++oh == outH) {
        oh = 0;
        base += <usize>inH * <usize>inW * pixel;
      }
    }
  }
}

export function f32_im2col(srcPtr: usize, outPtr: usize, geomPtr: usize, rowStart: i32, rowCount: i32): void {
  windows(Kind.F32, srcPtr, outPtr, geomPtr, rowStart, rowCount, 0);
}

export function u8_im2col_f32(srcPtr: usize, outPtr: usize, geomPtr: usize, rowStart: i32, rowCount: i32): void {
  windows(Kind.Widen, srcPtr, outPtr, geomPtr, rowStart, rowCount, 0);
}

export function u8_im2col(
  srcPtr: usize,
  outPtr: usize,
  geomPtr: usize,
  rowStart: i32,
  rowCount: i32,
  rowStride: i32,
): void {
  windows(Kind.U8, srcPtr, outPtr, geomPtr, rowStart, rowCount, rowStride);
}

export function f32_col2im(colsPtr: usize, imagePtr: usize, geomPtr: usize, rowStart: i32, rowCount: i32): void {
  windows(Kind.Add, imagePtr, colsPtr, geomPtr, rowStart, rowCount, 0);
}
