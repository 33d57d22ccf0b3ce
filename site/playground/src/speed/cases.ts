/** @file What is timed: a matrix product, a convolution, training steps, classification. Runs in workers. */
import { arrays, conv2d, crossEntropy, manualSeed, NDArray, noGrad, scope, Tensor } from "coarsegrad";
import { digits } from "coarsegrad/data";
import { pack } from "coarsegrad/export";
import { createSession } from "coarsegrad/infer";
import { lenet5, resnet20 } from "coarsegrad/models";
import type { Module } from "coarsegrad/nn";
import { BCGD, SGD } from "coarsegrad/optim";
import { prepare, staircase } from "coarsegrad/quant";
import { imageTensor, labelTensor } from "coarsegrad/train";

/** Work that can be repeated. */
export interface Prepared {
  run(): void;
  dispose(): void;
}

/** One row to be. */
export interface Case {
  readonly work: string;
  readonly shape: string;
  readonly flops?: number;
  readonly images?: number;
  prepare(): Prepared;
}

/** Values in (−1, 1) that are neither equal nor special. */
function filled(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => ((Math.imul(i + 1, 2654435761) >>> 8) & 0xffff) / 32768 - 1);
}

function disposeAll(...owners: readonly { dispose(): void }[]): void {
  for (const owner of owners) owner.dispose();
}

function product(n: number): Case {
  return {
    work: `sgemm ${n}x${n}x${n}`,
    shape: `${n}×${n}×${n}`,
    flops: 2 * n ** 3,
    prepare() {
      const [a, b] = [0, 1].map(() => NDArray.from(filled(n * n), [n, n]));
      return {
        run: () => scope(() => void arrays.matmul(a, b)),
        dispose: () => disposeAll(a, b),
      };
    },
  };
}

function convolution(batch: number, side: number, channels: number): Case {
  const flops = 2 * batch * side * side * channels * channels * 9;
  return {
    work: `conv 3x3 ${channels} channels ${side}x${side} b${batch}`,
    shape: `${batch}×${side}×${side}×${channels}`,
    flops,
    prepare() {
      const x = new Tensor(NDArray.from(filled(batch * side * side * channels), [batch, side, side, channels]));
      const w = new Tensor(NDArray.from(filled(channels * channels * 9), [channels, channels, 3, 3]));
      return {
        run: () => scope(() => noGrad(() => void conv2d(x, w, null, { padding: 1 }))),
        dispose: () => disposeAll(x, w),
      };
    },
  };
}

function training(bits: "float" | "1W4A", batch: number): Case {
  return {
    work: `train lenet5 ${bits} b${batch}`,
    shape: `${batch}×28×28×1`,
    images: batch,
    prepare() {
      manualSeed(1);
      const net: Module = lenet5();
      if (bits === "1W4A") prepare(net, { weights: 1, activations: staircase({ bits: 4 }) });
      const options = { lr: 0.01, momentum: 0.9 };
      const optimizer =
        bits === "float" ? new SGD(net.parameters(), options) : new BCGD(net.parameters(), { ...options, rho: 1e-5 });
      const { images, labels } = digits({ train: batch, test: 0 }).train;
      return {
        run: () =>
          scope(() => {
            optimizer.zeroGrad();
            crossEntropy(net.forward(imageTensor(images, [batch, 28, 28, 1])), labelTensor(labels)).backward();
            optimizer.step();
          }),
        dispose: () => {
          optimizer.dispose();
          net.dispose();
        },
      };
    },
  };
}

const NETWORKS = {
  lenet5: { make: lenet5, shape: [28, 28, 1], perLayer: {} },
  resnet20: { make: resnet20, shape: [32, 32, 3], perLayer: { conv1: { weights: 8 }, linear: { weights: 8 } } },
} as const;

function inference(name: keyof typeof NETWORKS, bits: "float" | "1W4A", batch: number): Case {
  const { make, shape, perLayer } = NETWORKS[name];
  return {
    work: `infer ${name} ${bits} b${batch}`,
    shape: [batch, ...shape].join("×"),
    images: batch,
    prepare() {
      manualSeed(1);
      const net: Module = make().eval();
      if (bits === "1W4A") prepare(net, { weights: 1, activations: staircase({ bits: 4 }), perLayer });
      const session = createSession(pack(net, { inputShape: [...shape] }), { maxBatch: batch });
      net.dispose();
      const pixels = Uint8Array.from(
        { length: batch * shape[0] * shape[1] * shape[2] },
        (_, i) => Math.imul(i, 2654435761) >>> 24,
      );
      const output = session.run(pixels);
      return { run: () => void session.run(pixels, output), dispose: () => session.dispose() };
    },
  };
}

/** The rows, in their order. */
export const CASES: readonly Case[] = [
  product(256),
  product(512),
  convolution(16, 16, 64),
  training("float", 64),
  training("1W4A", 64),
  inference("lenet5", "float", 1),
  inference("lenet5", "1W4A", 1),
  inference("lenet5", "1W4A", 64),
  inference("resnet20", "float", 1),
  inference("resnet20", "1W4A", 1),
  inference("resnet20", "1W4A", 64),
];
