/** @file What a training step costs beside its kernels: JavaScript, allocation, the graph, copies in and out. */
import { instrumentKernels, type Kernels } from "../../kernels/index.js";
import { calibrate } from "./calibrate.js";
import { type BenchOptions, engineInfo, round } from "./harness.js";
import { type TrainSpec, trainee } from "./train.js";

const SPECS: readonly TrainSpec[] = [
  { model: "resnet20", bits: "float", batch: 32 },
  { model: "resnet20", bits: "1W4A", batch: 32 },
];
const LEAST_STEPS = 7;
/** Steps after which the engine has optimized what runs thousands of times in each. */
const WARM_STEPS = 20;

type Kernel = (...args: number[]) => number | undefined;

/** Time spent in kernels, in milliseconds, and their calls. */
interface Meter {
  inside: number;
  calls: number;
}

/** The table with a clock around every kernel. */
function timed(kernels: Kernels, meter: Meter): Kernels {
  const wrapped = Object.entries(kernels as unknown as Record<string, Kernel>).map(([name, kernel]) => {
    const run: Kernel = (...args) => {
      const start = performance.now();
      const returned = kernel(...args);
      meter.inside += performance.now() - start;
      meter.calls++;
      return returned;
    };
    return [name, run];
  });
  return Object.fromEntries(wrapped) as unknown as Kernels;
}

/**
 * Milliseconds that a wrapped call takes beside what it counts as inside, and what it counts for a kernel that does
 * nothing.
 */
function meterCost(): { beside: number; counted: number } {
  const meter = { inside: 0, calls: 0 };
  const { nothing } = timed({ nothing: () => undefined } as unknown as Kernels, meter) as unknown as Record<
    string,
    Kernel
  >;
  const CALLS = 20_000;
  const run = (): number => {
    meter.inside = 0;
    const start = performance.now();
    for (let i = 0; i < CALLS; i++) nothing(1, 2, 3, 4, 5);
    return performance.now() - start;
  };
  run();
  const total = run();
  return { beside: (total - meter.inside) / CALLS, counted: meter.inside / CALLS };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/**
 * Rows such as `overhead resnet20 float b32`: `ms` is what a step takes beside its kernels, the clocks' own cost taken
 * out.
 */
export function benchOverhead(options: BenchOptions): void {
  for (const spec of SPECS) {
    const work = `overhead ${spec.model} ${spec.bits} b${spec.batch}`;
    if (!options.wants(work)) continue;
    const before = calibrate();
    const { shape, step, dispose } = trainee(spec, options.seed);
    for (let i = 0; i < WARM_STEPS; i++) step();
    const cost = meterCost();
    const meter = { inside: 0, calls: 0 };
    const restore = instrumentKernels((kernels) => timed(kernels, meter));
    step();
    const besides: number[] = [];
    const shares: number[] = [];
    const cpuStart = process.cpuUsage();
    const start = performance.now();
    while (besides.length < LEAST_STEPS || performance.now() - start < options.time) {
      meter.inside = 0;
      meter.calls = 0;
      const begin = performance.now();
      step();
      const total = performance.now() - begin - meter.calls * (cost.beside + cost.counted);
      const inside = meter.inside - meter.calls * cost.counted;
      besides.push(total - inside);
      shares.push((total - inside) / total);
    }
    const { user, system } = process.cpuUsage(cpuStart);
    const cpuShare = (user + system) / 1000 / (performance.now() - start);
    restore();
    dispose();
    options.onRow({
      work,
      shape: shape.join("x"),
      ...engineInfo(),
      ms: round(median(besides)),
      msMin: round(Math.min(...besides)),
      samples: besides.length,
      overhead: Number(median(shares).toFixed(4)),
      kernelCalls: meter.calls,
      calibration: round(Math.min(before, calibrate())),
      cpuShare: Number(cpuShare.toFixed(2)),
    });
  }
}
