/**
 * @file Works that every library does in this process: matrix products, convolutions forward, an MLP's training step.
 * Results are compared first.
 */
import { classifier, inferWork } from "../../src/cli/bench/infer.js";
import { type ConvShape, convWork, type GemmShape } from "../../src/cli/bench/shapes.js";
import { type TrainSpec, trainee, trainWork } from "../../src/cli/bench/train.js";
import { conv2d, matmul, noGrad, Rng, scope, tensor } from "../../src/index.js";
import { type Contender, local } from "./alternate.js";
import { jaxGemm, jaxMlp, type MlpStart } from "./jax.js";
import type { Libraries, Tf, TfBackend, TfTensor } from "./libraries.js";
import { GRAPHS } from "./networks.js";
import { convGraph, matmulGraph } from "./onnx.js";

/** A work with its implementations, ours first. */
export interface Prepared {
  readonly work: string;
  readonly flops?: number;
  readonly images?: number;
  readonly contenders: readonly Contender[];
  release(): Promise<void>;
}

/** Everybody's name for us. */
export const OURS = "coarsegrad";

/** Relative to the largest magnitude: f32 sums of some thousand terms in any order, Winograd's rounding included. */
const TOLERANCE = 1e-4;

function random(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  new Rng(seed).fillUniform(values, -1, 1);
  return values;
}

/** @throws Error if a peer's result is not ours */
function expectSame(work: string, name: string, ours: Float32Array, theirs: Float32Array): void {
  let worst = ours.length === theirs.length ? 0 : Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    worst = Math.max(worst, Math.abs(ours[i] - theirs[i]));
    largest = Math.max(largest, Math.abs(ours[i]));
  }
  if (!(worst <= TOLERANCE * largest)) throw new Error(`${work}: ${name} differs from ours by ${worst} of ${largest}`);
}

/** Axes of a dense rank-4 array in another order. */
export function permuted(data: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const [d0, d1, d2, d3] = axes.map((axis) => shape[axis]);
  const [s0, s1, s2, s3] = axes.map((axis) => strides[axis]);
  const out = new Float32Array(data.length);
  let at = 0;
  for (let i = 0; i < d0; i++)
    for (let j = 0; j < d1; j++)
      for (let k = 0; k < d2; k++) for (let l = 0; l < d3; l++) out[at++] = data[i * s0 + j * s1 + k * s2 + l * s3];
  return out;
}

/** A tfjs contender whose result is thrown away, as ours is by its scope. */
async function tfContender(
  { name, tf, use }: TfBackend,
  make: (tf: Tf) => { run(): TfTensor; inputs: readonly TfTensor[] },
  check: (result: Float32Array) => void,
): Promise<{ contender: Contender; release(): Promise<void> }> {
  await use();
  const { run, inputs } = make(tf);
  const first = run();
  check(first.dataSync());
  first.dispose();
  const inner = local(name, () => run().dispose());
  return {
    contender: {
      name,
      async sample(calls) {
        await use();
        return inner.sample(calls);
      },
    },
    async release() {
      await use();
      for (const input of inputs) input.dispose();
    },
  };
}

/** C = A·B, both operands new at every call as far as the libraries know. */
export async function prepareGemm({ M, K, N }: GemmShape, { onnx, tfjs, jax }: Libraries): Promise<Prepared> {
  const work = `sgemm ${M}x${K}x${N}`;
  const [a, b] = [random(M * K, 1), random(K * N, 2)];
  const [ta, tb] = [tensor(a, { shape: [M, K] }), tensor(b, { shape: [K, N] })];
  const product = (): Float32Array => noGrad(() => scope(() => matmul(ta, tb).toTypedArray() as Float32Array));
  const ours = product();
  const contenders = [local(OURS, () => noGrad(() => scope(() => void matmul(ta, tb))))];
  const releases: (() => Promise<void>)[] = [];
  for (const runtime of onnx) {
    const { run, release } = await runtime.prepare(matmulGraph(M, K, N), [a, b]);
    expectSame(work, runtime.name, ours, await run());
    contenders.push(local(runtime.name, run));
    releases.push(release);
  }
  for (const backend of tfjs.filter(isWasm)) {
    const { contender, release } = await tfContender(
      backend,
      (tf) => {
        const inputs = [tf.tensor(a, [M, K]), tf.tensor(b, [K, N])] as const;
        return { inputs, run: () => tf.matMul(...inputs) };
      },
      (result) => expectSame(work, backend.name, ours, result),
    );
    contenders.push(contender);
    releases.push(release);
  }
  for (const peer of jax) {
    const operands = [
      { data: a, shape: [M, K] },
      { data: b, shape: [K, N] },
    ] as const;
    const { contender, release } = jaxGemm(peer, ...operands, (result) => expectSame(work, peer.name, ours, result));
    contenders.push(contender);
    releases.push(release);
  }
  return { work, flops: 2 * M * K * N, contenders, release: releaseAll([ta, tb], releases) };
}

/** tfjs on plain JavaScript is tens of times slower: it takes part only where nothing else does. */
const isWasm = ({ name }: TfBackend): boolean => name.startsWith("tfjs-wasm");

function releaseAll(
  tensors: readonly { dispose(): void }[],
  releases: readonly (() => Promise<void>)[],
): () => Promise<void> {
  return async () => {
    for (const one of tensors) one.dispose();
    for (const release of releases) await release();
  };
}

/** A convolution forward, each library in its own layout; ONNX runtimes know the weights as constants. */
export async function prepareConv(conv: ConvShape, { onnx, tfjs }: Libraries): Promise<Prepared> {
  const work = convWork(conv, "fwd");
  const { batch, size, inChannels, outChannels, kernel, padding, stride } = conv;
  const nhwc = [batch, size, size, inChannels];
  const oihw = [outChannels, inChannels, kernel, kernel];
  const x = random(batch * size * size * inChannels, 1);
  const w = random(outChannels * inChannels * kernel * kernel, 2);
  const [tx, tw] = [tensor(x, { shape: nhwc }), tensor(w, { shape: oihw })];
  const run = () => conv2d(tx, tw, null, { padding, stride });
  const { ours, outShape } = noGrad(() =>
    scope(() => {
      const y = run();
      return { ours: y.toTypedArray() as Float32Array, outShape: y.shape };
    }),
  );
  const contenders = [local(OURS, () => noGrad(() => scope(() => void run())))];
  const releases: (() => Promise<void>)[] = [];
  const [, height, width] = outShape;
  for (const runtime of onnx) {
    const graph = convGraph({
      image: [batch, inChannels, size, size],
      weight: { name: "w", shape: oihw, data: w },
      padding,
      stride,
    });
    const session = await runtime.prepare(graph, [permuted(x, nhwc, [0, 3, 1, 2])]);
    const nchw = [batch, outChannels, height, width];
    expectSame(work, runtime.name, ours, permuted(await session.run(), nchw, [0, 2, 3, 1]));
    contenders.push(local(runtime.name, session.run));
    releases.push(session.release);
  }
  for (const backend of tfjs.filter(isWasm)) {
    const { contender, release } = await tfContender(
      backend,
      (tf) => {
        const inputs = [
          tf.tensor(x, nhwc),
          tf.tensor(permuted(w, oihw, [2, 3, 1, 0]), [kernel, kernel, inChannels, outChannels]),
        ] as const;
        return { inputs, run: () => tf.conv2d(...inputs, stride, padding === 0 ? "valid" : padding) };
      },
      (result) => expectSame(work, backend.name, ours, result),
    );
    contenders.push(contender);
    releases.push(release);
  }
  const flops = 2 * ours.length * inChannels * kernel * kernel;
  return { work, flops, contenders, release: releaseAll([tx, tw], releases) };
}

/** Networks that are timed beside the peers. */
export const INFER_MODELS = Object.keys(GRAPHS) as (keyof typeof GRAPHS)[];

/**
 * One image through a network: ours packed in 1W4A, then in 4W4A and in float; ONNX runtimes in f32 and in int8. The networks differ in their
 * weights, so only time is compared.
 */
export async function prepareInfer(model: keyof typeof GRAPHS, { onnx }: Libraries): Promise<Prepared> {
  const ours = classifier(model, "1W4A", 1, 1);
  const others = (["4W4A", "float"] as const).map((bits) => ({ bits, ...classifier(model, bits, 1, 1) }));
  const contenders = [local(OURS, ours.run), ...others.map(({ bits, run }) => local(`${OURS}, ${bits}`, run))];
  const releases: (() => Promise<void>)[] = [];
  for (const runtime of onnx) {
    for (const arithmetic of ["f32", "int8"] as const) {
      const graph = GRAPHS[model](arithmetic);
      const image = random(
        graph.inputs[0].shape.reduce((a, b) => a * b),
        1,
      );
      const { run, release } = await runtime.prepare(graph, [image]);
      contenders.push(local(`${runtime.name} ${arithmetic}`, run));
      releases.push(release);
    }
  }
  const work = inferWork(model, "1W4A", 1);
  return { work, images: 1, contenders, release: releaseAll([ours, ...others], releases) };
}

const MLP: TrainSpec = { model: "mlp", bits: "float", batch: 128 };
const WIDTHS = [784, 512, 512, 10];

/**
 * Forward, backward and a momentum step of the MLP; the peers keep their batch as floats ready, we convert pixels each
 * time.
 */
export async function prepareMlp({ tfjs, jax }: Libraries): Promise<Prepared> {
  const ours = trainee(MLP, 1);
  const contenders: Contender[] = [local(OURS, () => finite(ours.step()))];
  const start = {
    widths: WIDTHS,
    batch: MLP.batch,
    weights: WIDTHS.slice(1).map((width, k) =>
      random(WIDTHS[k] * width, k).map((value) => value / Math.sqrt(WIDTHS[k])),
    ),
    images: random(MLP.batch * WIDTHS[0], 9).map((value) => (value + 1) / 2),
    oneHot: Float32Array.from({ length: MLP.batch * 10 }, (_, i) => (i % 10 === Math.floor(i / 10) % 10 ? 1 : 0)),
  };
  for (const peer of tfjs) contenders.push(await tfMlp(peer, start));
  for (const peer of jax) contenders.push(jaxMlp(peer, start, finite));
  return { work: trainWork(MLP), images: MLP.batch, contenders, release: async () => ours.dispose() };
}

async function tfMlp({ name, tf, use }: TfBackend, start: MlpStart): Promise<Contender> {
  const { widths, batch, weights, images, oneHot } = start;
  await use();
  const layers = weights.map((weight, k) => ({
    weight: tf.variable(tf.tensor(weight, [widths[k], widths[k + 1]])),
    bias: tf.variable(tf.tensor(new Float32Array(widths[k + 1]), [widths[k + 1]])),
  }));
  const x = tf.tensor(images, [batch, widths[0]]);
  const labels = tf.tensor(oneHot, [batch, 10]);
  const optimizer = tf.train.momentum(0.01, 0.9);
  const loss = (): TfTensor =>
    tf.losses.softmaxCrossEntropy(
      labels,
      layers.reduce((h, { weight, bias }, k) => {
        const z = tf.add(tf.matMul(h, weight), bias);
        return k < layers.length - 1 ? tf.relu(z) : z;
      }, x),
    );
  const inner = local(name, () => {
    const cost = optimizer.minimize(loss, true);
    finite(cost.dataSync()[0]);
    cost.dispose();
  });
  return {
    name,
    async sample(calls) {
      await use();
      return inner.sample(calls);
    },
  };
}

/** @throws Error on a loss that is no number: time spent on NaN is no measurement */
export function finite(loss: number): void {
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
}
