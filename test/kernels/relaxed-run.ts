/**
 * @file The relaxed variant from the library's outside. Bundled by relaxed.test.ts and run by other Nodes: no test
 * runner.
 */
import { init, matmul, Rng, scope, tensor, threads, variant } from "../../src/index.js";
import { createSession, init as initRuntime, variant as runtimeVariant } from "../../src/infer/index.js";

const [M, K, N] = [150, 400, 130];

/** Bits of a product of random matrices, as numbers. */
function product(): Int32Array {
  return scope(() => {
    const rng = new Rng("relaxed");
    const [a, b] = [new Float32Array(M * K), new Float32Array(K * N)];
    rng.fillUniform(a, -1, 1);
    rng.fillUniform(b, -1, 1);
    const c = matmul(tensor(a, { shape: [M, K] }), tensor(b, { shape: [K, N] })).toTypedArray() as Float32Array;
    return new Int32Array(c.buffer, c.byteOffset, c.length);
  });
}

const differences = (a: Int32Array, b: Int32Array): number => a.reduce((n, word, i) => n + (word === b[i] ? 0 : 1), 0);

/** What `init({ relaxed: true })` says here: the variant that runs, or the error. */
export async function explicitly(): Promise<string> {
  try {
    await init({ relaxed: true });
    return variant();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

/** The variant that `init({ relaxed: "auto" })` takes here. */
export async function leniently(): Promise<string> {
  await init({ relaxed: "auto" });
  return variant();
}

/** Elements of the product that differ from the plain kernels' in their bits, and between one thread and two. */
export async function bits(): Promise<{ fromPlain: number; betweenThreads: number; threads: number }> {
  init();
  const plain = product();
  await init({ relaxed: true });
  const one = product();
  await init({ relaxed: true, threads: 2 });
  const two = product();
  const count = threads();
  init();
  return { fromPlain: differences(one, plain), betweenThreads: differences(one, two), threads: count };
}

/** The variant that runs by default, and how many bits of a product of reals differ from those of plain SIMD alone. */
export async function byDefault(): Promise<{
  variant: string;
  fromPlain: number;
  threaded: string;
  afterwards: string;
}> {
  init();
  const [chosen, standard] = [variant(), product()];
  await init({ threads: 2 });
  const threaded = variant();
  const onTwo = product();
  await init({ relaxed: "never" });
  const [afterwards, plain] = [variant(), product()];
  init();
  return { variant: chosen, fromPlain: differences(standard, plain) + differences(onTwo, plain), threaded, afterwards };
}

/** The packed runtime alone, which the complete kernels then join. Has to run first. */
export async function runtime(): Promise<string> {
  await initRuntime({ relaxed: true });
  const alone = runtimeVariant();
  product();
  return `${alone}, then ${variant()}`;
}

/**
 * What the packed runtime computes of `model` and `input` that relaxed.test.ts has left for it, with each kind of its
 * own kernels. Has to run first.
 */
export async function packed(): Promise<{ variant: string; output: number[] }[]> {
  const { model, input } = globalThis as unknown as { model: Uint8Array; input: Uint8Array };
  const run = (): { variant: string; output: number[] } => {
    using session = createSession(model);
    return { variant: runtimeVariant(), output: [...session.run(input)] as number[] };
  };
  const answers = [run()];
  for (const relaxed of [false, "never"] as const) {
    await initRuntime({ relaxed });
    answers.push(run());
  }
  return answers;
}
