/**
 * @file A rank that times steps of training (ResNet-18, images of 64×64, cropped and mirrored; with "JPEG" each is
 * decoded first), with the next batch made while gradients travel, and after they came. Started by
 * scripts/bench-ranks.mjs; rank 0 prints medians of milliseconds as JSON.
 */
import { manualSeed, Rng } from "coarsegrad";
import { DataLoader, horizontalFlip, imageDataset, randomCrop } from "coarsegrad/data";
import { resnet18 } from "coarsegrad/models";
import { decodeImage, joinWorld } from "coarsegrad/node";
import { SGD } from "coarsegrad/optim";
import * as training from "coarsegrad/train";
import jpeg from "jpeg-js";

const [pictures, ...numbers] = process.argv.slice(2);
const [batch, steps, rounds] = numbers.map(Number);
const world = await joinWorld();
const SHAPE = [64, 64, 3];
const count = batch * steps;
const rng = new Rng(1);
const data = imageDataset({
  name: "noise",
  images: Uint8Array.from({ length: count * 64 * 64 * 3 }, () => rng.int(256)),
  labels: Uint8Array.from({ length: count }, () => rng.int(10)),
  shape: SHAPE,
  classes: 10,
});
/** What a picture costs that is decoded each time it is used. */
const wave = Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => 128 + 100 * Math.sin(i / 97) * Math.cos(i / 1013));
const file = jpeg.encode({ data: wave, width: 64, height: 64 }, 85).data;
const decode = {
  name: "decode",
  apply: (pixels) => pixels.set(decodeImage("wave.jpg", file).pixels),
};
const transforms = [...(pictures === "JPEG" ? [decode] : []), randomCrop({ padding: 4 }), horizontalFlip()];
const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];

/** Milliseconds of each step but the first of a round. */
async function stepsOf(prefetch) {
  manualSeed(1);
  const net = resnet18({ classes: 10 });
  const loader = new DataLoader(data, { batch, shuffle: true, seed: 1, transforms, prefetch });
  const times = [];
  let last = 0;
  const optimizer = new SGD(net.parameters(), { lr: 0.01 });
  const beforeStep = () => {
    const now = performance.now();
    if (last > 0) times.push(now - last);
    last = now;
  };
  await training.fit(net, loader, { epochs: 1, optimizer, shards: world.size, world, beforeStep });
  net.dispose();
  return times;
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
const [ahead, after] = [[], []];
for (let round = 0; round < rounds; round++) {
  ahead.push(...(await stepsOf(2)));
  after.push(...(await stepsOf(0)));
}
if (world.rank === 0) console.log(JSON.stringify({ made, ahead: median(ahead), after: median(after) }));
await world.close();
