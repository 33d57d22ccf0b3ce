/** @file Max and average pooling of NHWC images; lanes are channels. */
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
import { loadU8x4, packBytes, storeBytes, storeSome } from "../shared/lanes";

const enum Kind {
  MaxF32,
  MaxU8,
  Average,
  AverageBwd,
}

/** Largest of one window for channels c … c+3 and its index. `origin` is the flat index of tap (0, 0) and channel c. */
// @ts-ignore: decorator
@inline
function maxWindow(
  kind: Kind,
  x: usize,
  out: usize,
  index: usize,
  origin: i32,
  h0: i32,
  h1: i32,
  w0: i32,
  w1: i32,
  lineStep: i32,
  tapStep: i32,
  lanes: i32,
): void {
  const lane = i32x4(0, 1, 2, 3);
  let best = f32x4.splat(kind == Kind.MaxF32 ? -Infinity : 0);
  let found = i32x4.splat(-1);
  if (h0 < h1 && w0 < w1) {
    // Start from the first tap; met again below, it does not beat itself.
    const first = origin + h0 * lineStep + w0 * tapStep;
    best = kind == Kind.MaxF32 ? v128.load(x + (<usize>first << 2)) : loadU8x4(x + <usize>first);
    found = i32x4.add(i32x4.splat(first), lane);
  }
  for (let kh = h0; kh < h1; kh++) {
    let at = origin + kh * lineStep + w0 * tapStep;
    for (let kw = w0; kw < w1; kw++) {
      let wins: v128;
      let v: v128;
      if (kind == Kind.MaxF32) {
        v = v128.load(x + (<usize>at << 2));
        // Greater, or NaN; but a NaN that is already best stays.
        wins = v128.andnot(f32x4.eq(best, best), f32x4.le(v, best));
      } else {
        v = loadU8x4(x + <usize>at);
        wins = i32x4.gt_s(v, best);
      }
      best = v128.bitselect(v, best, wins);
      found = v128.bitselect(i32x4.add(i32x4.splat(at), lane), found, wins);
      at += tapStep;
    }
  }
  if (kind == Kind.MaxF32) storeSome(out, best, lanes);
  else storeBytes(out, packBytes(best), lanes);
  storeSome(index, found, lanes);
}

/**
 * Mean of one window for four channels, or its adjoint: a share of the gradient added to every element of the window.
 */
// @ts-ignore: decorator
@inline
function averageWindow(
  kind: Kind,
  x: usize,
  out: usize,
  origin: i32,
  h0: i32,
  h1: i32,
  w0: i32,
  w1: i32,
  lineStep: i32,
  tapStep: i32,
  lanes: i32,
  count: v128,
): void {
  let v = kind == Kind.Average ? f32x4.splat(0) : f32x4.div(v128.load(out), count);
  for (let kh = h0; kh < h1; kh++) {
    let at = origin + kh * lineStep + w0 * tapStep;
    for (let kw = w0; kw < w1; kw++) {
      const element = x + (<usize>at << 2);
      if (kind == Kind.Average) v = f32x4.add(v, v128.load(element));
      else storeSome(element, f32x4.add(v128.load(element), v), lanes);
      at += tapStep;
    }
  }
  if (kind == Kind.Average) storeSome(out, f32x4.div(v, count), lanes);
}

/** Visits the windows of images from … to−1 in order, channels in fours. `out` is the pooled side, `x` the image. */
// @ts-ignore: decorator
@inline
function pool(kind: Kind, x: usize, out: usize, index: usize, g: usize, includePad: i32, from: i32, to: i32): void {
  const channels = channelsOf(g);
  const inH = inHOf(g);
  const inW = inWOf(g);
  const kernelH = kernelHOf(g);
  const kernelW = kernelWOf(g);
  const tapStep = dilationWOf(g) * channelStrideOf(g);
  const lineStep = dilationHOf(g) * inW * channelStrideOf(g);
  const outShift: usize = kind == Kind.MaxU8 ? 0 : 2;
  const skipped = <usize>from * <usize>(outHOf(g) * outWOf(g) * channels);
  out += skipped << outShift;
  index += skipped << 2;
  for (let n = from; n < to; n++) {
    for (let oh = 0; oh < outHOf(g); oh++) {
      const ih = oh * strideHOf(g) - padTopOf(g);
      const h0 = firstTap(ih, dilationHOf(g), kernelH);
      const h1 = lastTap(ih, dilationHOf(g), kernelH, inH, h0);
      for (let ow = 0; ow < outWOf(g); ow++) {
        const iw = ow * strideWOf(g) - padLeftOf(g);
        const w0 = firstTap(iw, dilationWOf(g), kernelW);
        const w1 = lastTap(iw, dilationWOf(g), kernelW, inW, w0);
        const origin = ((n * inH + ih) * inW + iw) * channelStrideOf(g);
        const count = f32x4.splat(<f32>(includePad ? kernelH * kernelW : max(1, (h1 - h0) * (w1 - w0))));
        for (let c = 0; c < channels; c += 4) {
          const o = out + (<usize>c << outShift);
          const lanes = channels - c;
          if (kind == Kind.MaxF32 || kind == Kind.MaxU8) {
            const i = index + (<usize>c << 2);
            maxWindow(kind, x, o, i, origin + c, h0, h1, w0, w1, lineStep, tapStep, lanes);
          } else {
            averageWindow(kind, x, o, origin + c, h0, h1, w0, w1, lineStep, tapStep, lanes, count);
          }
        }
        out += <usize>channels << outShift;
        index += <usize>channels << 2;
      }
    }
  }
}

export function f32_maxpool(xPtr: usize, outPtr: usize, indexPtr: usize, geomPtr: usize, imageStart: i32, imageCount: i32): void {
  pool(Kind.MaxF32, xPtr, outPtr, indexPtr, geomPtr, 0, imageStart, imageStart + imageCount);
}

export function u8_maxpool(xPtr: usize, outPtr: usize, indexPtr: usize, geomPtr: usize, imageStart: i32, imageCount: i32): void {
  pool(Kind.MaxU8, xPtr, outPtr, indexPtr, geomPtr, 0, imageStart, imageStart + imageCount);
}

export function f32_index_add(dyPtr: usize, indexPtr: usize, dxPtr: usize, len: i32): void {
  for (let i = 0; i < len; i++) {
    const at = load<i32>(indexPtr + (<usize>i << 2));
    if (at < 0) continue;
    const to = dxPtr + (<usize>at << 2);
    store<f32>(to, load<f32>(to) + load<f32>(dyPtr + (<usize>i << 2)));
  }
}

export function f32_avgpool(
  xPtr: usize,
  outPtr: usize,
  geomPtr: usize,
  includePad: i32,
  imageStart: i32,
  imageCount: i32,
): void {
  pool(Kind.Average, xPtr, outPtr, 0, geomPtr, includePad, imageStart, imageStart + imageCount);
}

export function f32_avgpool_bwd(
  dyPtr: usize,
  dxPtr: usize,
  geomPtr: usize,
  includePad: i32,
  imageStart: i32,
  imageCount: i32,
): void {
  pool(Kind.AverageBwd, dxPtr, dyPtr, 0, geomPtr, includePad, imageStart, imageStart + imageCount);
}
