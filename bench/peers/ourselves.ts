/** @file Ourselves in a process of its own, for engines that cannot be two in one: other threads, other kernels. */
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { classifier, inferWork } from "../../src/cli/bench/infer.js";
import { GEMM_SHAPES } from "../../src/cli/bench/shapes.js";
import { TRAIN_SPECS, trainee, trainWork } from "../../src/cli/bench/train.js";
import { init, matmul, Rng, scope, type Tensor, tensor } from "../../src/index.js";
import { type Served, startServed } from "./served.js";
import { finite, INFER_MODELS } from "./works.js";

/** What the process computes on. */
export interface Engine {
  readonly threads: number;
  readonly relaxed: boolean;
}

export function gemmWork({ M, K, N }: (typeof GEMM_SHAPES)[number]): string {
  return `sgemm ${M}x${K}x${N}`;
}

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
  const model = INFER_MODELS.find((one) => inferWork(one, "1W4A", 1) === work);
  if (model !== undefined) return { work, ...classifier(model, "1W4A", 1, 1) };
  const spec = TRAIN_SPECS.find((one) => trainWork(one) === work);
  if (spec === undefined) throw new Error(`unknown work ${work}`);
  const { step, dispose } = trainee(spec, 1);
  return { work, run: () => finite(step()), dispose };
}

/** The process that is measured: answers until its input ends. */
export async function serveOurselves({ threads, relaxed }: Engine): Promise<void> {
  // Node 20 has relaxed SIMD behind a flag, which may be set until the first module is compiled.
  if (relaxed && process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
  await init({ threads, relaxed });
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

/** Starts such a process. @throws Error if it does not come up */
export async function startOurselves(name: string, { threads, relaxed }: Engine): Promise<Served> {
  const args = ["--serve-threads", `${threads}`, ...(relaxed ? ["--serve-relaxed"] : [])];
  const served = await startServed(name, process.execPath, [process.argv[1], ...args]);
  if (served === null) throw new Error(`no process for ${name}`);
  return served;
}
