/**
 * @file Gradients of depthwise convolutions, one filter for each channel, without patches, in the order in which patches
 * would be added up.
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
import { loadU8x4, narrow, storeSome, widenHigh, widenLow } from "../shared/lanes";
import { blockRows } from "../reduce/sums";

/** The output line (or column) whose tap `offset` lies at `at`, or −1. */
// @ts-ignore: decorator
@inline
function outputAt(at: i32, stride: i32, outputs: i32): i32 {
  if (at < 0) return -1;
  const output = stride == 1 ? at : at / stride;
  return output < outputs && output * stride == at ? output : -1;
}

export function f32_depthwise_bwd_input(
  dyPtr: usize,
  weightsPtr: usize,
  dxPtr: usize,
  geomPtr: usize,
  imageCount: i32,
  workPtr: usize,
): void {
  const g = geomPtr;
  const channels = channelsOf(g);
  const pixel = <usize>channels << 2;
  const inH = inHOf(g);
  const inW = inWOf(g);
  const outH = outHOf(g);
  const outW = outWOf(g);
  const kernelW = kernelWOf(g);
  const dilationW = dilationWOf(g);
  const strideW = strideWOf(g);
  const padLeft = padLeftOf(g);
  for (let line = 0; line < imageCount * inH; line++) {
    const image = dyPtr + <usize>(line / inH) * <usize>outH * <usize>outW * pixel;
    const ih = line % inH;
    for (let iw = 0; iw < inW; iw++) {
      // Outputs in increasing order: taps in decreasing order.
      let end = workPtr;
      for (let kh = kernelHOf(g) - 1; kh >= 0; kh--) {
        const oh = outputAt(ih + padTopOf(g) - kh * dilationHOf(g), strideHOf(g), outH);
        if (oh < 0) continue;
        for (let kw = kernelW - 1; kw >= 0; kw--) {
          const ow = outputAt(iw + padLeft - kw * dilationW, strideW, outW);
          if (ow < 0) continue;
          store<usize>(end, image + (<usize>oh * <usize>outW + <usize>ow) * pixel);
          store<usize>(end, weightsPtr + <usize>(kh * kernelW + kw) * pixel, 4);
          end += 8;
        }
      }
      let c = 0;
      for (; c + 8 <= channels; c += 8) {
        const at = <usize>c << 2;
        let a = v128.load(dxPtr + at);
        let b = v128.load(dxPtr + at, 16);
        for (let place = workPtr; place < end; place += 8) {
          const dy = load<usize>(place) + at;
          const w = load<usize>(place, 4) + at;
          a = f32x4.add(a, f32x4.mul(v128.load(dy), v128.load(w)));
          b = f32x4.add(b, f32x4.mul(v128.load(dy, 16), v128.load(w, 16)));
        }
        v128.store(dxPtr + at, a);
        v128.store(dxPtr + at, b, 16);
      }
      for (; c < channels; c += 4) {
        const at = <usize>c << 2;
        let a = v128.load(dxPtr + at);
        for (let place = workPtr; place < end; place += 8) {
          a = f32x4.add(a, f32x4.mul(v128.load(load<usize>(place) + at), v128.load(load<usize>(place, 4) + at)));
        }
        storeSome(dxPtr + at, a, channels - c);
      }
      dxPtr += pixel;
    }
  }
}

/** Four numbers of the image as f32. */
// @ts-ignore: decorator
@inline
function loadReal(coded: bool, x: usize): v128 {
  return coded ? f32x4.convert_i32x4_s(loadU8x4(x)) : v128.load(x);
}

/**
 * Σ dy·x of `wide` ? 16 : 4 channels and one tap over rows [start, end): blocks of rows in f64, added in order. `x` and
 * `dy` are those of channel 0 of this part.
 */
// @ts-ignore: decorator
@inline
function tapGradient(
  coded: bool,
  wide: bool,
  x: usize,
  dy: usize,
  dw: usize,
  g: usize,
  dh: i32,
  dv: i32,
  start: i32,
  end: i32,
  block: i32,
  left: i32,
): void {
  const channels = <usize>channelsOf(g);
  const pixel = coded ? channels : channels << 2;
  const inH = inHOf(g);
  const inW = inWOf(g);
  const outH = outHOf(g);
  const outW = outWOf(g);
  const strideH = strideHOf(g);
  const strideW = strideWOf(g);
  const quarter: usize = coded ? 4 : 16;
  // Columns whose tap is inside the image.
  const firstColumn = dv >= 0 ? 0 : min(outW, (strideW - 1 - dv) / strideW);
  const lastColumn = dv >= inW ? firstColumn : max(firstColumn, min(outW, (inW - 1 - dv) / strideW + 1));
  let t0 = f64x2.splat(0);
  let t1 = f64x2.splat(0);
  let t2 = f64x2.splat(0);
  let t3 = f64x2.splat(0);
  let t4 = f64x2.splat(0);
  let t5 = f64x2.splat(0);
  let t6 = f64x2.splat(0);
  let t7 = f64x2.splat(0);
  for (let row = start; row < end; row += block) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    let s4 = f64x2.splat(0);
    let s5 = f64x2.splat(0);
    let s6 = f64x2.splat(0);
    let s7 = f64x2.splat(0);
    const stop = min(end, row + block);
    for (let at = row; at < stop; ) {
      const line = at / outW;
      const lineRow = line * outW;
      const ih = (line % outH) * strideH + dh;
      const to = min(stop - lineRow, lastColumn);
      let ow = max(at - lineRow, firstColumn);
      at = lineRow + outW;
      if (<u32>ih >= <u32>inH || ow >= to) continue;
      let from = x + ((<usize>(line / outH) * <usize>inH + <usize>ih) * <usize>inW + <usize>(ow * strideW + dv)) * pixel;
      let by = dy + (<usize>(lineRow + ow - start) * channels << 2);
      for (; ow < to; ow++) {
        const a = f32x4.mul(v128.load(by), loadReal(coded, from));
        s0 = f64x2.add(s0, widenLow(a));
        s1 = f64x2.add(s1, widenHigh(a));
        if (wide) {
          const b = f32x4.mul(v128.load(by, 16), loadReal(coded, from + quarter));
          s2 = f64x2.add(s2, widenLow(b));
          s3 = f64x2.add(s3, widenHigh(b));
          const c = f32x4.mul(v128.load(by, 32), loadReal(coded, from + 2 * quarter));
          s4 = f64x2.add(s4, widenLow(c));
          s5 = f64x2.add(s5, widenHigh(c));
          const d = f32x4.mul(v128.load(by, 48), loadReal(coded, from + 3 * quarter));
          s6 = f64x2.add(s6, widenLow(d));
          s7 = f64x2.add(s7, widenHigh(d));
        }
        from += <usize>strideW * pixel;
        by += channels << 2;
      }
    }
    t0 = f64x2.add(t0, s0);
    t1 = f64x2.add(t1, s1);
    if (wide) {
      t2 = f64x2.add(t2, s2);
      t3 = f64x2.add(t3, s3);
      t4 = f64x2.add(t4, s4);
      t5 = f64x2.add(t5, s5);
      t6 = f64x2.add(t6, s6);
      t7 = f64x2.add(t7, s7);
    }
  }
  storeSome(dw, f32x4.add(v128.load(dw), narrow(t0, t1)), left);
  if (wide) {
    v128.store(dw, f32x4.add(v128.load(dw, 16), narrow(t2, t3)), 16);
    v128.store(dw, f32x4.add(v128.load(dw, 32), narrow(t4, t5)), 32);
    v128.store(dw, f32x4.add(v128.load(dw, 48), narrow(t6, t7)), 48);
  }
}

// @ts-ignore: decorator
@inline
function weightGradient(
  coded: bool,
  x: usize,
  dy: usize,
  dw: usize,
  g: usize,
  rowStart: i32,
  rowCount: i32,
  tapStart: i32,
  tapCount: i32,
): void {
  const channels = channelsOf(g);
  const kernelW = kernelWOf(g);
  const block = blockRows(kernelHOf(g) * kernelW * channels);
  const shift: usize = coded ? 0 : 2;
  const end = rowStart + rowCount;
  for (let tap = tapStart; tap < tapStart + tapCount; tap++) {
    const dh = (tap / kernelW) * dilationHOf(g) - padTopOf(g);
    const dv = (tap % kernelW) * dilationWOf(g) - padLeftOf(g);
    const to = dw + (<usize>(tap * channels) << 2);
    let c = 0;
    for (; c + 16 <= channels; c += 16) {
      const at = <usize>c;
      tapGradient(coded, true, x + (at << shift), dy + (at << 2), to + (at << 2), g, dh, dv, rowStart, end, block, 4);
    }
    for (; c < channels; c += 4) {
      const at = <usize>c;
      tapGradient(coded, false, x + (at << shift), dy + (at << 2), to + (at << 2), g, dh, dv, rowStart, end, block, channels - c);
    }
  }
}

export function f32_depthwise_bwd_weight(
  xPtr: usize,
  dyPtr: usize,
  dwPtr: usize,
  geomPtr: usize,
  rowStart: i32,
  rowCount: i32,
  tapStart: i32,
  tapCount: i32,
): void {
  weightGradient(false, xPtr, dyPtr, dwPtr, geomPtr, rowStart, rowCount, tapStart, tapCount);
}

export function u8_depthwise_bwd_weight_f32(
  xPtr: usize,
  dyPtr: usize,
  dwPtr: usize,
  geomPtr: usize,
  rowStart: i32,
  rowCount: i32,
  tapStart: i32,
  tapCount: i32,
): void {
  weightGradient(true, xPtr, dyPtr, dwPtr, geomPtr, rowStart, rowCount, tapStart, tapCount);
}
