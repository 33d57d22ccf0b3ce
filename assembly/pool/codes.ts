/** @file Max pooling of codes where nobody asks which element won: sixteen channels at a time. */
import {
  batchOf,
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

export function u8_maxpool_codes(xPtr: usize, outPtr: usize, geomPtr: usize): void {
  const g = geomPtr;
  const channels = channelsOf(g);
  const inH = inHOf(g);
  const inW = inWOf(g);
  const pixel = channelStrideOf(g);
  const tapStep = <usize>(dilationWOf(g) * pixel);
  const lineStep = <usize>(dilationHOf(g) * inW * pixel);
  const images = batchOf(g);
  for (let n = 0; n < images; n++) {
    for (let oh = 0; oh < outHOf(g); oh++) {
      const top = oh * strideHOf(g) - padTopOf(g);
      const h0 = firstTap(top, dilationHOf(g), kernelHOf(g));
      const h1 = lastTap(top, dilationHOf(g), kernelHOf(g), inH, h0);
      for (let ow = 0; ow < outWOf(g); ow++) {
        const left = ow * strideWOf(g) - padLeftOf(g);
        const w0 = firstTap(left, dilationWOf(g), kernelWOf(g));
        const w1 = lastTap(left, dilationWOf(g), kernelWOf(g), inW, w0);
        const first = xPtr + <usize>(((top + h0 * dilationHOf(g)) * inW + left + w0 * dilationWOf(g)) * pixel);
        let c = 0;
        for (; c + 16 <= channels; c += 16) {
          let best = i8x16.splat(0);
          let line = first + <usize>c;
          for (let kh = h0; kh < h1; kh++) {
            let at = line;
            for (let kw = w0; kw < w1; kw++) {
              best = i8x16.max_u(best, v128.load(at));
              at += tapStep;
            }
            line += lineStep;
          }
          v128.store(outPtr + <usize>c, best);
        }
        for (; c < channels; c++) {
          let best: u32 = 0;
          let line = first + <usize>c;
          for (let kh = h0; kh < h1; kh++) {
            let at = line;
            for (let kw = w0; kw < w1; kw++) {
              best = max(best, <u32>load<u8>(at));
              at += tapStep;
            }
            line += lineStep;
          }
          store<u8>(outPtr + <usize>c, <u8>best);
        }
        outPtr += <usize>channels;
      }
    }
    xPtr += <usize>(inH * inW * pixel);
  }
}
