/** @file jax-js on its WebAssembly backend: matrix products, and the MLP's training step as one compiled function. */
import { type Contender, local } from "./alternate.js";

/** An array of jax-js. A use ends its life, but for a use of `ref`. */
export interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  add(other: JaxArray): JaxArray;
  sub(other: JaxArray): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  sum(): JaxArray;
  dataSync(): Float32Array;
  dispose(): void;
}

type Step = (...args: unknown[]) => [JaxArray, JaxArray[], JaxArray[]];

/** What is used of jax-js. */
export interface JaxModule {
  init(device: "wasm"): Promise<readonly string[]>;
  defaultDevice(device: "wasm"): string;
  readonly numpy: { array(data: Float32Array): JaxArray; matmul(a: JaxArray, b: JaxArray): JaxArray };
  readonly nn: { relu(x: JaxArray): JaxArray; logSoftmax(x: JaxArray): JaxArray };
  valueAndGrad(
    f: (params: JaxArray[], x: JaxArray, y: JaxArray) => JaxArray,
  ): (params: JaxArray[], x: JaxArray, y: JaxArray) => [JaxArray, JaxArray[]];
  jit(f: (params: JaxArray[], velocities: JaxArray[], x: JaxArray, y: JaxArray) => ReturnType<Step>): Step;
  blockUntilReady(arrays: readonly JaxArray[]): Promise<unknown>;
}

/** jax-js, started. */
export interface Jax {
  readonly name: string;
  readonly jax: JaxModule;
}

/**
 * Calls a function while there is no global Worker, which onnxruntime-web brings to Node: jax-js decides by it at every
 * kernel that it makes whether memory is shared by threads, and started without.
 */
function withoutWorkers<T>(call: () => T): T {
  const scope = globalThis as { Worker?: unknown };
  const kept = Object.getOwnPropertyDescriptor(scope, "Worker");
  delete scope.Worker;
  try {
    return call();
  } finally {
    if (kept !== undefined) Object.defineProperty(scope, "Worker", kept);
  }
}

const array = ({ numpy }: JaxModule, data: Float32Array, shape: readonly number[]): JaxArray =>
  numpy.array(data).reshape(shape);

/** C = A·B on float32 operands. */
export function jaxGemm(
  { name, jax }: Jax,
  a: { data: Float32Array; shape: readonly number[] },
  b: { data: Float32Array; shape: readonly number[] },
  check: (result: Float32Array) => void,
): { contender: Contender; release(): Promise<void> } {
  const [x, y] = [array(jax, a.data, a.shape), array(jax, b.data, b.shape)];
  const product = (): JaxArray => jax.numpy.matmul(x.ref, y.ref);
  check(withoutWorkers(() => product().dataSync()));
  // Arrays are lazy: only looking at one makes sure that it has been computed.
  const run = async (): Promise<void> => {
    const c = product();
    await withoutWorkers(() => jax.blockUntilReady([c.ref]));
    c.dispose();
  };
  return {
    contender: local(name, run),
    async release() {
      x.dispose();
      y.dispose();
    },
  };
}

/** Values that an MLP starts from. */
export interface MlpStart {
  readonly widths: readonly number[];
  readonly batch: number;
  readonly weights: readonly Float32Array[];
  readonly images: Float32Array;
  /** [batch, classes] */
  readonly oneHot: Float32Array;
}

/** Forward, backward and a momentum step, compiled by jax-js into fused kernels. */
export function jaxMlp({ name, jax }: Jax, start: MlpStart, onLoss: (loss: number) => void): Contender {
  const { widths, batch, weights, images, oneHot } = start;
  const layers = weights.length;
  const loss = (params: JaxArray[], x: JaxArray, y: JaxArray): JaxArray => {
    let h = x;
    for (let k = 0; k < layers; k++) {
      const z = jax.numpy.matmul(h, params[2 * k]).add(params[2 * k + 1]);
      h = k < layers - 1 ? jax.nn.relu(z) : z;
    }
    return jax.nn
      .logSoftmax(h)
      .mul(y)
      .sum()
      .mul(-1 / batch);
  };
  const gradient = jax.valueAndGrad(loss);
  const step = jax.jit((params, velocities, x, y) => {
    const [value, gradients] = gradient(
      params.map((param) => param.ref),
      x,
      y,
    );
    const next = velocities.map((velocity, i) => velocity.mul(0.9).add(gradients[i]));
    return [value, params.map((param, i) => param.sub(next[i].ref.mul(0.01))), next];
  });
  let params = weights.flatMap((weight, k) => [
    array(jax, weight, [widths[k], widths[k + 1]]),
    array(jax, new Float32Array(widths[k + 1]), [widths[k + 1]]),
  ]);
  let velocities = params.map((param) => param.ref.mul(0));
  const x = array(jax, images, [batch, widths[0]]);
  const y = array(jax, oneHot, [batch, widths[layers]]);
  return local(name, async () => {
    await withoutWorkers(() => {
      const [value, nextParams, nextVelocities] = step(params, velocities, x.ref, y.ref);
      [params, velocities] = [nextParams, nextVelocities];
      onLoss(value.dataSync()[0]);
      return jax.blockUntilReady(params.map((param) => param.ref));
    });
  });
}
