/** @file What newcomers would write, against the installed package alone. Runs in Node and in a page. */
import { crossEntropy, manualSeed, memory, mse, noGrad, scope, sha256Hex, tensor } from "coarsegrad";
import { digits } from "coarsegrad/data";
import { pack } from "coarsegrad/export";
import { createSession } from "coarsegrad/infer";
import { mlp } from "coarsegrad/models";
import { Linear, Sequential, Tanh } from "coarsegrad/nn";
import { Adam, BCGD } from "coarsegrad/optim";
import { binary, prepare, staircase } from "coarsegrad/quant";
import { imageTensor, labelTensor } from "coarsegrad/train";
import type { Outcome } from "./outcome.js";

const INPUTS = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const WANTED = [[0], [1], [1], [0]];

function learnXor(): Pick<Outcome, "loss" | "outputs"> {
  const net = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 1));
  const optimizer = new Adam(net.parameters(), { lr: 0.05 });
  let loss = Number.NaN;
  for (let step = 0; step < 300; step++) {
    loss = scope(() => {
      optimizer.zeroGrad();
      const error = mse(net.forward(tensor(INPUTS)), tensor(WANTED));
      error.backward();
      optimizer.step();
      return error.item();
    });
  }
  const outputs = scope(() => noGrad(() => [...net.forward(tensor(INPUTS)).toTypedArray()]));
  net.dispose();
  optimizer.dispose();
  return { loss, outputs };
}

function quantizeAndPack(): Pick<Outcome, "packed" | "logits" | "trained"> {
  const { train, test } = digits({ train: 64, test: 20 });
  const net = prepare(mlp({ sizes: [784, 32, 10] }), { weights: binary(), activations: staircase({ bits: 4 }) });
  const optimizer = new BCGD(net.parameters(), { lr: 0.02, momentum: 0.95, rho: 1e-5 });
  for (let step = 0; step < 10; step++) {
    scope(() => {
      optimizer.zeroGrad();
      const logits = net.forward(imageTensor(train.images, [train.count, ...train.shape]));
      crossEntropy(logits, labelTensor(Int32Array.from(train.labels))).backward();
      optimizer.step();
    });
  }
  net.eval();
  const shape = [test.count, ...test.shape];
  const trained = scope(() => noGrad(() => [...net.forward(imageTensor(test.images, shape)).toTypedArray()]));
  const file = pack(net, { inputShape: test.shape });
  net.dispose();
  optimizer.dispose();
  using session = createSession(file);
  return { packed: sha256Hex(file), logits: [...session.run(test.images)], trained };
}

/** Trains from a fixed seed, frees everything, and tells how it went. */
export function program(): Outcome {
  manualSeed(1);
  const xor = learnXor();
  const quantized = quantizeAndPack();
  return { ...xor, ...quantized, arrays: memory().arrays };
}
