/** @file Reference kernels: Winograd transforms with the points 0, ±1, ±2, ∞; see assembly/winograd.ts for the algebra. */
import type { Kernels } from "../abi.js";
import { type Context, type Geometry, imageLength, readGeometry } from "./context.js";

type Names =
  | "f32_winograd_expand"
  | "f32_winograd_contract"
  | "f32_winograd_gather"
  | "u8_winograd_gather_f32"
  | "f32_winograd_scatter";

type Line = readonly number[];
type Transform = (line: Line) => number[];

/** The four transforms of a line, every step rounded. */
function transforms(r: (x: number) => number) {
  const gather: Transform = ([d0, d1, d2, d3, d4, d5]) => {
    const [e1, o1] = [r(d4 - r(4 * d2)), r(d3 - r(4 * d1))];
    const [e2, o2] = [r(d4 - d2), r(2 * r(d3 - d1))];
    const ends = [r(r(r(4 * d0) - r(5 * d2)) + d4), r(r(r(4 * d1) - r(5 * d3)) + d5)];
    return [ends[0], r(e1 + o1), r(e1 - o1), r(e2 + o2), r(e2 - o2), ends[1]];
  };
  const scatter: Transform = ([t0, t1, t2, t3, t4, t5]) => {
    const [s1, m1, s2, m2] = [r(t1 + t2), r(t1 - t2), r(t3 + t4), r(2 * r(t3 - t4))];
    return [
      r(4 * t0),
      r(r(4 * r(t5 - m1)) - m2),
      r(r(-4 * r(r(1.25 * t0) + s1)) - s2),
      r(r(m1 + m2) - r(5 * t5)),
      r(r(t0 + s1) + s2),
      t5,
    ];
  };
  const expand: Transform = (g) => {
    let [e1, e2, o1, o2] = [g[0], g[0], g[1], r(2 * g[1])];
    if (g.length > 2) [e1, e2] = [r(e1 + g[2]), r(e2 + r(4 * g[2]))];
    if (g.length > 3) [o1, o2] = [r(o1 + g[3]), r(o2 + r(8 * g[3]))];
    if (g.length > 4) [e1, e2] = [r(e1 + g[4]), r(e2 + r(16 * g[4]))];
    return [g[0], r(e1 + o1), r(e1 - o1), r(e2 + o2), r(e2 - o2), g[g.length - 1]];
  };
  const contract =
    (n: number): Transform =>
    ([t0, t1, t2, t3, t4, t5]) => {
      const [s1, m1, s2, m2] = [r(t1 + t2), r(t1 - t2), r(t3 + t4), r(t3 - t4)];
      const g = [r(r(t0 + s1) + s2), r(m1 + r(2 * m2)), r(s1 + r(4 * s2)), r(m1 + r(8 * m2)), r(s1 + r(16 * s2))].slice(
        0,
        n,
      );
      g[n - 1] = r(g[n - 1] + t5);
      return g;
    };
  return { gather, scatter, expand, contract };
}

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** A square of `side` rows, transformed along columns and then along rows. */
function columnsThenRows(square: readonly Line[], line: Transform): number[][] {
  const columns = times(square[0].length, (x) => line(square.map((row) => row[x])));
  return times(columns[0].length, (y) => line(columns.map((column) => column[y])));
}

/** The same along rows first. */
function rowsThenColumns(square: readonly Line[], line: Transform): number[][] {
  const rows = square.map(line);
  const columns = times(rows[0].length, (x) => line(rows.map((row) => row[x])));
  return times(columns[0].length, (y) => columns.map((column) => column[y]));
}

/** Twins of the Winograd kernels. */
export function winogradKernels({ heap, real, round }: Context): Pick<Kernels, Names> {
  const { gather, scatter, expand, contract } = transforms(round);
  const points = [1 / 4, -1 / 6, -1 / 6, 1 / 24, 1 / 24, 1].map(round);
  const factor = (y: number, x: number): number => round(points[y] * points[x]);

  /** Tiles of a geometry: where tile t lies. */
  const tiling = (g: Geometry) => {
    const m = 7 - g.kernelH;
    const [across, down] = [Math.ceil(g.outW / m), Math.ceil(g.outH / m)];
    return (tile: number) => ({
      x0: (tile % across) * m - g.padLeft,
      y0: (Math.floor(tile / across) % down) * m - g.padTop,
      image: Math.floor(tile / across / down) * g.inH * g.inW * g.channels,
    });
  };
  /** Offset of a pixel of an image, −1 outside. */
  const pixelAt = (g: Geometry, image: number, y: number, x: number): number =>
    y >= 0 && y < g.inH && x >= 0 && x < g.inW ? image + (y * g.inW + x) * g.channels : -1;

  const gatherFrom =
    (view: (ptr: number, length: number) => ArrayLike<number>): Kernels["f32_winograd_gather"] =>
    (srcPtr, outPtr, geomPtr, tileStart, tileCount, planeStride) => {
      const g = readGeometry(heap, geomPtr);
      const where = tiling(g);
      const src = view(srcPtr, imageLength(g));
      const out = real(outPtr, 35 * planeStride + tileCount * g.channels);
      for (let t = 0; t < tileCount; t++) {
        const { x0, y0, image } = where(tileStart + t);
        for (let c = 0; c < g.channels; c++) {
          const square = times(6, (y) =>
            times(6, (x) => {
              const at = pixelAt(g, image, y0 + y, x0 + x);
              return at < 0 ? 0 : src[at + c];
            }),
          );
          columnsThenRows(square, gather).forEach((row, y) => {
            row.forEach((value, x) => {
              out[(6 * y + x) * planeStride + t * g.channels + c] = value;
            });
          });
        }
      }
    };

  return {
    f32_winograd_gather: gatherFrom(real),
    u8_winograd_gather_f32: gatherFrom((ptr, length) => heap.u8(ptr, length)),
    f32_winograd_scatter(srcPtr, imagePtr, geomPtr, tileStart, tileCount, planeStride) {
      const g = readGeometry(heap, geomPtr);
      const where = tiling(g);
      const src = real(srcPtr, 35 * planeStride + tileCount * g.channels);
      const out = real(imagePtr, imageLength(g));
      for (let t = 0; t < tileCount; t++) {
        const { x0, y0, image } = where(tileStart + t);
        for (let c = 0; c < g.channels; c++) {
          const square = times(6, (y) => times(6, (x) => src[(6 * y + x) * planeStride + t * g.channels + c]));
          rowsThenColumns(square, scatter).forEach((row, y) => {
            row.forEach((value, x) => {
              const at = pixelAt(g, image, y0 + y, x0 + x);
              if (at >= 0) out[at + c] += value;
            });
          });
        }
      }
    },
    f32_winograd_expand(srcPtr, outPtr, height, width, channels, n, tileStart, tileCount, planeStride, scaled) {
      const [across, down] = [Math.ceil(width / n), Math.ceil(height / n)];
      const images = Math.ceil((tileStart + tileCount) / (across * down));
      const src = real(srcPtr, images * height * width * channels);
      const out = real(outPtr, 35 * planeStride + tileCount * channels);
      for (let t = 0; t < tileCount; t++) {
        const tile = tileStart + t;
        const image = Math.floor(tile / across / down);
        const [y0, x0] = [(Math.floor(tile / across) % down) * n, (tile % across) * n];
        for (let c = 0; c < channels; c++) {
          const square = times(n, (y) =>
            times(n, (x) =>
              y0 + y < height && x0 + x < width ? src[((image * height + y0 + y) * width + x0 + x) * channels + c] : 0,
            ),
          );
          columnsThenRows(square, expand).forEach((row, y) => {
            row.forEach((value, x) => {
              const at = (6 * y + x) * planeStride + t * channels + c;
              out[at] = scaled ? value * factor(y, x) : value;
            });
          });
        }
      }
    },
    f32_winograd_contract(srcPtr, outPtr, filters, channels, n, planeStride) {
      const src = real(srcPtr, 35 * planeStride + filters * channels);
      const out = real(outPtr, filters * n * n * channels);
      for (let o = 0; o < filters; o++) {
        for (let c = 0; c < channels; c++) {
          const square = times(6, (y) =>
            times(6, (x) => round(src[(6 * y + x) * planeStride + o * channels + c] * factor(y, x))),
          );
          rowsThenColumns(square, contract(n)).forEach((row, y) => {
            row.forEach((value, x) => {
              out[(o * n * n + y * n + x) * channels + c] = value;
            });
          });
        }
      }
    },
  };
}
