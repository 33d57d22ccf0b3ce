/** @file Winograd transforms and stacks of products against their twins: bit for bit. */
import fc from "fast-check";
import type { Rng } from "../../../src/core/rng.js";
import { agree, bytes, type Check, inout, input, output, property, reals, scratch, wasm } from "../harness.js";

const WORK = 2048;

interface Drawn {
  batch: number;
  inH: number;
  inW: number;
  channels: number;
  kernel: number;
  padTop: number;
  padLeft: number;
  padEnd: number;
  skew: number;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  batch: fc.constantFrom(1, 2),
  inH: fc.constantFrom(1, 3, 5, 6, 8, 11),
  inW: fc.constantFrom(2, 5, 7, 8, 13),
  channels: fc.constantFrom(4, 8, 12),
  kernel: fc.constantFrom(3, 5),
  padTop: fc.constantFrom(0, 1, 2, 4),
  padLeft: fc.constantFrom(0, 1, 3),
  padEnd: fc.constantFrom(0, 1, 2),
  skew: fc.constantFrom(0, 4, 16),
});

interface Problem {
  readonly fields: Int32Array;
  readonly start: number;
  readonly count: number;
  readonly stride: number;
  readonly imageLength: number;
  /** Elements of all planes. */
  readonly planes: number;
}

const tiled = (check: (rng: Rng, p: Problem) => void): Check => {
  return () =>
    property(
      drawn,
      (rng, g) => {
        const outH = g.inH + g.padTop + g.padEnd - g.kernel + 1;
        const outW = g.inW + g.padLeft + g.padEnd - g.kernel + 1;
        if (outH < 1 || outW < 1) return;
        const m = 7 - g.kernel;
        const tiles = g.batch * Math.ceil(outH / m) * Math.ceil(outW / m);
        const start = rng.int(tiles);
        const count = 1 + rng.int(tiles - start);
        const stride = count * g.channels + g.skew;
        const fields = Int32Array.of(
          ...[g.batch, g.inH, g.inW, g.channels, g.kernel, g.kernel, 1, 1],
          ...[g.padTop, g.padLeft, 1, 1, outH, outW, g.channels],
        );
        const planes = 35 * stride + count * g.channels;
        check(rng, { fields, start, count, stride, planes, imageLength: g.batch * g.inH * g.inW * g.channels });
      },
      120,
    );
};

const work = () => scratch(new Uint8Array(WORK));

const gather = (name: "f32_winograd_gather" | "u8_winograd_gather_f32"): Check =>
  tiled((rng, p) => {
    const x = input(name === "f32_winograd_gather" ? reals(rng, p.imageLength, "tame") : bytes(rng, p.imageLength));
    // inout: what lies between the planes stays as it was.
    const out = inout(new Float32Array(p.planes));
    agree(name, x, out, input(p.fields), p.start, p.count, p.stride, work());
  });

const products = fc.record({
  planes: fc.constantFrom(1, 3),
  M: fc.constantFrom(1, 4, 5, 7, 16, 59, 60, 61, 125),
  N: fc.constantFrom(4, 8, 12, 16, 36),
  K: fc.constantFrom(1, 2, 4, 7, 16, 33),
  skew: fc.constantFrom(0, 16),
});
const stack = (rng: Rng, planes: number, stride: number, size: number) =>
  reals(rng, (planes - 1) * stride + size, "tame");

export const winograd = {
  f32_winograd_gather: gather("f32_winograd_gather"),
  u8_winograd_gather_f32: gather("u8_winograd_gather_f32"),
  f32_winograd_scatter: tiled((rng, p) => {
    const image = inout(reals(rng, p.imageLength, "tame"));
    const points = input(reals(rng, p.planes, "tame"));
    agree("f32_winograd_scatter", points, image, input(p.fields), p.start, p.count, p.stride, work());
  }),
  f32_winograd_expand: () =>
    property(
      fc.record({
        batch: fc.constantFrom(1, 3),
        height: fc.constantFrom(1, 2, 3, 4, 5, 8, 9),
        width: fc.constantFrom(1, 2, 4, 5, 7, 12),
        channels: fc.constantFrom(4, 8, 12),
        n: fc.constantFrom(2, 3, 4, 5),
        skew: fc.constantFrom(0, 4, 16),
        scaled: fc.constantFrom(0, 1),
      }),
      (rng, { batch, height, width, channels, n, skew, scaled }) => {
        const tiles = batch * Math.ceil(height / n) * Math.ceil(width / n);
        const start = rng.int(tiles);
        const count = 1 + rng.int(tiles - start);
        const stride = count * channels + skew;
        const x = input(reals(rng, batch * height * width * channels, "tame"));
        const out = inout(new Float32Array(35 * stride + count * channels));
        agree("f32_winograd_expand", x, out, height, width, channels, n, start, count, stride, scaled, work());
      },
      120,
    ),
  f32_winograd_contract: () =>
    property(
      fc.record({
        filters: fc.constantFrom(1, 3, 8),
        channels: fc.constantFrom(4, 8, 12),
        n: fc.constantFrom(3, 5),
        skew: fc.constantFrom(0, 16),
      }),
      (rng, { filters, channels, n, skew }) => {
        const stride = filters * channels + skew;
        const points = input(reals(rng, 35 * stride + filters * channels, "tame"));
        const out = output(new Float32Array(filters * n * n * channels));
        agree("f32_winograd_contract", points, out, filters, channels, n, stride, work());
      },
    ),
  f32_planes_pack: () =>
    property(products, (rng, { planes, N, K, skew }) => {
      const stride = K * N + skew;
      const out = output(new Float32Array(planes * Math.ceil(N / 8) * 8 * K));
      agree("f32_planes_pack", input(stack(rng, planes, stride, K * N)), out, planes, stride, K, N);
    }),
  f32_planes_multiply: () =>
    property(products, (rng, { planes, M, N, K, skew }) => {
      const [aStride, cStride] = [M * K + skew, M * N + skew];
      const a = input(stack(rng, planes, aStride, M * K));
      const packed = input(reals(rng, planes * Math.ceil(N / 8) * 8 * K, "tame"));
      const c = inout(new Float32Array((planes - 1) * cStride + M * N));
      const space = scratch(new Uint8Array(wasm.f32_planes_work(K)));
      agree("f32_planes_multiply", a, packed, c, planes, aStride, cStride, M, N, K, space);
    }),
  f32_planes_work: () =>
    property(products, (_rng, { K }) => {
      const size = wasm.f32_planes_work(K);
      if (!(Number.isInteger(size) && size >= 0 && size <= 2 ** 21)) throw new Error(`f32_planes_work: ${size}`);
    }),
  f32_planes_outer: () =>
    property(products, (rng, { planes, M, N, K, skew }) => {
      const [aStride, bStride] = [K * M + skew, K * N + skew];
      const a = input(stack(rng, planes, aStride, K * M));
      const b = input(stack(rng, planes, bStride, K * N));
      const c = inout(reals(rng, planes * M * N, "tame"));
      agree("f32_planes_outer", a, b, c, planes, aStride, bStride, M, N, K, scratch(new Uint8Array(160)));
    }),
} satisfies Record<string, Check>;
