/** @file The worker that times: every case warm, as long as it is told. */
import { init, threads, variant } from "coarsegrad";
import { serve } from "coarsegrad/worker";
import { CASES, type Prepared } from "./cases.js";
import type { Row } from "./row.js";

const LEAST_SAMPLES = 5;

/** Milliseconds of single runs; runs that are shorter than the clock's step are timed together. */
function samplesOf({ run }: Prepared, milliseconds: number): number[] {
  const warm = performance.now() + milliseconds / 2;
  let runs = 0;
  const before = performance.now();
  do {
    run();
    runs++;
  } while (performance.now() < warm);
  const each = (performance.now() - before) / runs;
  const together = Math.max(1, Math.ceil(4 / each));
  const samples: number[] = [];
  const end = performance.now() + milliseconds;
  while (samples.length < LEAST_SAMPLES || performance.now() < end) {
    const start = performance.now();
    for (let i = 0; i < together; i++) run();
    samples.push((performance.now() - start) / together);
  }
  return samples.sort((a, b) => a - b);
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Choices of a measurement. */
export interface TimingOptions {
  readonly signal: AbortSignal;
  readonly onRow: (row: Row, done: number, all: number) => void;
}

const handlers = {
  async time(count: number, milliseconds: number, { signal, onRow }: TimingOptions): Promise<{ variant: string }> {
    await init({ threads: count });
    for (const [i, { work, shape, flops, images, prepare }] of CASES.entries()) {
      await turn();
      if (signal.aborted) break;
      const prepared = prepare();
      const samples = samplesOf(prepared, milliseconds);
      prepared.dispose();
      const ms = samples[samples.length >> 1];
      const rates = {
        ...(flops !== undefined && { gflops: flops / ms / 1e6 }),
        ...(images !== undefined && { imagesPerSecond: (1000 * images) / ms }),
      };
      onRow(
        { work, shape, threads: threads(), ms, msMin: samples[0], samples: samples.length, ...rates },
        i + 1,
        CASES.length,
      );
    }
    return { variant: variant() };
  },
};

export type SpeedHandlers = typeof handlers;

serve(handlers);
