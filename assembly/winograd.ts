/**
 * @file Winograd transforms with the six points 0, ±1, ±2, ∞, on NHWC tiles, four channels at a time.
 *
 * y = Vₘᵀ[(D·Vᵣ·w) ⊙ (Bᵀ·d)] is the correlation of six inputs d with r taps w, m + r = 7, where Vₙ evaluates a polynomial of n coefficients at
 * the points and D = diag(¼, −⅙, −⅙, 1⁄24, 1⁄24, 1). The gradients of the 2-d convolution need its factors the other way round: dx = B[(D·V·w) ⊙ (V·dy)]
 * (tiles that overlap are added), dw = Vᵀ·D·Σ (V·dy) ⊙ (Bᵀ·x). Each works on columns, then on rows.
 */
import {
  channelsOf,
  inHOf,
  inWOf,
  kernelHOf,
  outHOf,
  outWOf,
  padLeftOf,
  padTopOf,
} from "./geometry";
import { contract6, expand6, gather6, pointFactor, read, scalePoints, scatter6, times } from "./winograd-lines";

// ---- V of n×n tiles ---------------------------------------------------------------------------------------------------------

// @ts-ignore: decorator
@inline
function expandTile(n: i32, src: usize, pixel: usize, line: usize, dst: usize, plane: usize, temporary: usize): void {
  for (let x = 0; x < n; x++) expand6(n, src + <usize>x * pixel, line, temporary + <usize>(x << 4), <usize>(n << 4));
  for (let y = 0; y < 6; y++) expand6(n, temporary + <usize>(y * n << 4), 16, dst + <usize>(6 * y) * plane, plane);
}

function expandTile2(src: usize, pixel: usize, line: usize, dst: usize, plane: usize, temporary: usize): void {
  expandTile(2, src, pixel, line, dst, plane, temporary);
}
function expandTile3(src: usize, pixel: usize, line: usize, dst: usize, plane: usize, temporary: usize): void {
  expandTile(3, src, pixel, line, dst, plane, temporary);
}
function expandTile4(src: usize, pixel: usize, line: usize, dst: usize, plane: usize, temporary: usize): void {
  expandTile(4, src, pixel, line, dst, plane, temporary);
}
function expandTile5(src: usize, pixel: usize, line: usize, dst: usize, plane: usize, temporary: usize): void {
  expandTile(5, src, pixel, line, dst, plane, temporary);
}

export function f32_winograd_expand(
  srcPtr: usize,
  outPtr: usize,
  height: i32,
  width: i32,
  channels: i32,
  n: i32,
  tileStart: i32,
  tileCount: i32,
  planeStride: i32,
  scaled: i32,
  workPtr: usize,
): void {
  const across = (width + n - 1) / n;
  const down = (height + n - 1) / n;
  const pixel = <usize>channels << 2;
  const line = <usize>width * pixel;
  const plane = <usize>planeStride << 2;
  const bordered = workPtr + 512;
  for (let t = 0; t < tileCount; t++) {
    const tile = tileStart + t;
    const x0 = (tile % across) * n;
    const y0 = ((tile / across) % down) * n;
    const src = srcPtr + <usize>(tile / across / down) * <usize>height * line + <usize>y0 * line + <usize>x0 * pixel;
    const inside = x0 + n <= width && y0 + n <= height;
    for (let at: usize = 0; at < pixel; at += 16) {
      let from = src + at;
      let step = pixel;
      let down = line;
      if (!inside) {
        for (let y = 0; y < n; y++) {
          for (let x = 0; x < n; x++) {
            const there = y0 + y < height && x0 + x < width;
            const v = there ? v128.load(from + <usize>y * line + <usize>x * pixel) : f32x4.splat(0);
            v128.store(bordered + <usize>((y * n + x) << 4), v);
          }
        }
        from = bordered;
        step = 16;
        down = <usize>(n << 4);
      }
      const to = outPtr + at;
      if (n == 4) expandTile4(from, step, down, to, plane, workPtr);
      else if (n == 2) expandTile2(from, step, down, to, plane, workPtr);
      else if (n == 3) expandTile3(from, step, down, to, plane, workPtr);
      else expandTile5(from, step, down, to, plane, workPtr);
      if (scaled) scalePoints(to, plane);
    }
    outPtr += pixel;
  }
}

// ---- Vᵀ·D, for the gradient of weights ----------------------------------------------------------------------------------------

// @ts-ignore: decorator
@inline
function contractTile(n: i32, src: usize, plane: usize, dst: usize, pixel: usize, temporary: usize): void {
  const points = temporary + 512;
  for (let p = 0; p < 36; p++) {
    v128.store(
      points + <usize>(p << 4),
      times(v128.load(src + <usize>p * plane), pointFactor(p / 6) * pointFactor(p % 6)),
    );
  }
  for (let y = 0; y < 6; y++) contract6(n, points + <usize>(96 * y), 16, temporary + <usize>(y * n << 4), 16);
  for (let x = 0; x < n; x++) {
    contract6(n, temporary + <usize>(x << 4), <usize>(n << 4), dst + <usize>x * pixel, <usize>n * pixel);
  }
}

export function f32_winograd_contract(
  srcPtr: usize,
  outPtr: usize,
  filters: i32,
  channels: i32,
  n: i32,
  planeStride: i32,
  workPtr: usize,
): void {
  const pixel = <usize>channels << 2;
  const plane = <usize>planeStride << 2;
  for (let o = 0; o < filters; o++) {
    for (let at: usize = 0; at < pixel; at += 16) {
      if (n == 3) contractTile(3, srcPtr + at, plane, outPtr + at, pixel, workPtr);
      else contractTile(5, srcPtr + at, plane, outPtr + at, pixel, workPtr);
    }
    srcPtr += pixel;
    outPtr += <usize>(n * n) * pixel;
  }
}

// ---- Bᵀ of overlapping 6×6 tiles, and its adjoint ----------------------------------------------------------------------------------

function gatherTile(src: usize, pixel: usize, line: usize, dst: usize, plane: usize, temporary: usize): void {
  for (let x = 0; x < 6; x++) gather6(false, src + <usize>x * pixel, line, temporary + <usize>(x << 4), 96);
  for (let y = 0; y < 6; y++) gather6(false, temporary + <usize>(96 * y), 16, dst + <usize>(6 * y) * plane, plane);
}

function gatherTileU8(src: usize, pixel: usize, line: usize, dst: usize, plane: usize, temporary: usize): void {
  for (let x = 0; x < 6; x++) gather6(true, src + <usize>x * pixel, line, temporary + <usize>(x << 4), 96);
  for (let y = 0; y < 6; y++) gather6(false, temporary + <usize>(96 * y), 16, dst + <usize>(6 * y) * plane, plane);
}

// @ts-ignore: decorator
@inline
function gatherTiles(widen: bool, srcPtr: usize, outPtr: usize, g: usize, tileStart: i32, tileCount: i32, planeStride: i32, work: usize): void {
  const m = 7 - kernelHOf(g);
  const across = (outWOf(g) + m - 1) / m;
  const down = (outHOf(g) + m - 1) / m;
  const height = inHOf(g);
  const width = inWOf(g);
  const channels = channelsOf(g);
  const shift: usize = widen ? 0 : 2;
  const pixel = <usize>channels << shift;
  const line = <usize>width * pixel;
  const plane = <usize>planeStride << 2;
  const bordered = work + 1024;
  for (let t = 0; t < tileCount; t++) {
    const tile = tileStart + t;
    const x0 = (tile % across) * m - padLeftOf(g);
    const y0 = ((tile / across) % down) * m - padTopOf(g);
    const image = srcPtr + <usize>(tile / across / down) * <usize>height * line;
    const inside = x0 >= 0 && y0 >= 0 && x0 + 6 <= width && y0 + 6 <= height;
    for (let c = 0; c < channels; c += 4) {
      const to = outPtr + (<usize>c << 2);
      const from = image + (<usize>c << shift);
      if (inside) {
        const at = from + <usize>y0 * line + <usize>x0 * pixel;
        if (widen) gatherTileU8(at, pixel, line, to, plane, work);
        else gatherTile(at, pixel, line, to, plane, work);
      } else {
        for (let y = 0; y < 6; y++) {
          const rowInside = y0 + y >= 0 && y0 + y < height;
          for (let x = 0; x < 6; x++) {
            const there = rowInside && x0 + x >= 0 && x0 + x < width;
            const at = from + <usize>((y0 + y) * width + x0 + x) * pixel;
            v128.store(bordered + <usize>((6 * y + x) << 4), there ? read(widen, at) : f32x4.splat(0));
          }
        }
        gatherTile(bordered, 16, 96, to, plane, work);
      }
    }
    outPtr += <usize>channels << 2;
  }
}

export function f32_winograd_gather(
  srcPtr: usize,
  outPtr: usize,
  geomPtr: usize,
  tileStart: i32,
  tileCount: i32,
  planeStride: i32,
  workPtr: usize,
): void {
  gatherTiles(false, srcPtr, outPtr, geomPtr, tileStart, tileCount, planeStride, workPtr);
}

export function u8_winograd_gather_f32(
  srcPtr: usize,
  outPtr: usize,
  geomPtr: usize,
  tileStart: i32,
  tileCount: i32,
  planeStride: i32,
  workPtr: usize,
): void {
  gatherTiles(true, srcPtr, outPtr, geomPtr, tileStart, tileCount, planeStride, workPtr);
}

function scatterTile(src: usize, plane: usize, dst: usize, pixel: usize, line: usize, temporary: usize): void {
  for (let y = 0; y < 6; y++) scatter6(false, src + <usize>(6 * y) * plane, plane, temporary + <usize>(96 * y), 16);
  for (let x = 0; x < 6; x++) scatter6(true, temporary + <usize>(x << 4), 96, dst + <usize>x * pixel, line);
}

/** As scatterTile into 6×6 vectors that are overwritten. */
function scatterAside(src: usize, plane: usize, dst: usize, temporary: usize): void {
  for (let y = 0; y < 6; y++) scatter6(false, src + <usize>(6 * y) * plane, plane, temporary + <usize>(96 * y), 16);
  for (let x = 0; x < 6; x++) scatter6(false, temporary + <usize>(x << 4), 96, dst + <usize>(x << 4), 96);
}

export function f32_winograd_scatter(
  srcPtr: usize,
  imagePtr: usize,
  geomPtr: usize,
  tileStart: i32,
  tileCount: i32,
  planeStride: i32,
  workPtr: usize,
): void {
  const g = geomPtr;
  const m = 7 - kernelHOf(g);
  const across = (outWOf(g) + m - 1) / m;
  const down = (outHOf(g) + m - 1) / m;
  const height = inHOf(g);
  const width = inWOf(g);
  const pixel = <usize>channelsOf(g) << 2;
  const line = <usize>width * pixel;
  const plane = <usize>planeStride << 2;
  const bordered = workPtr + 1024;
  for (let t = 0; t < tileCount; t++) {
    const tile = tileStart + t;
    const x0 = (tile % across) * m - padLeftOf(g);
    const y0 = ((tile / across) % down) * m - padTopOf(g);
    const image = imagePtr + <usize>(tile / across / down) * <usize>height * line;
    const inside = x0 >= 0 && y0 >= 0 && x0 + 6 <= width && y0 + 6 <= height;
    for (let at: usize = 0; at < pixel; at += 16) {
      if (inside) {
        scatterTile(srcPtr + at, plane, image + at + <usize>y0 * line + <usize>x0 * pixel, pixel, line, workPtr);
        continue;
      }
      scatterAside(srcPtr + at, plane, bordered, workPtr);
      for (let y = max(0, -y0); y < min(6, height - y0); y++) {
        for (let x = max(0, -x0); x < min(6, width - x0); x++) {
          const to = image + at + <usize>((y0 + y) * width + x0 + x) * pixel;
          v128.store(to, f32x4.add(v128.load(to), v128.load(bordered + <usize>((6 * y + x) << 4))));
        }
      }
    }
    srcPtr += pixel;
  }
}
