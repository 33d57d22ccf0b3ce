// Save a quantized network, load it into a new one, and go on: the same bits as without the detour.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { manualSeed } from "coarsegrad";
import { digits } from "coarsegrad/data";
import { pack, verify } from "coarsegrad/export";
import { lenet5 } from "coarsegrad/models";
import { loadNetwork, saveNetwork } from "coarsegrad/node";
import { BCGD, SGD } from "coarsegrad/optim";
import { prepare } from "coarsegrad/quant";
import { fit, weightsDigest } from "coarsegrad/train";

const { train, test } = digits({ train: 500, test: 100 });
const make = (seed) => {
  manualSeed(seed);
  return prepare(lenet5(), { weights: 1, activations: 4 });
};
const epoch = (net) => {
  const base = (parameters) => new SGD(parameters, { lr: 0.01 });
  return fit(net, train, { epochs: 1, batch: 50, seed: 7, optimizer: new BCGD(net.parameters(), { base, rho: 1e-5 }) });
};

const net = make(1);
await epoch(net);
const file = path.join(mkdtempSync(path.join(tmpdir(), "coarsegrad-example-")), "digits.safetensors");
await saveNetwork(file, net);
const other = await loadNetwork(file, make(2));
console.log(`loaded: ${weightsDigest(other) === weightsDigest(net)}`);
await epoch(net);
await epoch(other);
console.log(`after another epoch: ${weightsDigest(other) === weightsDigest(net)}`);
const { identical } = await verify(other, pack(other, { inputShape: test.shape }), test);
console.log(`1W4A packed: identical: ${identical}`);
