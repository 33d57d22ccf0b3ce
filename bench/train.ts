/** @file Whole training steps: forward, backward and optimizer on one batch. */
import { crossEntropy, manualSeed, scope } from "../src/index.js";
import { type ImageModelOptions, lenet5, mlp, resnet20 } from "../src/models/index.js";
import type { Module } from "../src/nn/index.js";
import { BCGD, type OptimizerLike, SGD } from "../src/optim/index.js";
import { prepare, staircase } from "../src/quant/index.js";
import { imageTensor, labelTensor } from "../src/train/index.js";
import { type BenchOptions, measure } from "./harness.js";

const BATCH = 128;

interface Case {
  readonly name: string;
  readonly side: number;
  readonly channels: number;
  make(options?: ImageModelOptions): Module;
}

const CASES: readonly Case[] = [
  { name: "mlp", side: 28, channels: 1, make: () => mlp({ sizes: [784, 512, 512, 10] }) },
  { name: "lenet5", side: 28, channels: 1, make: lenet5 },
  { name: "resnet20", side: 32, channels: 3, make: resnet20 },
];

/** Rows such as `train lenet5 1W4A b128`. */
export function benchTrain(options: BenchOptions): void {
  for (const { name, side, channels, make } of CASES) {
    const shape = [BATCH, side, side, channels];
    const images = Uint8Array.from(
      { length: BATCH * side * side * channels },
      (_, i) => Math.imul(i, 2654435761) >>> 24,
    );
    const labels = Int32Array.from({ length: BATCH }, (_, i) => i % 10);
    for (const bits of ["float", "1W4A"]) {
      manualSeed(1);
      const net = make();
      if (bits === "1W4A") prepare(net, { weights: 1, activations: staircase({ bits: 4 }) });
      const sgd = { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 };
      const optimizer: OptimizerLike =
        bits === "float" ? new SGD(net.parameters(), sgd) : new BCGD(net.parameters(), { ...sgd, rho: 1e-5 });
      const work = `train ${name} ${bits} b${BATCH}`;
      measure(options, { work, shape: shape.join("x") }, { images: BATCH }, () =>
        scope(() => {
          optimizer.zeroGrad();
          crossEntropy(net.forward(imageTensor(images, shape)), labelTensor(labels)).backward();
          optimizer.step();
        }),
      );
      optimizer.dispose();
      net.dispose();
    }
  }
}
