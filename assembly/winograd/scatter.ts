/** @file B of 6×6 tiles, the adjoint of gathering: tiles of points added into the images that they overlap in. */
import { channelsOf, inHOf, inWOf, kernelHOf, outHOf, outWOf, padLeftOf, padTopOf } from "../shared/geometry";
import { times } from "./lines";

/** B of six vectors `from` bytes apart to six `by` apart; added to what is there if `add`. */
// @ts-ignore: decorator
@inline
function scatter6(add: bool, src: usize, from: usize, dst: usize, by: usize): void {
  const t0 = v128.load(src);
  const t1 = v128.load(src + from);
  const t2 = v128.load(src + 2 * from);
  const t3 = v128.load(src + 3 * from);
  const t4 = v128.load(src + 4 * from);
  const t5 = v128.load(src + 5 * from);
  const s1 = f32x4.add(t1, t2);
  const m1 = f32x4.sub(t1, t2);
  const s2 = f32x4.add(t3, t4);
  const m2 = times(f32x4.sub(t3, t4), 2);
  put(add, dst, times(t0, 4));
  put(add, dst + by, f32x4.sub(times(f32x4.sub(t5, m1), 4), m2));
  put(add, dst + 2 * by, f32x4.sub(times(f32x4.add(times(t0, 1.25), s1), -4), s2));
  put(add, dst + 3 * by, f32x4.sub(f32x4.add(m1, m2), times(t5, 5)));
  put(add, dst + 4 * by, f32x4.add(f32x4.add(t0, s1), s2));
  put(add, dst + 5 * by, t5);
}

// @ts-ignore: decorator
@inline
function put(add: bool, dst: usize, v: v128): void {
  v128.store(dst, add ? f32x4.add(v128.load(dst), v) : v);
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

/** Adds B·points·Bᵀ of each tile into the image, tiles in increasing order. `work`: 1536 bytes. */
export function scatterTiles(
  points: usize,
  images: usize,
  g: usize,
  tileStart: i32,
  tileCount: i32,
  plane: usize,
  work: usize,
): void {
  const m = 7 - kernelHOf(g);
  const across = (outWOf(g) + m - 1) / m;
  const down = (outHOf(g) + m - 1) / m;
  const height = inHOf(g);
  const width = inWOf(g);
  const pixel = <usize>channelsOf(g) << 2;
  const line = <usize>width * pixel;
  const aside = work + 576;
  for (let t = 0; t < tileCount; t++) {
    const tile = tileStart + t;
    const x0 = (tile % across) * m - padLeftOf(g);
    const y0 = ((tile / across) % down) * m - padTopOf(g);
    const image = images + <usize>(tile / across / down) * <usize>height * line;
    const inside = x0 >= 0 && y0 >= 0 && x0 + 6 <= width && y0 + 6 <= height;
    for (let at: usize = 0; at < pixel; at += 16) {
      if (inside) {
        scatterTile(points + at, plane, image + at + <usize>y0 * line + <usize>x0 * pixel, pixel, line, work);
        continue;
      }
      scatterAside(points + at, plane, aside, work);
      for (let y = max(0, -y0); y < min(6, height - y0); y++) {
        for (let x = max(0, -x0); x < min(6, width - x0); x++) {
          const to = image + at + <usize>((y0 + y) * width + x0 + x) * pixel;
          v128.store(to, f32x4.add(v128.load(to), v128.load(aside + <usize>((6 * y + x) << 4))));
        }
      }
    }
    points += pixel;
  }
}
