/** @file Every kernel that threads share, in parts and in any order of the parts, leaves the bits that the whole kernel leaves. */
import { describe, expect, it } from "vitest";
import { dtypeOf, type TypedArray, viewOf } from "../../../src/core/dtype.js";
import { Rng } from "../../../src/core/rng.js";
import { ALL_KERNELS } from "../../../src/kernels/all.js";
import type { Crew } from "../../../src/kernels/threads/chunks.js";
import { grid } from "../../../src/kernels/threads/products.js";
import { RULES } from "../../../src/kernels/threads/rules.js";
import { bytesOfText } from "../../../src/kernels/wasm.js";
import { WASM_TEXT as WASM_THREADS_TEXT } from "../../../src/kernels/wasm-threads.generated.js";
import { Allocator } from "../../../src/memory/allocator.js";
import { Heap } from "../../../src/memory/heap.js";
import { bytes, codes, expectSameBits, integers, reals } from "../harness.js";

/** An array argument: read, written (`out`, filled with rubbish first), both (`inout`) or scratch. */
type Argument = number | TypedArray | { out: TypedArray } | { inout: TypedArray } | { scratch: number };
type Kernel = (...args: number[]) => number | undefined;

const THREADS = 3;

/** One heap with a module's kernels. */
function workbench(module: WebAssembly.Module, shared: boolean) {
  const heap = new Heap({ wasm: true, shared, maximumBytes: 1 << 28 });
  const memory = heap.memory as WebAssembly.Memory;
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as Record<string, Kernel>;
  return { heap, allocator: new Allocator(heap), kernels };
}

const single = workbench(new WebAssembly.Module(ALL_KERNELS.bytes()), false);
const shared = workbench(new WebAssembly.Module(bytesOfText(WASM_THREADS_TEXT)), true);
let parts = 0;

/** Runs the parts one after the other on this thread, the last one first, each with the workspace of some thread. */
const crew: Crew = {
  threads: THREADS,
  run(name, calls, work) {
    parts += calls.length;
    const results: number[] = new Array(calls.length);
    for (let i = calls.length - 1; i >= 0; i--) {
      const list = [...calls[i]];
      if (work) list[work.argument] += (i % THREADS) * work.stride;
      results[i] = shared.kernels[name](...list) as number;
    }
    return results;
  },
  ints: (ptr, length) => shared.heap.i32(ptr, length).slice(),
  i32: (ptr, length) => shared.heap.i32(ptr, length),
  f32: (ptr, length) => shared.heap.f32(ptr, length),
  f64: (ptr, length) => shared.heap.f64(ptr, length),
  scratch(size, fn) {
    const ptr = shared.allocator.allocate(size);
    shared.heap.u8(ptr, size).fill(0xff);
    const result = fn(ptr);
    shared.allocator.free(ptr, size);
    return result;
  },
  whole: (name) => shared.kernels[name],
};

/** Puts the arguments into a heap, runs, and takes out what was written (with 64 bytes of what follows) and returned. */
function outcome(bench: typeof single, args: readonly Argument[], run: (list: number[]) => number | undefined | null) {
  const blocks: { ptr: number; size: number; data: TypedArray | null }[] = [];
  const list = args.map((arg) => {
    if (typeof arg === "number") return arg;
    const data = ArrayBuffer.isView(arg) ? arg : "out" in arg ? arg.out : "inout" in arg ? arg.inout : null;
    const size = (data?.byteLength ?? (arg as { scratch: number }).scratch) + 64;
    const ptr = bench.allocator.allocate(size);
    blocks.push({ ptr, size, data: ArrayBuffer.isView(arg) ? null : data });
    bench.heap.u8(ptr, size).fill(0xa5);
    if (data !== null && !(typeof arg === "object" && "out" in arg)) {
      bench.heap.u8(ptr, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    return ptr;
  });
  const returned = run(list);
  const written = blocks.flatMap(({ ptr, size, data }) => {
    if (data === null) return [];
    const past = data.byteLength;
    return [
      viewOf(bench.heap.buffer, dtypeOf(data), ptr, data.length).slice(),
      bench.heap.u8(ptr + past, size - past).slice(),
    ];
  });
  for (const { ptr, size } of blocks) bench.allocator.free(ptr, size);
  return { returned, written };
}

/** Expects the rule to split the kernel and to leave the same bits as the whole one. @returns the number of parts */
function same(name: string, ...args: Argument[]): number {
  parts = 0;
  const whole = outcome(single, args, (list) => single.kernels[name](...list));
  const split = outcome(shared, args, (list) => RULES[name](list, crew));
  expect(split.returned, `${name}: the rule ran it whole`).not.toBeNull();
  expect(parts).toBeGreaterThan(1);
  expect(Object.is(split.returned, whole.returned), `${name}: ${split.returned}, ${whole.returned}`).toBe(true);
  whole.written.forEach((want, i) => {
    expectSameBits(`${name} output ${i}`, split.written[i], want);
  });
  return parts;
}

const rng = new Rng("threads");
const LEN = 200_003;
const drawn = { any: reals(rng, 500_000, "any"), tame: reals(rng, 500_000, "tame") };
/** Random numbers; long arrays repeat themselves. */
function f32(length = LEN, flavour: "any" | "tame" = "any"): Float32Array {
  const source = drawn[flavour];
  const start = rng.int(source.length);
  return Float32Array.from({ length }, (_, i) => source[(start + i) % source.length]);
}
const out = (length = LEN) => ({ out: new Float32Array(length) });
const geometry = (batch: number, side: number, channels: number, kernel: number, stride: number, pad: number) => {
  const outSide = Math.floor((side + 2 * pad - kernel) / stride) + 1;
  const list = [
    batch,
    side,
    side,
    channels,
    kernel,
    kernel,
    stride,
    stride,
    pad,
    pad,
    1,
    1,
    outSide,
    outSide,
    channels,
  ];
  return { list: Int32Array.from(list), rows: batch * outSide * outSide, width: kernel * kernel * channels };
};

const unary = (name: string) => () => void same(name, f32(), out(), LEN);
const scaled =
  (name: string, ...scalars: number[]) =>
  () =>
    void same(name, f32(), out(), LEN, ...scalars);
const binary = (name: string, bytesOut = 4) => {
  const make = (length: number) => (bytesOut === 4 ? out(length) : { out: new Uint8Array(length) });
  return () => {
    same(name, f32(), f32(), make(LEN), LEN, LEN, LEN);
    const [rows, width] = [4001, 70];
    same(name, f32(rows * width), f32(width), make(rows * width), rows * width, rows * width, width);
    same(name, f32(1), f32(rows * width), make(rows * width), rows * width, 1, rows * width);
    same(
      name,
      f32(7 * width),
      f32(rows * width * 7),
      make(rows * width * 7),
      rows * width * 7,
      7 * width,
      rows * width * 7,
    );
  };
};
const outer = (name: string) => () => {
  same(name, f32(900 * 11 * 31), out(900 * 31), 900, 11, 31);
  same(name, f32(3000 * 100), out(3000), 3000, 100, 1);
};
const rowsOf = (name: string, inputs: number) => () =>
  void same(name, ...Array.from({ length: inputs }, () => f32(3001 * 10, "tame")), out(3001 * 10), 3001, 10);
const perChannel = (name: string, constants: number) => () => {
  for (const [rows, channels] of [
    [20_001, 16],
    [9_001, 37],
    [4_001, 64],
  ]) {
    const list = Array.from({ length: constants }, () => f32(channels, "tame"));
    same(name, f32(rows * channels), out(rows * channels), rows, channels, ...list);
  }
};
/** Rows of several blocks of 65,536 elements, the last one short; channel counts with and without a tail. */
const TALL: readonly (readonly [number, number])[] = [
  [20_001, 16],
  [9_001, 37],
  [40_001, 6],
  [700, 1030],
];
const patches = (name: string, make: (n: number) => TypedArray, stride?: number) => () => {
  const g = geometry(5, 40, 3, 5, 1, 2);
  const rowBytes = stride ?? 4 * g.width;
  const args = [g.list, 17, g.rows - 30, ...(stride === undefined ? [] : [stride])];
  same(name, make(5 * 40 * 40 * 3), { out: new Uint8Array((g.rows - 30) * rowBytes) }, ...args);
};
const pool = (name: string, image: (n: number) => TypedArray, bytesOut: number) => () => {
  const g = geometry(13, 24, 19, 3, 2, 1);
  const size = 13 * 24 * 24 * 19;
  const pooled = g.rows * 19;
  same(name, image(size), { out: new Uint8Array(bytesOut * pooled) }, { out: new Int32Array(pooled) }, g.list);
};
const strided = (name: string, type: "u8" | "f32" | "f64", scatter: boolean) => () => {
  const make = (n: number) => (type === "u8" ? bytes(rng, n) : type === "f32" ? f32(n) : Float64Array.from(f32(n)));
  const [a, b, c] = [1, 130, 1001];
  // Dense [1,b,c] against its transpose [1,c,b].
  const dims = Int32Array.from([a, b, c, b * c, 1, b]);
  const args = [3, dims];
  if (scatter) same(name, make(b * c), { inout: make(b * c) }, ...args);
  else same(name, make(b * c), { out: make(b * c) }, ...args);
};

/** Scratch of one thread, as the kernel says. */
function workOf(name: string, ...args: Argument[]): number {
  return outcome(single, args, (list) => single.kernels[name](...list)).returned as number;
}
/** All threads' scratch is enough for each. */
function enoughWork(name: string, ...args: Argument[]): void {
  const all = outcome(shared, args, (list) => RULES[name](list, crew)).returned as number;
  expect(all).toBeGreaterThanOrEqual(THREADS * workOf(name, ...args));
}
const convolutionWork = (list: Int32Array, filters: number) => ({
  scratch: 64 * THREADS + THREADS * workOf("f32_conv_work", list, filters),
});
/** Rows of several blocks, channels, and the bytes of an element of the shortcut (0: none). */
const NORMS = [
  [20_001, 16, 0],
  [9_001, 37, 1],
  [4_001, 64, 4],
] as const;
const shortcut = (length: number, width: 0 | 1 | 4): Argument[] =>
  width === 0 ? [0, 0] : width === 1 ? [bytes(rng, length), 0.25] : [f32(length, "tame"), 0];
const normWork = (channels: number) => ({
  scratch: 64 * THREADS + THREADS * workOf("f32_batchnorm_activation_work", channels),
});
const winogradWeights = (name: string, make: (n: number) => TypedArray) => () => {
  // Parts of tiles, and of filters where there are many.
  for (const [side, channels, filters, parts] of [
    [18, 8, 12, 5],
    [7, 64, 260, 1],
  ]) {
    const g = geometry(3, side, channels, 3, 1, 1);
    const x = make(3 * side * side * channels);
    const dy = f32(g.rows * filters, "tame");
    const sums = out(parts * 36 * filters * channels);
    const work = { scratch: 64 * THREADS + THREADS * workOf("f32_winograd_bwd_weight_work", g.list, filters) };
    same(name, x, dy, sums, g.list, filters, parts, work);
  }
};
const forward = (name: string, make: (n: number) => TypedArray) => () => {
  const g = geometry(5, 20, 6, 3, 1, 1);
  const [filters, stride, from] = [24, 30, 17];
  const rows = g.rows - 50;
  const y = { inout: f32(rows * stride) };
  const w = f32(filters * g.width, "tame");
  const work = convolutionWork(g.list, filters);
  same(name, make(5 * 20 * 20 * 6), w, y, g.list, filters, stride, from, rows, work);
};
const backwardWeight = (name: string, make: (n: number) => TypedArray) => () => {
  const g = geometry(5, 20, 6, 3, 1, 1);
  const [filters, stride, from] = [40, 44, 17];
  const rows = g.rows - 50;
  const dw = { inout: f32(filters * g.width, "tame") };
  const work = convolutionWork(g.list, filters);
  same(name, make(5 * 20 * 20 * 6), f32(rows * stride, "tame"), dw, g.list, filters, stride, from, rows, work);
};

const checks: Record<string, () => void> = {
  f32_gemm() {
    const shapes = [
      [128, 128, 128],
      [5000, 16, 27],
      [16, 144, 3000],
      [6, 25, 9001],
      [301, 299, 400],
      [1, 2000, 700],
      [2000, 1, 700],
    ];
    for (const [M, N, K] of shapes) {
      for (const flags of [0, 1, 2, 3, 4, 7]) {
        const options = [flags & 1, (flags >> 1) & 1, flags >> 2];
        const scratch = { scratch: RULES["f32_gemm_work"]([M, N, K], crew) as number };
        same(
          "f32_gemm",
          f32(M * K, "tame"),
          f32(K * N, "tame"),
          { inout: f32(M * N, "tame") },
          M,
          N,
          K,
          ...options,
          scratch,
        );
      }
    }
  },
  f32_gemm_work() {
    for (const extents of [
      [3, 5, 7],
      [128, 512, 900],
    ]) {
      const whole = single.kernels["f32_gemm_work"](...extents) as number;
      expect(RULES["f32_gemm_work"](extents, crew)).toBeGreaterThanOrEqual(THREADS * whole);
    }
  },
  u8_i8_gemm() {
    const [M, N, K, ld] = [501, 33, 150, 160];
    same("u8_i8_gemm", bytes(rng, M * ld), codes(rng, N * ld), { out: new Int32Array(M * N) }, M, N, K, ld, ld);
  },

  f32_conv: forward("f32_conv", (n) => f32(n, "tame")),
  u8_conv_f32: forward("u8_conv_f32", (n) => bytes(rng, n)),
  f32_conv_bwd_weight: backwardWeight("f32_conv_bwd_weight", (n) => f32(n, "tame")),
  u8_conv_bwd_weight_f32: backwardWeight("u8_conv_bwd_weight_f32", (n) => bytes(rng, n)),
  f32_conv_bwd_input() {
    const g = geometry(7, 20, 6, 3, 2, 1);
    const [filters, stride] = [40, 44];
    const [dy, w] = [f32(g.rows * stride, "tame"), f32(filters * g.width, "tame")];
    const dx = { inout: f32(7 * 20 * 20 * 6, "tame") };
    same("f32_conv_bwd_input", dy, w, dx, g.list, filters, stride, 6, convolutionWork(g.list, filters));
  },
  f32_conv_work: () => enoughWork("f32_conv_work", geometry(3, 10, 4, 3, 1, 1).list, 20),
  f32_winograd_expand() {
    const [filters, channels, n] = [300, 20, 3];
    const stride = filters * channels + 16;
    const x = f32(filters * n * n * channels, "tame");
    same("f32_winograd_expand", x, { inout: f32(36 * stride) }, filters, channels, n, stride, { scratch: 2048 });
  },
  f32_winograd_contract() {
    const [filters, channels, n] = [300, 20, 5];
    const stride = filters * channels;
    const points = f32(36 * stride, "tame");
    same("f32_winograd_contract", points, out(filters * n * n * channels), filters, channels, n, stride, {
      scratch: 2048,
    });
  },
  f32_planes_pack() {
    const [planes, K, N] = [36, 50, 60];
    const stride = K * N + 16;
    same("f32_planes_pack", f32(planes * stride), out(planes * 64 * K), planes, stride, K, N);
  },
  f32_winograd_conv() {
    const g = geometry(5, 19, 16, 3, 1, 1);
    const filters = 24;
    const [x, points] = [f32(5 * 19 * 19 * 16, "tame"), f32(36 * filters * 16, "tame")];
    const work = { scratch: 64 * THREADS + THREADS * workOf("f32_winograd_conv_work", g.list, filters) };
    same("f32_winograd_conv", x, points, { inout: f32(g.rows * filters) }, g.list, filters, 7, 100, work);
  },
  f32_winograd_bwd_input() {
    const g = geometry(9, 12, 16, 5, 1, 0);
    const filters = 24;
    const [dy, points] = [f32(g.rows * filters, "tame"), f32(36 * filters * 16, "tame")];
    const dx = { inout: f32(9 * 12 * 12 * 16, "tame") };
    const work = { scratch: 64 * THREADS + THREADS * workOf("f32_winograd_bwd_input_work", g.list, filters) };
    same("f32_winograd_bwd_input", dy, points, dx, g.list, filters, 1, 8, work);
  },
  f32_winograd_bwd_input_work: () => enoughWork("f32_winograd_bwd_input_work", geometry(3, 10, 8, 3, 1, 1).list, 20),
  f32_winograd_conv_work: () => enoughWork("f32_winograd_conv_work", geometry(3, 10, 8, 3, 1, 1).list, 20),
  f32_winograd_bwd_weight: winogradWeights("f32_winograd_bwd_weight", (n) => f32(n, "tame")),
  u8_winograd_bwd_weight_f32: winogradWeights("u8_winograd_bwd_weight_f32", (n) => bytes(rng, n)),
  f32_winograd_bwd_weight_work: () => enoughWork("f32_winograd_bwd_weight_work", geometry(3, 10, 8, 3, 1, 1).list, 20),
  f32_batchnorm_relu: () => {
    for (const [rows, channels, width] of NORMS) {
      const [x, norm] = [f32(rows * channels, "tame"), f32(4 * channels, "tame")];
      same("f32_batchnorm_relu", x, ...shortcut(rows * channels, width), out(rows * channels), rows, channels, norm);
    }
  },
  f32_batchnorm_relu_bwd: () => {
    for (const [rows, channels] of NORMS) {
      const [x, y, dy] = [0, 1, 2].map(() => f32(rows * channels, "tame"));
      const sums = [out(channels), out(channels)];
      const norm = f32(4 * channels, "tame");
      same("f32_batchnorm_relu_bwd", x, y, dy, out(rows * channels), rows, channels, norm, ...sums, normWork(channels));
    }
  },
  f32_batchnorm_staircase: () => {
    for (const [rows, channels, width] of NORMS) {
      const [x, norm] = [f32(rows * channels, "tame"), f32(4 * channels, "tame")];
      const args = [
        ...shortcut(rows * channels, width),
        { out: new Uint8Array(rows * channels) },
        rows,
        channels,
        norm,
      ];
      same("f32_batchnorm_staircase", x, ...args, 0.3, 15, 0, normWork(channels));
    }
  },
  f32_batchnorm_staircase_bwd: () => {
    for (const [rows, channels, width] of NORMS) {
      const [x, dy] = [0, 1].map(() => f32(rows * channels, "tame"));
      const args = [...shortcut(rows * channels, width), bytes(rng, rows * channels), dy, out(rows * channels)];
      const sums = [out(channels), out(channels)];
      const norm = f32(4 * channels, "tame");
      for (const rule of [0, 1]) {
        same(
          "f32_batchnorm_staircase_bwd",
          ...[x, ...args, rows, channels, norm, 0.3, 15, 0, rule, ...sums, normWork(channels)],
        );
      }
    }
  },
  f32_batchnorm_activation_work: () => enoughWork("f32_batchnorm_activation_work", 37),
  u4_lut_gemm() {
    const [M, N, K, lda] = [601, 40, 150, 160];
    const a = bytes(rng, M * lda).map((byte) => byte & 15);
    const work = { scratch: RULES["u4_lut_gemm_work"]([], crew) as number };
    for (const real of [0, 1]) {
      const out = { out: new Int32Array(M * N) };
      same("u4_lut_gemm", a, bytes(rng, 3 * 1 * 40 * 16), out, M, N, K, lda, 1, 1, real, work);
    }
  },
  u4_lut_gemm_work: () => enoughWork("u4_lut_gemm_work"),
  u4_lut_conv() {
    const g = geometry(5, 14, 16, 3, 1, 1);
    const filters = 32;
    const x = bytes(rng, 5 * 14 * 14 * 16).map((byte) => byte & 15);
    const [from, lines] = [3, 60];
    const out = { out: new Int32Array(lines * 14 * filters) };
    const weights = bytes(rng, 2 * 36 * 16);
    const work = { scratch: 64 + THREADS * workOf("u4_lut_conv_work", g.list) };
    same("u4_lut_conv", x, weights, out, g.list, from, lines, filters, 1, 1, 0, work);
  },
  u4_lut_conv_work: () => enoughWork("u4_lut_conv_work", geometry(3, 10, 16, 3, 1, 1).list),
  u8_i8_conv() {
    const g = geometry(5, 14, 15, 3, 1, 1);
    const filters = 44;
    const [from, lines] = [3, 60];
    const weights = bytes(rng, 6 * 3 * 23 * 32);
    const work = { scratch: 64 + THREADS * workOf("u8_i8_conv_work", g.list) };
    for (const real of [0, 1]) {
      const out = { out: new Int32Array(lines * 14 * filters) };
      same("u8_i8_conv", bytes(rng, 5 * 14 * 14 * 15), weights, out, g.list, from, lines, filters, real, work);
    }
  },
  u8_i8_conv_work: () => enoughWork("u8_i8_conv_work", geometry(3, 10, 3, 3, 1, 1).list),
  i32_line_codes() {
    const [rows, channels] = [3001, 33];
    const acc = Int32Array.from({ length: rows * channels }, () => rng.int(2000) - 1000);
    const out = { out: new Uint8Array(rows * channels) };
    same("i32_line_codes", acc, out, rows, channels, f32(channels, "tame"), f32(channels, "tame"), 15);
  },

  f32_im2col: patches("f32_im2col", f32),
  u8_im2col_f32: patches("u8_im2col_f32", (n) => bytes(rng, n)),
  u8_im2col: patches("u8_im2col", (n) => bytes(rng, n), 80),
  f32_col2im() {
    const g = geometry(7, 20, 4, 3, 1, 1);
    // Begins and ends in the middle of an image.
    same(
      "f32_col2im",
      f32(g.rows * g.width, "tame"),
      { inout: f32(7 * 20 * 20 * 4, "tame") },
      g.list,
      50,
      g.rows - 150,
    );
  },
  f32_maxpool: pool("f32_maxpool", f32, 4),
  u8_maxpool: pool("u8_maxpool", (n) => bytes(rng, n), 1),
  f32_avgpool() {
    const g = geometry(13, 24, 19, 3, 2, 1);
    same("f32_avgpool", f32(13 * 24 * 24 * 19), out(g.rows * 19), g.list, 0);
    same("f32_avgpool", f32(13 * 24 * 24 * 19), out(g.rows * 19), g.list, 1);
  },
  f32_avgpool_bwd() {
    const g = geometry(13, 24, 19, 3, 2, 1);
    same("f32_avgpool_bwd", f32(g.rows * 19, "tame"), { inout: f32(13 * 24 * 24 * 19, "tame") }, g.list, 0);
  },

  f32_sum() {
    for (const [rows, columns] of TALL) same("f32_sum", f32(rows * columns, "tame"), out(columns), 1, rows, columns);
    outer("f32_sum")();
  },
  f32_sum_squares: () => void same("f32_sum_squares", f32(LEN, "tame"), LEN),
  f32_abs_sum: () => void same("f32_abs_sum", f32(LEN, "tame"), LEN),
  f32_staircase_dalpha() {
    for (const rule of [0, 1, 2]) {
      same("f32_staircase_dalpha", f32(LEN, "tame"), bytes(rng, LEN, 16), f32(LEN, "tame"), LEN, 0.25, 15, rule);
    }
  },
  f32_channel_stats() {
    for (const [rows, channels] of TALL) {
      same("f32_channel_stats", f32(rows * channels, "tame"), rows, channels, out(channels), out(channels));
    }
  },
  f32_batchnorm_bwd_reduce() {
    for (const [rows, channels] of TALL) {
      const [x, dy] = [f32(rows * channels, "tame"), f32(rows * channels, "tame")];
      const constants = [f32(channels, "tame"), f32(channels, "tame")];
      same("f32_batchnorm_bwd_reduce", x, dy, rows, channels, ...constants, out(channels), out(channels));
    }
  },

  f32_fill: () => void same("f32_fill", out(), LEN, 1.5),
  u8_dequantize: () => void same("u8_dequantize", bytes(rng, LEN), out(), LEN, 0.1),
  i8_dequantize: () => void same("i8_dequantize", codes(rng, LEN), out(), LEN, 0.1),
  i32_to_f32: () => void same("i32_to_f32", integers(rng, LEN, 2 ** 30), out(), LEN),
  f32_to_i32: unary("f32_to_i32"),
  b8_strided_copy: strided("b8_strided_copy", "u8", false),
  b32_strided_copy: strided("b32_strided_copy", "f32", false),
  b64_strided_copy: strided("b64_strided_copy", "f64", false),
  b8_strided_scatter: strided("b8_strided_scatter", "u8", true),
  b32_strided_scatter: strided("b32_strided_scatter", "f32", true),
  b64_strided_scatter: strided("b64_strided_scatter", "f64", true),

  ...Object.fromEntries(
    ["neg", "abs", "sign", "floor", "ceil", "round", "sqrt", "relu", "exp", "log", "tanh", "sigmoid"].map((op) => [
      `f32_${op}`,
      unary(`f32_${op}`),
    ]),
  ),
  f32_clip: scaled("f32_clip", -0.5, 0.75),
  f32_scale_shift: scaled("f32_scale_shift", 0.3, -0.1),
  f32_axpy: () => void same("f32_axpy", f32(), { inout: f32() }, LEN, 0.7),
  f32_relu_bwd: () => void same("f32_relu_bwd", f32(), f32(), out(), LEN),
  f32_clip_bwd: () => void same("f32_clip_bwd", f32(), f32(), out(), LEN, -1, 1),
  f32_where: () => void same("f32_where", bytes(rng, LEN, 2), f32(), f32(), out(), LEN),
  f32_mask_scale: () => void same("f32_mask_scale", f32(), bytes(rng, LEN, 2), out(), LEN, 1.25),
  ...Object.fromEntries(
    ["add", "sub", "mul", "div", "maximum", "minimum", "pow"].map((op) => [`f32_${op}`, binary(`f32_${op}`)]),
  ),
  ...Object.fromEntries(["eq", "ne", "lt", "le", "gt", "ge"].map((op) => [`f32_${op}`, binary(`f32_${op}`, 1)])),

  ...Object.fromEntries(["max", "min", "argmax", "argmin"].map((op) => [`f32_${op}`, outer(`f32_${op}`)])),
  f32_abs_max() {
    same("f32_abs_max", f32(LEN, "tame"), LEN);
    same("f32_abs_max", f32(), LEN); // has NaN
  },
  f32_count_nonfinite: () => void same("f32_count_nonfinite", f32(), LEN),
  f32_softmax: rowsOf("f32_softmax", 1),
  f32_log_softmax: rowsOf("f32_log_softmax", 1),
  f32_softmax_bwd: rowsOf("f32_softmax_bwd", 2),
  f32_log_softmax_bwd: rowsOf("f32_log_softmax_bwd", 2),

  f32_channel_affine: perChannel("f32_channel_affine", 2),
  f32_batchnorm: perChannel("f32_batchnorm", 4),
  f32_batchnorm_bwd_input() {
    const [rows, channels] = [9_001, 37];
    const constants = Array.from({ length: 5 }, () => f32(channels, "tame"));
    const [x, dy] = [f32(rows * channels), f32(rows * channels)];
    same("f32_batchnorm_bwd_input", x, dy, out(rows * channels), rows, channels, ...constants);
  },
  i32_scale_bias() {
    const [rows, channels] = [9_001, 37];
    const acc = integers(rng, rows * channels, 5000);
    same("i32_scale_bias", acc, out(rows * channels), rows, channels, f32(channels), f32(channels));
    same("i32_scale_bias", acc, out(rows * channels), rows, channels, f32(channels), 0);
  },
  i32_threshold() {
    const [rows, channels, top] = [3_001, 13, 15];
    const thresholds = integers(rng, channels * top, 300);
    const acc = integers(rng, rows * channels, 400);
    const to = { out: new Uint8Array(rows * channels) };
    same("i32_threshold", acc, to, rows, channels, thresholds, bytes(rng, channels, 2), top);
  },

  f32_staircase: () => void same("f32_staircase", f32(), { out: new Uint8Array(LEN) }, LEN, 0.3, 15, 0),
  f32_staircase_bwd: () => void same("f32_staircase_bwd", f32(), f32(), out(), LEN, 0.3, 15, 0),
  f32_sign_codes: () => void same("f32_sign_codes", f32(), { out: new Int8Array(LEN) }, LEN),
  f32_ternary_codes: () => void same("f32_ternary_codes", f32(), { out: new Int8Array(LEN) }, LEN, 0.5),
  f32_uniform_codes: () => void same("f32_uniform_codes", f32(), { inout: codes(rng, LEN, 8) }, LEN, 0.3, 7),
  i8_sum_squares: () => void same("i8_sum_squares", codes(rng, LEN), LEN),
  i8_count_different: () => void same("i8_count_different", codes(rng, LEN, 4), codes(rng, LEN, 4), LEN),

  f32_blend: () => void same("f32_blend", { inout: f32() }, codes(rng, LEN), LEN, 0.1, 1e-3),
  f32_sgd_step() {
    for (const first of [0, 1]) {
      same("f32_sgd_step", { inout: f32() }, f32(), { inout: f32() }, LEN, 0.1, 0.9, 1e-4, 1, first);
    }
    same("f32_sgd_step", { inout: f32() }, f32(), 0, LEN, 0.1, 0, 1e-4, 0, 1); // no momentum, no velocity
  },
  f32_adam_step() {
    const moments = [{ inout: f32(LEN, "tame") }, { inout: f32(LEN, "tame").map(Math.abs) }];
    same("f32_adam_step", { inout: f32() }, f32(), ...moments, LEN, 0.01, 0.9, 0.999, 1e-8, 1e-2, 1, 0.1, 0.001);
  },
};

describe("parts and the whole leave the same bits", () => {
  for (const name of Object.keys(RULES)) it(name, checks[name]);

  it("and every rule has its check", () => {
    expect(Object.keys(checks).sort()).toEqual(Object.keys(RULES).sort());
  });
});

describe("small problems", () => {
  it("run whole", () => {
    parts = 0;
    const small = f32(1000);
    const run = (name: string, ...args: Argument[]) =>
      outcome(shared, args, (list) => RULES[name](list, crew)).returned;
    expect(run("f32_add", small, small, out(1000), 1000, 1000, 1000)).toBeNull();
    expect(run("f32_gemm", small, small, out(100), 10, 10, 10, 0, 0, 0, { scratch: 8192 })).toBeNull();
    expect(run("f32_channel_stats", small, 100, 10, out(10), out(10))).toBeNull();
    expect(run("f32_sum_squares", small, 1000)).toBeNull();
    expect(parts).toBe(0);
  });

  it("and the chunks of a product tile it, for any extents", () => {
    for (let i = 0; i < 2000; i++) {
      const [M, N, K] = [1 + rng.int(3000), 1 + rng.int(3000), 1 + rng.int(3000)];
      const found = grid(M, N, K);
      if (found === null) continue;
      expect(found.rows >= M || found.rows % 5 === 0, `${M} ${N} ${K}`).toBe(true);
      expect(found.columns >= N || found.columns % 8 === 0, `${M} ${N} ${K}`).toBe(true);
      expect(Math.ceil(M / found.rows) * Math.ceil(N / found.columns)).toBeGreaterThan(1);
    }
  });
});
