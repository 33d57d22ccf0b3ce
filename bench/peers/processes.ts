/**
 * @file Works that need a process of their own: the way from its start to a first product, and the memory of a training
 * step.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type TrainSpec, trainee } from "../../src/cli/bench/train.js";
import { ones } from "../../src/index.js";
import type { Contender } from "./alternate.js";
import { here } from "./libraries.js";
import { matmulGraph, onnxModel } from "./onnx.js";
import { OURS } from "./works.js";

/** Runs a program until its first line of output. @returns milliseconds since the start, and the line */
function untilFirstLine(command: string, args: readonly string[]): Promise<{ ms: number; line: string }> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { cwd: here, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let ms = 0;
    let errors = "";
    child.stdout.on("data", (text) => {
      ms ||= performance.now() - start;
      out += text;
    });
    child.stderr.on("data", (text) => {
      errors += text;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const line = out.split("\n")[0];
      if (code === 0 && line !== "") resolve({ ms, line });
      else reject(new Error(`${command} ${args[0]}: ${errors.trim().split("\n").pop() ?? `exit code ${code}`}`));
    });
  });
}

const N = 128;
const A = `const a = new Float32Array(${N * N}).fill(1);`;

/** What each library's user would write; prints an element of the product. */
async function startPrograms(library: string): Promise<Record<string, string>> {
  const protobuf = (await import("protobufjs" as string)) as { default: Parameters<typeof onnxModel>[0] };
  const model = path.join(here, "build", "matmul.onnx");
  await writeFile(model, onnxModel(protobuf.default, matmulGraph(N, N, N)));
  const onnx = (name: string): string => `
    import * as ort from "${name}";
    import { readFileSync } from "node:fs";
    ${A}
    if (ort.env.wasm) ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(readFileSync(${JSON.stringify(model)}), { intraOpNumThreads: 1 });
    const t = new ort.Tensor("float32", a, [${N}, ${N}]);
    console.log((await session.run({ a: t, b: t })).c.data[0]);
    process.exit(0);`;
  return {
    [OURS]: `
    import { matmul, tensor } from ${JSON.stringify(pathToFileURL(library).href)};
    ${A}
    const t = tensor(a, { shape: [${N}, ${N}] });
    console.log(matmul(t, t).toTypedArray()[0]);`,
    "nothing (an empty process)": `console.log(${N})`,
    "onnxruntime-web": onnx("onnxruntime-web"),
    "onnxruntime-node": onnx("onnxruntime-node"),
    "tfjs-wasm": `
    import * as tf from "@tensorflow/tfjs-core";
    import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
    ${A}
    setWasmPaths(${JSON.stringify(path.join(here, "node_modules", "@tensorflow", "tfjs-backend-wasm", "dist", path.sep))});
    setThreadsCount(1);
    await tf.setBackend("wasm");
    const t = tf.tensor(a, [${N}, ${N}]);
    console.log(tf.matMul(t, t).dataSync()[0]);`,
  };
}

/** From the start of a process to its first 128³ product. @param library the built package's entry */
export async function startContenders(library: string): Promise<Contender[]> {
  const programs = await startPrograms(library);
  const contenders: Contender[] = [];
  for (const [name, program] of Object.entries(programs)) {
    const run = async (): Promise<number> => {
      const { ms, line } = await untilFirstLine(process.execPath, ["--input-type=module", "-e", program]);
      if (line !== `${N}`) throw new Error(`${name}: the product is ${line}; expected ${N}`);
      return ms;
    };
    try {
      await run();
    } catch (error) {
      console.error(`bench: ${name} left out: ${(error as Error).message}`);
      continue;
    }
    contenders.push({ name, sample: run });
  }
  return contenders;
}

/** Steps after which memory no longer grows. */
const STEPS = 6;

/** The process of {@link peakMemory}: prints kilobytes before and after the steps. */
export function measureMemory(spec: TrainSpec): void {
  ones([16]).dispose();
  const before = process.resourceUsage().maxRSS;
  const { step, dispose } = trainee(spec, 1);
  for (let i = 0; i < STEPS; i++) step();
  dispose();
  console.log(JSON.stringify({ before, after: process.resourceUsage().maxRSS }));
}

/** Megabytes that the steps of a work add to a fresh process. */
export async function peakMemory(
  command: string,
  args: readonly string[],
): Promise<{ megabytes: number; all: number }> {
  const { line } = await untilFirstLine(command, args);
  const { before, after } = JSON.parse(line) as { before: number; after: number };
  return { megabytes: (after - before) / 1024, all: after / 1024 };
}
