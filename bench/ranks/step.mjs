/**
 * @file A rank that times steps of training, three ways in turns: with gradients that travel during the backward pass;
 * after it, while the next batch is made; and after it, while nothing is done. Images are cropped and mirrored; with
 * "JPEG" each is decoded first. Started by scripts/bench-ranks.mjs; rank 0 prints medians of milliseconds as JSON.
 */
import { manualSeed, Rng } from "coarsegrad";
import { DataLoader, horizontalFlip, imageDataset, randomCrop } from "coarsegrad/data";
import { resnet18, resnet20, vgg11 } from "coarsegrad/models";
import { decodeImage, joinWorld } from "coarsegrad/node";
import { SGD } from "coarsegrad/optim";
import * as training from "coarsegrad/train";
import jpeg from "jpeg-js";

const [name, pictures, ...numbers] = process.argv.slice(2);
const [batch, steps, rounds] = numbers.map(Number);
const world = await joinWorld();
const NETS = { "ResNet-18": () => resnet18({ classes: 10 }), "ResNet-20": () => resnet20(), "VGG-11": () => vgg11() };
const SIDE = name === "ResNet-18" ? 64 : 32;
const SHAPE = [SIDE, SIDE, 3];
const count = batch * steps;
const rng = new Rng(1);
const data = imageDataset({
  name: "noise",
  images: Uint8Array.from({ length: count * SIDE * SIDE * 3 }, () => rng.int(256)),
  labels: Uint8Array.from({ length: count }, () => rng.int(10)),
  shape: SHAPE,
  classes: 10,
});
/** What a picture costs that is decoded each time it is used. */
const wave = Uint8Array.from({ length: SIDE * SIDE * 4 }, (_, i) => 128 + 100 * Math.sin(i / 97) * Math.cos(i / 1013));
const file = jpeg.encode({ data: wave, width: SIDE, height: SIDE }, 85).data;
const decode = {
  name: "decode",
  apply: (pixels) => pixels.set(decodeImage("wave.jpg", file).pixels),
};
const transforms = [...(pictures === "JPEG" ? [decode] : []), randomCrop({ padding: 4 }), horizontalFlip()];
const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];

/** The same ranks, whose sums begin when the backward pass has ended. */
const whole = Object.fromEntries(["sum", "gather", "abort"].map((name) => [name, (...args) => world[name](...args)]));
Object.assign(whole, { rank: world.rank, size: world.size, carrier: world.carrier, close: async () => {} });

/** What a rank does while gradients travel. */
const WAYS = { backward: [world, 2], batch: [whole, 2], nothing: [whole, 0] };

/** Milliseconds of each step but the first of a round, of this process's processors in them, and the weights' digest. */
async function stepsOf([ranks, prefetch]) {
  manualSeed(1);
  const net = NETS[name]();
  const loader = new DataLoader(data, { batch, shuffle: true, seed: 1, transforms, prefetch });
  const times = [];
  const busy = [];
  let last = 0;
  let used = process.cpuUsage();
  const optimizer = new SGD(net.parameters(), { lr: 0.01 });
  const beforeStep = () => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(used);
    if (last > 0) {
      times.push(now - last);
      busy.push((user + system) / 1000);
    }
    last = now;
    used = process.cpuUsage();
  };
  await training.fit(net, loader, { epochs: 1, optimizer, shards: ranks.size, world: ranks, beforeStep });
  const sha = training.weightsDigest(net);
  net.dispose();
  optimizer.dispose();
  return { times, busy, sha };
}

/** Milliseconds to make a rank's part of a batch. */
function making() {
  const loader = new DataLoader(data, { batch: batch / world.size, shuffle: true, seed: 1, transforms });
  const order = loader.order(0);
  return median(
    Array.from({ length: 9 }, (_, i) => {
      const start = performance.now();
      loader.batch(0, i % loader.batches, order);
      return performance.now() - start;
    }),
  );
}

const made = making();
const results = Object.fromEntries(Object.keys(WAYS).map((way) => [way, { times: [], busy: [] }]));
const shas = new Set();
for (let round = 0; round < rounds; round++) {
  for (const [way, how] of Object.entries(WAYS)) {
    const { times, busy, sha } = await stepsOf(how);
    results[way].times.push(...times);
    results[way].busy.push(...busy);
    shas.add(sha);
  }
}
if (shas.size !== 1) throw new Error(`ways of a step end with ${shas.size} different networks`);
const medians = Object.entries(results).map(([way, { times, busy }]) => [way, [median(times), median(busy)]]);
if (world.rank === 0) console.log(JSON.stringify({ made, ...Object.fromEntries(medians) }));
await world.close();
