/**
 * @file Trainings that must end with the same bits however many ranks compute them. Bundled and run by threads, by
 * processes and in browsers: no Node, no test runner.
 */
import { Rng } from "../../src/core/rng.js";
import { digits, imageDataset, randomCrop } from "../../src/data/index.js";
import { manualSeed } from "../../src/index.js";
import { lenet5, resnet20 } from "../../src/models/index.js";
import { Dropout, Linear, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import { BCGD, SGD } from "../../src/optim/index.js";
import { binary, prepare, staircase } from "../../src/quant/index.js";
import { evaluate, fit as train, weightsDigest } from "../../src/train/index.js";
import { aloneWorld, type World } from "../../src/world/index.js";

const quantized = <M extends Module>(net: M): M =>
  prepare(net, { weights: binary(), activations: staircase({ bits: 4 }) }) as M;

/** Everything that a run tells which does not depend on time, and the name of its weights. */
async function told(run: Promise<{ metrics: readonly object[] }>, net: Module): Promise<string> {
  const { metrics } = await run;
  const rows = metrics.map((row) => ({ ...row, seconds: 0, imagesPerSecond: 0, examplesPerSecond: 0 }));
  const digest = weightsDigest(net);
  net.dispose();
  return `${digest} ${JSON.stringify(rows)}`;
}

/** LeNet-5, 1-bit weights and 4-bit activations, on 100 digits in batches of 32: the last batch is incomplete. */
export async function lenet(world: World = aloneWorld(), shards = 8): Promise<string> {
  manualSeed(7);
  const net = quantized(lenet5());
  const optimizer = new BCGD(net.parameters(), { lr: 0.02, momentum: 0.9, rho: 1e-5 });
  const { train: images, test } = digits({ train: 100, test: 30 });
  const transforms = [randomCrop({ padding: 2 })];
  const options = { epochs: 2, batch: 32, optimizer, shards, world, validation: test, clipGradNorm: 5, transforms };
  const result = await told(train(net, images, { ...options, labelSmoothing: 0.1 }), net);
  optimizer.dispose();
  return result;
}

/** The same with dropout in front of its last layer, in float; it also draws from the default generator. */
export async function dropout(world: World = aloneWorld(), shards = 8): Promise<string> {
  manualSeed(7);
  const net = new Sequential([new Linear(6, 32), new ReLU(), new Dropout(0.5), new Linear(32, 3)]);
  const optimizer = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });
  const rng = new Rng("examples");
  const x = { shape: [70, 6], data: Float32Array.from({ length: 420 }, () => rng.normal()) };
  const y = Int32Array.from({ length: 70 }, () => rng.int(3));
  const weights = Float32Array.from({ length: 70 }, () => rng.range(0.5, 2));
  const metrics = ["accuracy", "f1"] as const;
  const validation = { x, y };
  const options = { epochs: 2, batch: 16, optimizer, shards, world, metrics, validation, dropLast: false };
  const result = await told(train(net, { x, y, weights }, options), net);
  optimizer.dispose();
  return result;
}

/** Six steps of ResNet-20 with batch norms, 1-bit weights and 4-bit activations, on noise. */
export async function resnet(world: World = aloneWorld(), shards = 8): Promise<string> {
  manualSeed(7);
  const net = quantized(resnet20());
  const optimizer = new BCGD(net.parameters(), { lr: 0.02, momentum: 0.9, rho: 1e-5 });
  const rng = new Rng("noise");
  const images = Uint8Array.from({ length: 96 * 3072 }, () => rng.int(256));
  const labels = Uint8Array.from({ length: 96 }, () => rng.int(10));
  const data = imageDataset({ name: "noise", images, labels, shape: [32, 32, 3], classes: 10 });
  const result = await told(
    train(net, data, { epochs: 1, batch: 16, optimizer, shards, world, recalibrate: false }),
    net,
  );
  optimizer.dispose();
  return result;
}

/** Evaluation alone, of images that the ranks cannot divide evenly. */
export async function evaluation(world: World = aloneWorld()): Promise<string> {
  manualSeed(7);
  const net = lenet5();
  const { top1, top5, loss, images } = await evaluate(net, digits({ train: 0, test: 53 }).test, { batch: 20, world });
  net.dispose();
  return JSON.stringify({ top1, top5, loss, images });
}

/** Trainings by name. */
export const SCENARIOS = { lenet, dropout, resnet, evaluation } as const;
