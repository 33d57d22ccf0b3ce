/** @file Fill, strided copies and scatters, conversions. */
import fc from "fast-check";
import type { TypedArray } from "../../../src/core/dtype.js";
import {
  agree,
  bytes,
  type Check,
  codes,
  inout,
  input,
  integers,
  lengths,
  output,
  property,
  reals,
} from "../harness.js";

const axes = fc.array(
  fc.record({ extent: fc.constantFrom(0, 1, 2, 3, 4, 5, 17), kind: fc.constantFrom("forward", "backward", "still") }),
  { maxLength: 4 },
);

type Copy = "b32_strided_copy" | "b8_strided_copy" | "b64_strided_copy";
type Scatter = "b32_strided_scatter" | "b8_strided_scatter" | "b64_strided_scatter";

/** Lays axes out in a permuted order, some of them backwards or with stride 0. */
function layout(
  drawn: readonly { extent: number; kind: string }[],
  order: readonly number[],
): { dims: number[]; strides: number[]; size: number; first: number; length: number } {
  const strides = new Array<number>(drawn.length).fill(0);
  let size = 1;
  let first = 0;
  for (const axis of order) {
    const { extent, kind } = drawn[axis];
    if (kind === "still") continue;
    strides[axis] = kind === "backward" ? -size : size;
    if (kind === "backward") first += Math.max(0, extent - 1) * size;
    size *= Math.max(1, extent);
  }
  const dims = drawn.map((axis) => axis.extent);
  return { dims, strides, size, first, length: dims.reduce((a, b) => a * b, 1) };
}

const copy = (name: Copy, make: (length: number) => TypedArray): Check => {
  return () =>
    property(axes, (rng, drawn) => {
      const order = rng.shuffle(drawn.map((_, i) => i));
      const { dims, strides, size, first, length } = layout(drawn, order);
      const src = make(size).map((_, i) => i + 1) as TypedArray;
      const table = Int32Array.from([...dims, ...strides]);
      agree(name, input(src, first), output(make(length)), dims.length, input(table));
    });
};

const scatter = (name: Scatter, make: (length: number) => TypedArray): Check => {
  return () =>
    property(axes, (rng, drawn) => {
      const moving = drawn.map((axis) => (axis.kind === "still" ? { ...axis, kind: "forward" } : axis));
      const order = rng.shuffle(moving.map((_, i) => i));
      const { dims, strides, size, first, length } = layout(moving, order);
      const src = make(length).map((_, i) => i + 1) as TypedArray;
      // Twice as long as is addressed: the rest must stay.
      const out = make(2 * size).fill(99) as TypedArray;
      agree(name, input(src), inout(out, first), dims.length, input(Int32Array.from([...dims, ...strides])));
    });
};

export const convert = {
  f32_fill: () =>
    property(lengths, (rng, len) => void agree("f32_fill", output(new Float32Array(len)), len, rng.range(-1, 1))),
  b32_strided_copy: copy("b32_strided_copy", (n) => new Int32Array(n)),
  b8_strided_copy: copy("b8_strided_copy", (n) => new Uint8Array(n)),
  b64_strided_copy: copy("b64_strided_copy", (n) => new Float64Array(n)),
  b32_strided_scatter: scatter("b32_strided_scatter", (n) => new Int32Array(n)),
  b8_strided_scatter: scatter("b8_strided_scatter", (n) => new Uint8Array(n)),
  b64_strided_scatter: scatter("b64_strided_scatter", (n) => new Float64Array(n)),
  u8_dequantize: () =>
    property(lengths, (rng, len) => {
      agree("u8_dequantize", input(bytes(rng, len)), output(new Float32Array(len)), len, rng.range(0, 1));
    }),
  i8_dequantize: () =>
    property(lengths, (rng, len) => {
      agree("i8_dequantize", input(codes(rng, len)), output(new Float32Array(len)), len, rng.range(0, 1));
    }),
  i32_to_f32: () =>
    property(lengths, (rng, len) => {
      agree("i32_to_f32", input(integers(rng, len, 2 ** 31 - 1)), output(new Float32Array(len)), len);
    }),
  f32_to_i32: () =>
    property(lengths, (rng, len) => {
      const x = reals(rng, len).map((v) => (rng.bool(0.3) ? v * 2 ** 30 : v));
      agree("f32_to_i32", input(x), output(new Int32Array(len)), len);
    }),
} satisfies Record<string, Check>;
