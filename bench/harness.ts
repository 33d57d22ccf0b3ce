/** @file One row of a benchmark: medians by tinybench, with a calibration figure so that rows from different moments compare. */
import { Bench } from "tinybench";
import { heap, kernelsFor } from "../src/kernels/index.js";
import { NDArray } from "../src/ndarray/ndarray.js";

/** What one row reports; times are medians of the samples. */
export interface Row {
  readonly work: string;
  readonly shape: string;
  readonly threads: number;
  readonly variant: string;
  readonly ms: number;
  readonly samples: number;
  readonly gflops?: number;
  readonly gbytesPerSecond?: number;
  readonly imagesPerSecond?: number;
  /** GFLOP/s of a fixed 128³ product measured just before and after (the lower): how fast the machine was at that moment. */
  readonly calibration: number;
}

/** What a row's work amounts to, for the derived figures. */
export interface Work {
  readonly flops?: number;
  readonly bytes?: number;
  readonly images?: number;
}

/** Options of every family. */
export interface BenchOptions {
  /** Milliseconds of sampling for each row. */
  readonly time: number;
  readonly onRow: (row: Row) => void;
}

/** Deterministic filler: values in (−1, 1) that are neither equal nor special. */
export function filled(shape: readonly number[]): NDArray {
  const out = NDArray.empty(shape);
  const view = heap().f32(out.ptr, out.size);
  for (let i = 0; i < view.length; i++) view[i] = ((Math.imul(i + 1, 2654435761) >>> 8) & 0xffff) / 32768 - 1;
  return out;
}

/** GFLOP/s of a 128³ product, best of a few milliseconds. */
function calibrate(): number {
  const n = 128;
  const kernels = kernelsFor("f32");
  using a = filled([n, n]);
  using b = filled([n, n]);
  using c = NDArray.empty([n, n]);
  using work = NDArray.empty([kernels.f32_gemm_work(n, n, n)], "u8");
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 20; run++) {
    const start = performance.now();
    kernels.f32_gemm(a.ptr, b.ptr, c.ptr, n, n, n, 0, 0, 0, work.ptr);
    best = Math.min(best, performance.now() - start);
  }
  return (2 * n ** 3) / best / 1e6;
}

/** Times `fn` and hands the row to `options.onRow`. */
export function measure(
  options: BenchOptions,
  row: { work: string; shape: string; variant?: string },
  work: Work,
  fn: () => void,
): void {
  const before = calibrate();
  const bench = new Bench({
    time: options.time,
    warmupTime: Math.min(200, options.time / 2),
    warmupIterations: 2,
    throws: true,
  });
  bench.add(row.work, fn);
  bench.runSync();
  const result = bench.tasks[0].result;
  if (!("latency" in result)) throw new Error(`${row.work}: the benchmark did not finish`);
  const ms = result.latency.p50;
  options.onRow({
    work: row.work,
    shape: row.shape,
    threads: 1,
    variant: row.variant ?? "simd",
    ms: round(ms),
    samples: result.latency.samplesCount,
    ...(work.flops === undefined ? {} : { gflops: round(work.flops / ms / 1e6) }),
    ...(work.bytes === undefined ? {} : { gbytesPerSecond: round(work.bytes / ms / 1e6) }),
    ...(work.images === undefined ? {} : { imagesPerSecond: round((work.images / ms) * 1000) }),
    calibration: round(Math.min(before, calibrate())),
  });
}

/** Four significant digits. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
