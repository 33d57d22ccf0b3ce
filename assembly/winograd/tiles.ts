/**
 * @file Ranges of Winograd tiles in NHWC images, four channels at a time: to points (V of dense tiles, Bᵀ of
 * overlapping ones) and back (Vᵀ).
 *
 * Each tile goes through columns, then rows. Points lie in 36 planes, `plane` bytes apart, each [tiles, channels].
 */
import { channelsOf, inHOf, inWOf, kernelHOf, outHOf, outWOf, padLeftOf, padTopOf } from "../shared/geometry";
import { contract6, expand6, gather6, pointFactor, read, times } from "./lines";

/** Bytes of scratch that the functions here need, but for gathering's strip. */
export const TILE_WORK: i32 = 1536;

// ---- V of n×n tiles
// ---------------------------------------------------------------------------------------------------------

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

/** Multiplies the 36 vectors at `dst` by D of their row and D of their column. */
function scalePoints(dst: usize, plane: usize): void {
  for (let y = 0; y < 6; y++) {
    for (let x = 0; x < 6; x++) {
      v128.store(dst, times(v128.load(dst), pointFactor(y) * pointFactor(x)));
      dst += plane;
    }
  }
}

/**
 * `count` channels from `first` on of the n×n tiles of images [height, width, channels], 0 beyond them; times D(y)·D(x)
 * if scaled.
 */
export function expandTiles(
  images: usize,
  out: usize,
  height: i32,
  width: i32,
  channels: i32,
  first: i32,
  count: i32,
  n: i32,
  tileStart: i32,
  tileCount: i32,
  plane: usize,
  scaled: bool,
  work: usize,
): void {
  const across = (width + n - 1) / n;
  const down = (height + n - 1) / n;
  const pixel = <usize>channels << 2;
  const line = <usize>width * pixel;
  const bytes = <usize>count << 2;
  const bordered = work + 512;
  for (let t = 0; t < tileCount; t++) {
    const tile = tileStart + t;
    const x0 = (tile % across) * n;
    const y0 = ((tile / across) % down) * n;
    const image = images + <usize>(tile / across / down) * <usize>height * line;
    const src = image + <usize>y0 * line + <usize>x0 * pixel + (<usize>first << 2);
    const inside = x0 + n <= width && y0 + n <= height;
    for (let at: usize = 0; at < bytes; at += 16) {
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
      const to = out + at;
      if (n == 4) expandTile4(from, step, down, to, plane, work);
      else if (n == 2) expandTile2(from, step, down, to, plane, work);
      else if (n == 3) expandTile3(from, step, down, to, plane, work);
      else expandTile5(from, step, down, to, plane, work);
      if (scaled) scalePoints(to, plane);
    }
    out += bytes;
  }
}

// ---- Bᵀ of overlapping 6×6 tiles
// ----------------------------------------------------------------------------------------------

/** Most bytes of a strip of several tiles: with the planes beside it, it stays in the second-level cache. */
const STRIP: i32 = 64 << 10;

/** Tiles of m×m outputs that share a strip of six lines. */
// @ts-ignore: decorator
@inline
function stripTiles(channels: i32, m: i32): i32 {
  return max(1, (STRIP / (24 * channels) - 6) / m + 1);
}

/** Bytes of the strip that gathering needs. */
export function stripBytes(g: usize): i32 {
  const m = 7 - kernelHOf(g);
  const across = (outWOf(g) + m - 1) / m;
  return 24 * channelsOf(g) * (m * (min(across, stripTiles(channelsOf(g), m)) - 1) + 6);
}

function clear(to: usize, len: i32): void {
  for (let end = to + (<usize>len << 2); to < end; to += 16) v128.store(to, f32x4.splat(0));
}

// @ts-ignore: decorator
@inline
function copy(widen: bool, from: usize, to: usize, len: i32): void {
  const size: usize = widen ? 4 : 16;
  for (let end = to + (<usize>len << 2); to < end; to += 16) {
    v128.store(to, read(widen, from));
    from += size;
  }
}

function copyReal(from: usize, to: usize, len: i32): void {
  copy(false, from, to, len);
}
function copyCodes(from: usize, to: usize, len: i32): void {
  copy(true, from, to, len);
}

/** Six lines of `span` pixels from (y0, x0) on, as reals, with zeros beside the image. */
// @ts-ignore: decorator
@inline
function fillStrip(widen: bool, image: usize, g: usize, y0: i32, x0: i32, span: i32, strip: usize): void {
  const channels = channelsOf(g);
  const height = inHOf(g);
  const width = inWOf(g);
  const shift: usize = widen ? 0 : 2;
  const left = min(span, max(0, -x0));
  const right = max(left, min(span, width - x0));
  for (let y = y0; y < y0 + 6; y++) {
    if (y < 0 || y >= height) {
      clear(strip, span * channels);
    } else {
      clear(strip, left * channels);
      const from = image + (<usize>((y * width + x0 + left) * channels) << shift);
      const to = strip + (<usize>(left * channels) << 2);
      if (widen) copyCodes(from, to, (right - left) * channels);
      else copyReal(from, to, (right - left) * channels);
      clear(strip + (<usize>(right * channels) << 2), (span - right) * channels);
    }
    strip += <usize>(span * channels) << 2;
  }
}

function gatherTile(src: usize, pixel: usize, line: usize, dst: usize, plane: usize, temporary: usize): void {
  for (let x = 0; x < 6; x++) gather6(src + <usize>x * pixel, line, temporary + <usize>(x << 4), 96);
  for (let y = 0; y < 6; y++) gather6(temporary + <usize>(96 * y), 16, dst + <usize>(6 * y) * plane, plane);
}

/**
 * Bᵀ·tile·B of the 6×6 pixels of each tile, 0 outside the image. Tiles of one line that touch a border, or are codes,
 * are laid out in a strip first.
 */
// @ts-ignore: decorator
@inline
export function gatherTiles(
  widen: bool,
  images: usize,
  out: usize,
  g: usize,
  tileStart: i32,
  tileCount: i32,
  plane: usize,
  strip: usize,
  work: usize,
): void {
  const m = 7 - kernelHOf(g);
  const across = (outWOf(g) + m - 1) / m;
  const down = (outHOf(g) + m - 1) / m;
  const height = inHOf(g);
  const width = inWOf(g);
  const channels = channelsOf(g);
  const most = stripTiles(channels, m);
  const shift: usize = widen ? 0 : 2;
  const pixel = <usize>channels << 2;
  for (let t = 0; t < tileCount; ) {
    const tile = tileStart + t;
    const column = tile % across;
    const n = min(min(across - column, tileCount - t), most);
    const span = m * (n - 1) + 6;
    const x0 = column * m - padLeftOf(g);
    const y0 = ((tile / across) % down) * m - padTopOf(g);
    const image = images + (<usize>(tile / across / down) * <usize>(height * width * channels) << shift);
    let from = strip;
    let line = <usize>span * pixel;
    if (!widen && x0 >= 0 && y0 >= 0 && x0 + span <= width && y0 + 6 <= height) {
      from = image + <usize>(y0 * width + x0) * pixel;
      line = <usize>width * pixel;
    } else {
      fillStrip(widen, image, g, y0, x0, span, strip);
    }
    for (let i = 0; i < n; i++) {
      for (let at: usize = 0; at < pixel; at += 16) gatherTile(from + at, pixel, line, out + at, plane, work);
      from += <usize>m * pixel;
      out += pixel;
    }
    t += n;
  }
}

// ---- Vᵀ
// ----------------------------------------------------------------------------------------------------------------------------

// @ts-ignore: decorator
@inline
function contractTile(n: i32, src: usize, plane: usize, dst: usize, pixel: usize, line: usize, temporary: usize): void {
  for (let y = 0; y < 6; y++) contract6(n, src + <usize>(6 * y) * plane, plane, temporary + <usize>(y * n << 4), 16);
  for (let x = 0; x < n; x++) {
    contract6(n, temporary + <usize>(x << 4), <usize>(n << 4), dst + <usize>x * pixel, line);
  }
}

function contractTile2(src: usize, plane: usize, dst: usize, pixel: usize, line: usize, temporary: usize): void {
  contractTile(2, src, plane, dst, pixel, line, temporary);
}
function contractTile3(src: usize, plane: usize, dst: usize, pixel: usize, line: usize, temporary: usize): void {
  contractTile(3, src, plane, dst, pixel, line, temporary);
}
function contractTile4(src: usize, plane: usize, dst: usize, pixel: usize, line: usize, temporary: usize): void {
  contractTile(4, src, plane, dst, pixel, line, temporary);
}
function contractTile5(src: usize, plane: usize, dst: usize, pixel: usize, line: usize, temporary: usize): void {
  contractTile(5, src, plane, dst, pixel, line, temporary);
}

/** The m×m outputs of each tile, written where they lie in images [outH, outW, filters]. */
export function contractTiles(
  points: usize,
  images: usize,
  g: usize,
  filters: i32,
  tileStart: i32,
  tileCount: i32,
  plane: usize,
  work: usize,
): void {
  const m = 7 - kernelHOf(g);
  const height = outHOf(g);
  const width = outWOf(g);
  const across = (width + m - 1) / m;
  const down = (height + m - 1) / m;
  const pixel = <usize>filters << 2;
  const line = <usize>width * pixel;
  const aside = work + 512;
  for (let t = 0; t < tileCount; t++) {
    const tile = tileStart + t;
    const x0 = (tile % across) * m;
    const y0 = ((tile / across) % down) * m;
    const to = images + <usize>(tile / across / down) * <usize>height * line + <usize>y0 * line + <usize>x0 * pixel;
    const inside = x0 + m <= width && y0 + m <= height;
    for (let at: usize = 0; at < pixel; at += 16) {
      if (inside) {
        if (m == 4) contractTile4(points + at, plane, to + at, pixel, line, work);
        else contractTile2(points + at, plane, to + at, pixel, line, work);
        continue;
      }
      if (m == 4) contractTile4(points + at, plane, aside, 16, 64, work);
      else contractTile2(points + at, plane, aside, 16, 32, work);
      for (let y = 0; y < min(m, height - y0); y++) {
        for (let x = 0; x < min(m, width - x0); x++) {
          v128.store(to + at + <usize>y * line + <usize>x * pixel, v128.load(aside + <usize>((y * m + x) << 4)));
        }
      }
    }
    points += pixel;
  }
}

/** The dense n×n tile of each of `filters` filters, after D(y)·D(x). */
export function contractFilters(points: usize, out: usize, filters: i32, channels: i32, n: i32, plane: usize, work: usize): void {
  const pixel = <usize>channels << 2;
  const scaled = work + 512;
  for (let o = 0; o < filters; o++) {
    for (let at: usize = 0; at < pixel; at += 16) {
      for (let p = 0; p < 36; p++) {
        const factor = pointFactor(p / 6) * pointFactor(p % 6);
        v128.store(scaled + <usize>(p << 4), times(v128.load(points + at + <usize>p * plane), factor));
      }
      if (n == 3) contractTile3(scaled, 16, out + at, pixel, 3 * pixel, work);
      else contractTile5(scaled, 16, out + at, pixel, 5 * pixel, work);
    }
    points += pixel;
    out += <usize>(n * n) * pixel;
  }
}
