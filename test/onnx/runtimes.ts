/**
 * @file The runtimes that exported files are run by: onnxruntime-web always, onnxruntime-node where it is installed
 * beside the benchmarks.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** A value of a model: elements and extents. */
export interface RuntimeValue {
  readonly data: Float32Array | Uint8Array;
  readonly dims: readonly number[];
}

/** A model that is loaded. */
export interface RuntimeSession {
  run(input: Float32Array | Uint8Array, dims: readonly number[]): Promise<ReadonlyMap<string, RuntimeValue>>;
  release(): Promise<void>;
}

/** A runtime of ONNX files. */
export interface Runtime {
  readonly name: string;
  load(bytes: Uint8Array, options?: { optimize?: boolean }): Promise<RuntimeSession>;
}

/** What is used of both packages. */
interface Ort {
  readonly env: { logLevel?: string; wasm: { numThreads?: number } };
  readonly Tensor: new (type: string, data: Float32Array | Uint8Array, dims: readonly number[]) => RuntimeValue;
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{
      readonly inputNames: readonly string[];
      run(feeds: object): Promise<Record<string, RuntimeValue>>;
      release(): Promise<void>;
    }>;
  };
}

function runtimeOf(name: string, ort: Ort, providers: readonly string[]): Runtime {
  return {
    name,
    async load(bytes, { optimize = true } = {}) {
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders: providers,
        graphOptimizationLevel: optimize ? "all" : "disabled",
        intraOpNumThreads: 1,
        // 3: errors alone.
        logSeverityLevel: 3,
      });
      return {
        async run(input, dims) {
          const type = input instanceof Float32Array ? "float32" : "uint8";
          const found = await session.run({ [session.inputNames[0]]: new ort.Tensor(type, input, dims) });
          return new Map(Object.entries(found));
        },
        release: () => session.release(),
      };
    },
  };
}

/** onnxruntime-web on WebAssembly, one thread. */
export async function webRuntime(): Promise<Runtime> {
  const ort = (await import("onnxruntime-web")) as unknown as Ort;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return runtimeOf("onnxruntime-web", ort, ["wasm"]);
}

const NATIVE = path.join(import.meta.dirname, "../../bench/peers/node_modules/onnxruntime-node");

/** True if onnxruntime-node is installed by `npm run bench:peers`. */
export const hasNative = existsSync(NATIVE);

/** onnxruntime-node on the CPU, one thread. */
export async function nativeRuntime(): Promise<Runtime> {
  const { createRequire } = await import("node:module");
  const file = createRequire(pathToFileURL(NATIVE)).resolve(NATIVE);
  const loaded = (await import(pathToFileURL(file).href)) as Ort & { default?: Ort };
  return runtimeOf("onnxruntime-node", loaded.default ?? loaded, ["cpu"]);
}
