/**
 * @file Reference kernels: Winograd transforms with the points 0, ±1, ±2, ∞; see assembly/winograd/winograd.ts for the
 * algebra.
 */

import { type Context, type Geometry, imageLength, readGeometry } from "../context.js";
import type { KernelsOf } from "../contract.js";
import type { WINOGRAD } from "./abi.js";
import { PANEL, POINTS, SUM_ELEMENTS, SUM_LEAST_FOURS, SUM_MOST_FOURS } from "./sizes.js";

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

/** Tiles whose sums are formed before they are added to the others. */
function sumTiles(channels: number, filters: number): number {
  return (
    4 * Math.max(SUM_LEAST_FOURS, Math.min(SUM_MOST_FOURS, Math.floor(SUM_ELEMENTS / Math.max(filters, channels) / 4)))
  );
}

/** Twins of the Winograd kernels. */
export function winogradKernels({ heap, real, round }: Context): KernelsOf<typeof WINOGRAD> {
  const { gather, scatter, expand, contract } = transforms(round);
  const points = [1 / 4, -1 / 6, -1 / 6, 1 / 24, 1 / 24, 1].map(round);
  const factor = (y: number, x: number): number => round(points[y] * points[x]);

  /** Tiles of a geometry: how many, and where the m×m outputs of tile t lie. */
  const tiling = (g: Geometry) => {
    const m = 7 - g.kernelH;
    const [across, down] = [Math.ceil(g.outW / m), Math.ceil(g.outH / m)];
    const where = (tile: number) => ({
      x0: (tile % across) * m,
      y0: (Math.floor(tile / across) % down) * m,
      image: Math.floor(tile / across / down),
    });
    return { m, tiles: g.batch * across * down, where };
  };

  /** A square of one channel of an image [height, width, channels], 0 outside. */
  const square = (
    view: ArrayLike<number>,
    [height, width, channels]: readonly [number, number, number],
    [image, y0, x0, c]: readonly [number, number, number, number],
    side: number,
  ): number[][] =>
    times(side, (y) =>
      times(side, (x) => {
        const [row, column] = [y0 + y, x0 + x];
        if (row < 0 || row >= height || column < 0 || column >= width) return 0;
        return view[((image * height + row) * width + column) * channels + c];
      }),
    );

  /** Points of a tile of all channels, [point][channel]. */
  const pointsOf = (channels: number, squareOf: (c: number) => number[][], line: Transform): number[][] => {
    const perChannel = times(channels, (c) => columnsThenRows(squareOf(c), line).flat());
    return times(POINTS, (p) => perChannel.map((values) => values[p]));
  };

  const inputPoints = (x: ArrayLike<number>, g: Geometry, tile: number): number[][] => {
    const { x0, y0, image } = tiling(g).where(tile);
    const at = (c: number) => [image, y0 - g.padTop, x0 - g.padLeft, c] as const;
    return pointsOf(g.channels, (c) => square(x, [g.inH, g.inW, g.channels], at(c), 6), gather);
  };

  const backwardWeight =
    (view: (ptr: number, length: number) => ArrayLike<number>): KernelsOf<typeof WINOGRAD>["f32_winograd_bwd_weight"] =>
    (xPtr, dyPtr, sumsPtr, geomPtr, filters, parts, partStart, partCount, filterStart, filterCount) => {
      const g = readGeometry(heap, geomPtr);
      const { m, tiles, where } = tiling(g);
      const x = view(xPtr, imageLength(g));
      const dy = real(dyPtr, g.batch * g.outH * g.outW * filters);
      const size = POINTS * filters * g.channels;
      const block = sumTiles(g.channels, filters);
      for (let part = partStart; part < partStart + partCount; part++) {
        const sums = real(sumsPtr, parts * size).subarray(part * size, (part + 1) * size);
        const [row, rows] = [filterStart * g.channels, filterCount * g.channels];
        for (let p = 0; p < POINTS; p++)
          sums.fill(0, p * filters * g.channels + row, p * filters * g.channels + row + rows);
        const [first, end] = [part, part + 1].map((i) => Math.floor((tiles * i) / parts));
        for (let start = first; start < end; start += block) {
          const taken = times(Math.min(block, end - start), (t) => {
            const { x0, y0, image } = where(start + t);
            const from = (o: number) => square(dy, [g.outH, g.outW, filters], [image, y0, x0, o], m);
            return { a: pointsOf(filters, from, expand), b: inputPoints(x, g, start + t) };
          });
          for (let i = 0; i < size; i++) {
            const [p, o, c] = [
              Math.floor(i / filters / g.channels),
              Math.floor(i / g.channels) % filters,
              i % g.channels,
            ];
            if (o < filterStart || o >= filterStart + filterCount) continue;
            let sum = 0;
            for (const { a, b } of taken) sum = round(sum + round(a[p][o] * b[p][c]));
            sums[i] += sum;
          }
        }
      }
    };

  return {
    f32_winograd_conv(xPtr, pointsPtr, yPtr, geomPtr, filters, tileStart, tileCount) {
      const g = readGeometry(heap, geomPtr);
      const { m, where } = tiling(g);
      const panel = PANEL * g.channels;
      const perPoint = Math.ceil(filters / PANEL) * panel;
      const x = real(xPtr, imageLength(g));
      const packed = real(pointsPtr, POINTS * perPoint);
      const y = real(yPtr, g.batch * g.outH * g.outW * filters);
      for (let tile = tileStart; tile < tileStart + tileCount; tile++) {
        const { x0, y0, image } = where(tile);
        const a = inputPoints(x, g, tile);
        for (let o = 0; o < filters; o++) {
          const products = times(POINTS, (p) => {
            const from = p * perPoint + Math.floor(o / PANEL) * panel + (o % PANEL);
            return a[p].reduce((sum, value, c) => round(sum + round(value * packed[from + PANEL * c])), 0);
          });
          const lines = times(6, (row) => products.slice(6 * row, 6 * row + 6));
          rowsThenColumns(lines, contract(m)).forEach((line, row) => {
            line.forEach((value, column) => {
              const [at, to] = [y0 + row, x0 + column];
              if (at < g.outH && to < g.outW) y[((image * g.outH + at) * g.outW + to) * filters + o] = value;
            });
          });
        }
      }
    },
    f32_winograd_conv_work: () => 0,
    f32_winograd_bwd_input(dyPtr, pointsPtr, dxPtr, geomPtr, filters, imageStart, imageCount) {
      const g = readGeometry(heap, geomPtr);
      const { m, tiles, where } = tiling(g);
      const perImage = tiles / g.batch;
      const panel = PANEL * filters;
      const perPoint = Math.ceil(g.channels / PANEL) * panel;
      const packed = real(pointsPtr, POINTS * perPoint);
      const dy = real(dyPtr, g.batch * g.outH * g.outW * filters);
      const dx = real(dxPtr, imageLength(g));
      for (let tile = imageStart * perImage; tile < (imageStart + imageCount) * perImage; tile++) {
        const { x0, y0, image } = where(tile);
        const from = (o: number) => square(dy, [g.outH, g.outW, filters], [image, y0, x0, o], m);
        const a = pointsOf(filters, from, expand);
        for (let c = 0; c < g.channels; c++) {
          const products = times(POINTS, (p) => {
            const at = p * perPoint + Math.floor(c / PANEL) * panel + (c % PANEL);
            return a[p].reduce((sum, value, o) => round(sum + round(value * packed[at + PANEL * o])), 0);
          });
          const lines = times(6, (row) => products.slice(6 * row, 6 * row + 6));
          rowsThenColumns(lines, scatter).forEach((line, row) => {
            line.forEach((value, column) => {
              const [y, x] = [y0 + row - g.padTop, x0 + column - g.padLeft];
              if (y < 0 || y >= g.inH || x < 0 || x >= g.inW) return;
              dx[((image * g.inH + y) * g.inW + x) * g.channels + c] += value;
            });
          });
        }
      }
    },
    f32_winograd_bwd_input_work: () => 0,
    f32_winograd_bwd_weight: backwardWeight(real),
    u8_winograd_bwd_weight_f32: backwardWeight((ptr, length) => heap.u8(ptr, length)),
    f32_winograd_bwd_weight_work: () => 0,
    f32_planes_pack(srcPtr, outPtr, planes, srcStride, K, N) {
      const wide = Math.ceil(N / PANEL) * PANEL;
      const src = real(srcPtr, (planes - 1) * srcStride + K * N);
      const out = real(outPtr, planes * wide * K);
      for (let plane = 0; plane < planes; plane++) {
        for (let k = 0; k < K; k++) {
          for (let j = 0; j < wide; j++) {
            const at = plane * wide * K + (j - (j % PANEL)) * K + k * PANEL + (j % PANEL);
            out[at] = j < N ? src[plane * srcStride + k * N + j] : 0;
          }
        }
      }
    },
    f32_winograd_expand(srcPtr, outPtr, filters, channels, n, planeStride) {
      const src = real(srcPtr, filters * n * n * channels);
      const out = real(outPtr, 35 * planeStride + filters * channels);
      for (let o = 0; o < filters; o++) {
        pointsOf(channels, (c) => square(src, [n, n, channels], [o, 0, 0, c], n), expand).forEach((values, p) => {
          values.forEach((value, c) => {
            out[p * planeStride + o * channels + c] = value * factor(Math.floor(p / 6), p % 6);
          });
        });
      }
    },
    f32_winograd_contract(srcPtr, outPtr, filters, channels, n, planeStride) {
      const src = real(srcPtr, 35 * planeStride + filters * channels);
      const out = real(outPtr, filters * n * n * channels);
      for (let o = 0; o < filters; o++) {
        for (let c = 0; c < channels; c++) {
          const lines = times(6, (y) =>
            times(6, (x) => round(src[(6 * y + x) * planeStride + o * channels + c] * factor(y, x))),
          );
          rowsThenColumns(lines, contract(n)).forEach((row, y) => {
            row.forEach((value, x) => {
              out[(o * n * n + y * n + x) * channels + c] = value;
            });
          });
        }
      }
    },
  };
}
