/** @file Ourselves on one and on two threads, each in a process of its own: both engines cannot run in one. */
import { createInterface } from "node:readline";
import { GEMM_SHAPES } from "../../src/cli/bench/shapes.js";
import { TRAIN_SPECS, trainee, trainWork } from "../../src/cli/bench/train.js";
import { init, matmul, Rng, scope, type Tensor, tensor } from "../../src/index.js";
import type { Contender } from "./alternate.js";
import { type Served, startServed } from "./served.js";
import { finite } from "./works.js";

/** Threads that are compared. */
const COUNTS = [1, 2];

function gemmWork({ M, K, N }: (typeof GEMM_SHAPES)[number]): string {
  return `sgemm ${M}x${K}x${N}`;
}

/** What is measured. */
export const THREAD_WORKS: readonly string[] = [...GEMM_SHAPES.map(gemmWork), ...TRAIN_SPECS.map(trainWork)];

interface Running {
  readonly work: string;
  run(): void;
  dispose(): void;
}

/** @throws Error on an unknown work */
function prepare(work: string): Running {
  const shape = GEMM_SHAPES.find((gemm) => gemmWork(gemm) === work);
  if (shape !== undefined) {
    const rng = new Rng(1);
    const random = (rows: number, columns: number): Tensor => {
      const values = new Float32Array(rows * columns);
      rng.fillUniform(values, -1, 1);
      return tensor(values, { shape: [rows, columns] });
    };
    const [a, b] = [random(shape.M, shape.K), random(shape.K, shape.N)];
    const dispose = (): void => {
      a.dispose();
      b.dispose();
    };
    return { work, run: () => void scope(() => matmul(a, b).shape), dispose };
  }
  const spec = TRAIN_SPECS.find((one) => trainWork(one) === work);
  if (spec === undefined) throw new Error(`unknown work ${work}`);
  const { step, dispose } = trainee(spec, 1);
  return { work, run: () => finite(step()), dispose };
}

/** The process that is measured: answers until its input ends. */
export async function serveThreads(threads: number): Promise<void> {
  await init({ threads });
  console.log(JSON.stringify({ version: `${threads}` }));
  let running: Running | null = null;
  for await (const line of createInterface({ input: process.stdin })) {
    const { work, calls } = JSON.parse(line) as { work: string; calls: number };
    if (running?.work !== work) {
      running?.dispose();
      running = prepare(work);
    }
    const start = performance.now();
    for (let call = 0; call < calls; call++) running.run();
    console.log(JSON.stringify({ ms: (performance.now() - start) / calls }));
  }
}

/** Two threads first, as what the other is compared with: a ratio is how many times as fast they are. */
export async function startThreadProcesses(): Promise<{ contenders(work: string): Contender[]; close(): void }> {
  const started: { served: Served; threads: number }[] = [];
  for (const count of [...COUNTS].reverse()) {
    const name = count === 1 ? "coarsegrad, one thread" : "coarsegrad";
    const served = await startServed(name, process.execPath, [process.argv[1], "--serve-threads", `${count}`]);
    if (served === null) throw new Error(`no process with ${count} threads`);
    started.push({ served, threads: count });
  }
  return {
    contenders: (work) => started.map(({ served, threads }) => ({ ...served.contender(work), threads })),
    close: () => {
      for (const { served } of started) served.close();
    },
  };
}
