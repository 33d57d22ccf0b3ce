/**
 * @file What must give the same bits everywhere. Bundled by determinism.test.ts and run by several engines: no Node, no
 * test runner.
 */
import * as math from "../../src/core/math.js";
import { Rng } from "../../src/core/rng.js";
import { Sha256 } from "../../src/core/sha256.js";
import { digits } from "../../src/data/index.js";
import { crossEntropy, manualSeed, scope } from "../../src/index.js";
import { lenet5 } from "../../src/models/index.js";
import type { Module } from "../../src/nn/index.js";
import { BCGD, type OptimizerLike, SGD } from "../../src/optim/index.js";
import { binary, clippedReLU, identityProxy, prepare, reluProxy, staircase } from "../../src/quant/index.js";
import {
  monteCarlo,
  populationDescent,
  quantizedDescent,
  quantizedGradients,
  randomLeastSquares,
  sampleDescent,
} from "../../src/theory/index.js";
import { imageTensor, labelTensor, weightsDigest } from "../../src/train/index.js";

/** Every function of core/math.ts at 20,000 random arguments of many magnitudes. */
export function mathematics(): string {
  const rng = new Rng("determinism");
  const hash = new Sha256();
  const values = new Float64Array(20_000);
  const functions = Object.entries(math) as [string, (x: number, y: number) => number][];
  for (const [, f] of functions.sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (let i = 0; i < values.length; i++) values[i] = f(rng.normal() * 2 ** (rng.int(24) - 12), rng.range(-3, 3));
    hash.update(new Uint8Array(values.buffer));
  }
  return hash.hex();
}

/** The theory's closed forms, quadratures, Monte Carlo through the engine, and descents. */
export function theoryNumbers(): string {
  const hash = new Sha256();
  const teacher = { v: [1, 0.8, 0.6], w: [1, 0, 0], alpha: 0.5 };
  const student = { v: [0.2, 1.2, -0.3], w: [-0.6, 0.8, 0.5], alpha: 0.75 };
  const numbers = [
    monteCarlo(student, teacher, clippedReLU, { samples: 500, seed: 7 }),
    quantizedGradients(student, teacher, { bits: 3, proxy: reluProxy }),
    populationDescent(student, teacher, { proxy: clippedReLU, lr: 0.2, steps: 60 }),
    sampleDescent(student, teacher, { proxy: identityProxy, lr: 0.2, steps: 20, batch: 16, seed: 7 }),
    randomLeastSquares(new Rng(7), 5, 20),
    quantizedDescent(student, teacher, { bits: 2, proxy: clippedReLU, lr: 0.1, steps: 10, batch: 16, seed: 7 }),
  ];
  hash.update(new TextEncoder().encode(JSON.stringify(numbers)));
  return hash.hex();
}

const BATCH = 16;

/**
 * Trains on the generated digits, in order.
 * @returns the name of all weights and buffers, after everything has been freed
 */
function train(net: Module, optimizer: OptimizerLike, steps: number): string {
  const data = digits({ train: BATCH * steps, test: 0 }).train;
  const pixels = 28 * 28;
  for (let step = 0; step < steps; step++) {
    const start = step * BATCH;
    scope(() => {
      const images = data.images.subarray(start * pixels, (start + BATCH) * pixels);
      const labels = Int32Array.from(data.labels.subarray(start, start + BATCH));
      optimizer.zeroGrad();
      crossEntropy(net.forward(imageTensor(images, [BATCH, 28, 28, 1])), labelTensor(labels)).backward();
      optimizer.step();
    });
  }
  const digest = weightsDigest(net);
  optimizer.dispose();
  net.dispose();
  return digest;
}

/** 20 steps of LeNet-5 in float. */
export function floatTraining(): string {
  manualSeed(7);
  const net = lenet5();
  return train(net, new SGD(net.parameters(), { lr: 0.05, momentum: 0.9, weightDecay: 1e-4 }), 20);
}

/** BCGD steps of a fully quantized LeNet-5: 1-bit weights, 4-bit activations. */
export function bcgdTraining(steps = 100): string {
  manualSeed(7);
  const net = prepare(lenet5(), { weights: binary(), activations: staircase({ bits: 4 }) });
  return train(net, new BCGD(net.parameters(), { lr: 0.02, momentum: 0.95, weightDecay: 1e-4, rho: 1e-5 }), steps);
}
