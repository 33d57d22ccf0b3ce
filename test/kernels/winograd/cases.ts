/** @file Convolutions by Winograd's algorithm and the transforms of their weights against their twins: bit for bit. */
import fc from "fast-check";
import { Rng } from "../../../src/core/rng.js";
import { TRANSFORM_WORK } from "../../../src/kernels/winograd/sizes.js";
import {
  agree,
  bytes,
  type Check,
  call,
  inout,
  input,
  output,
  property,
  reals,
  scratch,
  splitsAlike,
  wasm,
} from "../harness.js";

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
  readonly channels: number;
  readonly tiles: number;
  readonly imageLength: number;
  readonly positions: number;
}

const tiled =
  (check: (rng: Rng, p: Problem) => void, runs = 120): Check =>
  () =>
    property(
      drawn,
      (rng, g) => {
        const outH = g.inH + g.padTop + g.padEnd - g.kernel + 1;
        const outW = g.inW + g.padLeft + g.padEnd - g.kernel + 1;
        if (outH < 1 || outW < 1) return;
        const m = 7 - g.kernel;
        const fields = Int32Array.of(
          ...[g.batch, g.inH, g.inW, g.channels, g.kernel, g.kernel, 1, 1],
          ...[g.padTop, g.padLeft, 1, 1, outH, outW, g.channels],
        );
        check(rng, {
          fields,
          channels: g.channels,
          tiles: g.batch * Math.ceil(outH / m) * Math.ceil(outW / m),
          imageLength: g.batch * g.inH * g.inW * g.channels,
          positions: g.batch * outH * outW,
        });
      },
      runs,
    );

const work = () => scratch(new Uint8Array(TRANSFORM_WORK));
/** As much scratch as the kernel says it needs; what follows is guarded. */
type WorkName = `f32_winograd_${"conv" | "bwd_input" | "bwd_weight"}_work`;
const workOf = (name: WorkName, fields: Int32Array, filters: number) =>
  scratch(new Uint8Array(call(wasm, name, [input(fields), filters]).returned as number));
const filterCounts = [4, 8, 12, 20];

const backwardWeight = (name: "f32_winograd_bwd_weight" | "u8_winograd_bwd_weight_f32"): Check =>
  tiled((rng, { fields, channels, tiles, imageLength, positions }) => {
    const filters = filterCounts[rng.int(filterCounts.length)];
    const parts = 1 + rng.int(Math.min(3, tiles));
    const x = input(name === "f32_winograd_bwd_weight" ? reals(rng, imageLength, "tame") : bytes(rng, imageLength));
    const dy = input(reals(rng, positions * filters, "tame"));
    // inout: what is outside of the ranges stays as it was.
    const sums = inout(new Float32Array(parts * 36 * filters * channels));
    const space = workOf("f32_winograd_bwd_weight_work", fields, filters);
    const some = rng.bool(0.5);
    const ranges = some ? [parts - 1, 1, 4, filters - 4] : [0, parts, 0, filters];
    agree(name, x, dy, sums, input(fields), filters, parts, ...ranges, space);
  }, 60);

/** One part, and enough filters for quarters of them. */
function quartersOfFilters(name: "f32_winograd_bwd_weight" | "u8_winograd_bwd_weight_f32"): void {
  const rng = new Rng(name);
  const [channels, filters, side] = [64, 260, 7];
  const fields = Int32Array.of(3, side, side, channels, 3, 3, 1, 1, 1, 1, 1, 1, side, side, channels);
  const [size, positions] = [3 * side * side * channels, 3 * side * side];
  const x = input(name === "f32_winograd_bwd_weight" ? reals(rng, size, "tame") : bytes(rng, size));
  const [dy, sums] = [
    input(reals(rng, positions * filters, "tame")),
    output(new Float32Array(36 * filters * channels)),
  ];
  const space = workOf("f32_winograd_bwd_weight_work", fields, filters);
  if (splitsAlike(name, x, dy, sums, input(fields), filters, 1, 0, 1, 0, filters, space) !== 4)
    throw new Error("quarters");
}

const needs = (name: WorkName): Check =>
  tiled((_rng, { fields }) => {
    const size = call(wasm, name, [input(fields), 16]).returned as number;
    if (!(Number.isInteger(size) && size > 0 && size <= 2 ** 21)) throw new Error(`${name}: ${size}`);
  });

const filterTiles = fc.record({
  filters: fc.constantFrom(1, 3, 8),
  channels: fc.constantFrom(4, 8, 12),
  n: fc.constantFrom(3, 5),
  skew: fc.constantFrom(0, 16),
});

export const winograd = {
  f32_winograd_conv: tiled((rng, { fields, channels, tiles, imageLength, positions }) => {
    const filters = filterCounts[rng.int(filterCounts.length)];
    const start = rng.bool(0.5) ? 0 : rng.int(tiles);
    const count = rng.bool(0.5) ? tiles - start : 1 + rng.int(tiles - start);
    const x = input(reals(rng, imageLength, "tame"));
    const points = input(reals(rng, 36 * Math.ceil(filters / 8) * 8 * channels, "tame"));
    // inout: outputs of other tiles stay as they were.
    const y = inout(new Float32Array(positions * filters));
    const space = workOf("f32_winograd_conv_work", fields, filters);
    agree("f32_winograd_conv", x, points, y, input(fields), filters, start, count, space);
  }, 60),
  f32_winograd_bwd_input: tiled((rng, { fields, channels, imageLength, positions }) => {
    const filters = filterCounts[rng.int(filterCounts.length)];
    const start = rng.bool(0.5) ? 0 : rng.int(fields[0]);
    const count = rng.bool(0.5) ? fields[0] - start : 1 + rng.int(fields[0] - start);
    const dy = input(reals(rng, positions * filters, "tame"));
    const points = input(reals(rng, 36 * Math.ceil(channels / 8) * 8 * filters, "tame"));
    const dx = inout(reals(rng, imageLength, "tame"));
    const space = workOf("f32_winograd_bwd_input_work", fields, filters);
    agree("f32_winograd_bwd_input", dy, points, dx, input(fields), filters, start, count, space);
  }),
  f32_winograd_bwd_input_work: needs("f32_winograd_bwd_input_work"),
  f32_winograd_conv_work: needs("f32_winograd_conv_work"),
  f32_winograd_bwd_weight: () => {
    backwardWeight("f32_winograd_bwd_weight")();
    quartersOfFilters("f32_winograd_bwd_weight");
  },
  u8_winograd_bwd_weight_f32: () => {
    backwardWeight("u8_winograd_bwd_weight_f32")();
    quartersOfFilters("u8_winograd_bwd_weight_f32");
  },
  f32_winograd_bwd_weight_work: needs("f32_winograd_bwd_weight_work"),
  f32_winograd_expand: () =>
    property(filterTiles, (rng, { filters, channels, n, skew }) => {
      const stride = filters * channels + skew;
      const x = input(reals(rng, filters * n * n * channels, "tame"));
      // inout: what lies between the planes stays as it was.
      const out = inout(new Float32Array(35 * stride + filters * channels));
      agree("f32_winograd_expand", x, out, filters, channels, n, stride, work());
    }),
  f32_winograd_contract: () =>
    property(filterTiles, (rng, { filters, channels, n, skew }) => {
      const stride = filters * channels + skew;
      const points = input(reals(rng, 35 * stride + filters * channels, "tame"));
      const out = output(new Float32Array(filters * n * n * channels));
      agree("f32_winograd_contract", points, out, filters, channels, n, stride, work());
    }),
  f32_planes_pack: () =>
    property(
      fc.record({
        planes: fc.constantFrom(1, 3),
        N: fc.constantFrom(4, 8, 12, 16, 36),
        K: fc.constantFrom(1, 2, 4, 7, 16, 33),
        skew: fc.constantFrom(0, 16),
      }),
      (rng, { planes, N, K, skew }) => {
        const stride = K * N + skew;
        const source = input(reals(rng, (planes - 1) * stride + K * N, "tame"));
        const out = output(new Float32Array(planes * Math.ceil(N / 8) * 8 * K));
        agree("f32_planes_pack", source, out, planes, stride, K, N);
      },
    ),
} satisfies Record<string, Check>;
