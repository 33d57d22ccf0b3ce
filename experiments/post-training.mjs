/**
 * @file Post-training baselines beside BCGD in one table: LeNet-5 with 4-bit activations, on the generated digits or a
 * real data set.
 *
 *     npm run build && node experiments/post-training.mjs [digits|mnist|fashion-mnist] [train images] [test images] [epochs]
 *
 * Columns: min-max rounding; least-squares rounding (weights and steps); COMQ from that; BCGD from the float network;
 * BCGD from COMQ.
 */
import { DataLoader } from "../dist/data/index.js";
import { manualSeed } from "../dist/index.js";
import { lenet5 } from "../dist/models/index.js";
import { loadDataset } from "../dist/node/index.js";
import { BCGD, SGD } from "../dist/optim/index.js";
import {
  calibrate,
  comq,
  minMax,
  prepare,
  projectionFor,
  recalibrateBatchNorm,
  staircase,
} from "../dist/quant/index.js";
import { evaluate, fit as fitNet } from "../dist/train/index.js";

const [name = "digits", train = "4000", test = "1000", epochs = "2"] = process.argv.slice(2);
const limits = { train: Number(train), test: Number(test) };
const data = await loadDataset(name, { limits });

/** The float network's state, trained once. */
async function floatState() {
  manualSeed(1);
  const net = lenet5();
  const optimizer = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9, weightDecay: 1e-4 });
  await fitNet(net, data.train, { epochs: Number(epochs), batch: 64, seed: 1, optimizer });
  const state = new Map([...net.stateDict()].map(([key, a]) => [key, { shape: [...a.shape], data: a.toTypedArray() }]));
  console.error(`float: ${(100 * (await evaluate(net, data.test)).top1).toFixed(2)} %`);
  net.dispose();
  return state;
}

const state = await floatState();
const batches = () => new DataLoader(data.train, { batch: 64, seed: 2 }).epoch(0);

/** The float network quantized by a rule. */
function quantized(weights) {
  manualSeed(1);
  const net = lenet5();
  net.loadStateDict(state);
  return prepare(net, { weights, activations: staircase({ bits: 4 }) });
}

async function top1(net) {
  const { top1: share } = await evaluate(net, data.test);
  return `${(100 * share).toFixed(2)} %`;
}

async function trained(net) {
  const optimizer = new BCGD(net.parameters(), { lr: 0.01, momentum: 0.9, weightDecay: 1e-4, rho: 1e-5 });
  await fitNet(net, data.train, { epochs: Number(epochs), batch: 64, seed: 1, optimizer });
  return top1(net);
}

const COLUMNS = ["min-max", "least squares", "COMQ", "BCGD", "BCGD from COMQ"];
console.log(
  `| ${name}, ${train} + ${test} | ${COLUMNS.join(" | ")} |\n| --- | ${COLUMNS.map(() => "---:").join(" | ")} |`,
);
for (const bits of [1, 2, 3, 4]) {
  const row = [];
  let net = quantized(minMax(bits));
  await calibrate(net, batches(), { method: "max", batches: 8 });
  row.push(await top1(net));
  net.dispose();
  net = quantized(projectionFor(bits));
  await calibrate(net, batches(), { batches: 8 });
  row.push(await top1(net));
  await comq(net, batches(), { batches: Math.ceil(limits.train / 64), samples: 8 * limits.train, normalized: true });
  await recalibrateBatchNorm(net, batches(), { batches: 8 });
  row.push(await top1(net));
  const warm = await trained(net);
  net.dispose();
  net = quantized(projectionFor(bits));
  await calibrate(net, batches(), { batches: 8 });
  row.push(await trained(net), warm);
  net.dispose();
  console.log(`| ${bits}W4A | ${row.join(" | ")} |`);
}
