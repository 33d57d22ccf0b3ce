/**
 * @file The peers, one thread each, as far as they are installed and run here. Their types are not: this folder is
 * compiled without them, so what is used of each is written down.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Jax, JaxModule } from "./jax.js";
import type { Graph } from "./onnx.js";
import { onnxModel } from "./onnx.js";

/** This folder, whether the sources run or their bundle in `build/`. */
export const here = path.resolve(fileURLToPath(new URL(".", import.meta.url))).replace(/[\\/]build$/, "");

/**
 * Imports a package of this folder's node_modules; the name is a variable so that neither compiler nor bundler looks
 * for it.
 */
async function load<T>(name: string): Promise<T> {
  const module = (await import(name)) as { default?: T };
  return { ...module.default, ...module } as T;
}

interface OrtTensor {
  readonly data: Float32Array;
}
interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}
interface OrtModule {
  readonly env: { wasm: { numThreads?: number }; versions: Record<string, string> };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<OrtSession> };
}

/** An ONNX runtime: makes a function that runs a graph. */
export interface OnnxRuntime {
  readonly name: string;
  prepare(
    graph: Graph,
    feeds: readonly Float32Array[],
  ): Promise<{ run(): Promise<Float32Array>; release(): Promise<void> }>;
}

async function onnxRuntime(name: "onnxruntime-web" | "onnxruntime-node"): Promise<OnnxRuntime> {
  const ort = await load<OrtModule>(name);
  const protobuf = await load<Parameters<typeof onnxModel>[0]>("protobufjs");
  if (name === "onnxruntime-web") ort.env.wasm.numThreads = 1;
  const version = ort.env.versions[name === "onnxruntime-web" ? "web" : "node"] ?? "";
  return {
    name: `${name} ${version}`.trim(),
    async prepare(graph, data) {
      const session = await ort.InferenceSession.create(onnxModel(protobuf, graph), {
        executionProviders: [name === "onnxruntime-web" ? "wasm" : "cpu"],
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
      });
      const feeds = Object.fromEntries(
        graph.inputs.map(({ name: input, shape }, i) => [input, new ort.Tensor("float32", data[i], shape)]),
      );
      const output = graph.outputs[0].name;
      return {
        run: async () => (await session.run(feeds))[output].data,
        release: () => session.release(),
      };
    },
  };
}

/** A tensor of tfjs. */
export interface TfTensor {
  dispose(): void;
  dataSync(): Float32Array;
}

/** What is used of tfjs. */
export interface Tf {
  readonly version: { readonly tfjs: string };
  setBackend(name: string): Promise<boolean>;
  tensor(values: Float32Array, shape: readonly number[]): TfTensor;
  variable(initial: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  relu(x: TfTensor): TfTensor;
  conv2d(x: TfTensor, filter: TfTensor, strides: number, pad: number | "valid"): TfTensor;
  readonly losses: { softmaxCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor };
  readonly train: { momentum(lr: number, momentum: number): { minimize(f: () => TfTensor, cost: true): TfTensor } };
}

/** tfjs on one of its backends. */
export interface TfBackend {
  readonly name: string;
  readonly tf: Tf;
  /** Makes this backend the one that runs. */
  use(): Promise<void>;
}

async function tfBackend(kind: "wasm" | "cpu"): Promise<TfBackend> {
  const tf = await load<Tf>("@tensorflow/tfjs");
  if (kind === "wasm") {
    const wasm = await load<{ setWasmPaths(dir: string): void; setThreadsCount(n: number): void }>(
      "@tensorflow/tfjs-backend-wasm",
    );
    wasm.setWasmPaths(path.join(here, "node_modules", "@tensorflow", "tfjs-backend-wasm", "dist", path.sep));
    wasm.setThreadsCount(1);
  }
  const use = async (): Promise<void> => {
    if (!(await tf.setBackend(kind))) throw new Error(`the backend ${kind} does not start`);
  };
  await use();
  return { name: `tfjs-${kind} ${tf.version.tfjs}`, tf, use };
}

async function startJax(): Promise<Jax> {
  const jax = await load<JaxModule>("@jax-js/jax");
  if (!(await jax.init("wasm")).includes("wasm")) throw new Error("the device wasm does not start");
  jax.defaultDevice("wasm");
  const { dependencies } = JSON.parse(readFileSync(path.join(here, "package.json"), "utf8"));
  return { name: `jax-js ${dependencies["@jax-js/jax"]}`, jax };
}

/** All peers that start here, and why the others do not. */
export interface Libraries {
  readonly onnx: readonly OnnxRuntime[];
  readonly tfjs: readonly TfBackend[];
  readonly jax: readonly Jax[];
  readonly missing: readonly string[];
}

/** Loads the peers. */
export async function loadLibraries(): Promise<Libraries> {
  const missing: string[] = [];
  const attempt = async <T>(name: string, make: () => Promise<T>): Promise<T[]> => {
    try {
      return [await make()];
    } catch (error) {
      missing.push(`${name}: ${(error as Error).message.split("\n")[0]}`);
      return [];
    }
  };
  return {
    onnx: [
      ...(await attempt("onnxruntime-web", () => onnxRuntime("onnxruntime-web"))),
      ...(await attempt("onnxruntime-node", () => onnxRuntime("onnxruntime-node"))),
    ],
    tfjs: [
      ...(await attempt("tfjs-cpu", () => tfBackend("cpu"))),
      ...(await attempt("tfjs-wasm", () => tfBackend("wasm"))),
    ],
    jax: await attempt("jax-js", startJax),
    missing,
  };
}
