/**
 * @file One row of a benchmark: medians by tinybench, with a calibration figure so that rows from different moments
 * compare.
 */
import { Bench } from "tinybench";
import { heap, threads, variant } from "../../kernels/index.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { calibrate } from "./calibrate.js";

/** What one row reports. */
export interface Row {
  /** Names the work for good: `sgemm 512x512x512` (M×K×N), `train lenet5 float b128`. */
  readonly work: string;
  readonly shape: string;
  readonly threads: number;
  /** Which kernels ran: a `Variant`. */
  readonly variant: string;
  /** Median of the samples. */
  readonly ms: number;
  /** The fastest sample: what the machine gives when nobody disturbs it. */
  readonly msMin: number;
  readonly samples: number;
  /** From the median, like the two below. */
  readonly gflops?: number;
  readonly gbytesPerSecond?: number;
  readonly imagesPerSecond?: number;
  /** Of an overhead row: part of the step that no kernel runs, 0 … 1, and kernel calls in a step. */
  readonly overhead?: number;
  readonly kernelCalls?: number;
  /** How many times as fast as the row before the shards. */
  readonly speedup?: number;
  /** GFLOP/s of a register-only loop just before and after (the lower): how fast the machine was at that moment. */
  readonly calibration: number;
  /** Processor time over elapsed time: well below `threads` where other processes wanted the cores too. */
  readonly cpuShare: number;
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
  /** Seed of whatever is random. */
  readonly seed: number;
  /** True for the rows that are asked for. */
  readonly wants: (work: string) => boolean;
  /** Also a row for each layer, where a row has layers. */
  readonly profile?: boolean;
  readonly onRow: (row: Row) => void;
}

/** Rows of long work get this many samples however short the time. */
const LEAST_SAMPLES = 5;

/** Deterministic filler: values in (−1, 1) that are neither equal nor special. */
export function filled(shape: readonly number[]): NDArray {
  const out = NDArray.empty(shape);
  const view = heap().f32(out.ptr, out.size);
  for (let i = 0; i < view.length; i++) view[i] = ((Math.imul(i + 1, 2654435761) >>> 8) & 0xffff) / 32768 - 1;
  return out;
}

/** Deterministic bytes, as unlike each other as those of images. */
export function filledBytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => Math.imul(i, 2654435761) >>> 24);
}

/** What the rows ran on. */
export function engineInfo(): { threads: number; variant: string } {
  return { threads: threads(), variant: variant() };
}

/** Runs `fn`. @returns its result, and the figures that a row says of its surroundings */
export function timed<T>(fn: () => T): {
  result: T;
  around: Pick<Row, "threads" | "variant" | "calibration" | "cpuShare">;
} {
  const before = calibrate();
  const cpuStart = process.cpuUsage();
  const start = performance.now();
  const result = fn();
  const { user, system } = process.cpuUsage(cpuStart);
  const cpuShare = (user + system) / 1000 / (performance.now() - start);
  const calibration = round(Math.min(before, calibrate()));
  return { result, around: { ...engineInfo(), calibration, cpuShare: Number(cpuShare.toFixed(2)) } };
}

/** Times `fn` and hands the row to `options.onRow`, if the row is wanted. */
export function measure(
  options: BenchOptions,
  row: { work: string; shape: string; variant?: string },
  work: Work,
  fn: () => void,
): void {
  if (!options.wants(row.work)) return;
  const bench = new Bench({
    time: options.time,
    iterations: LEAST_SAMPLES,
    warmupTime: Math.min(200, options.time / 2),
    warmupIterations: 2,
    throws: true,
  });
  bench.add(row.work, fn);
  const { around } = timed(() => bench.runSync());
  const result = bench.tasks[0].result;
  if (!("latency" in result)) throw new Error(`${row.work}: the benchmark did not finish`);
  const { p50: ms, min, samplesCount: samples } = result.latency;
  options.onRow({
    work: row.work,
    shape: row.shape,
    ...around,
    ...(row.variant === undefined ? {} : { variant: row.variant }),
    ms: round(ms),
    msMin: round(min),
    samples,
    ...(work.flops === undefined ? {} : { gflops: round(work.flops / ms / 1e6) }),
    ...(work.bytes === undefined ? {} : { gbytesPerSecond: round(work.bytes / ms / 1e6) }),
    ...(work.images === undefined ? {} : { imagesPerSecond: round((work.images / ms) * 1000) }),
  });
}

/** Four significant digits. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}
