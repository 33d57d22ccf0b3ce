// Words from a stream of sound: three made-up ones, a rising, a falling and a steady tone in noise.
import { manualSeed, Rng } from "coarsegrad";
import { DataLoader, imageDataset, spectralNoise, timeShift } from "coarsegrad/data";
import { pack, verify } from "coarsegrad/export";
import { createSession } from "coarsegrad/infer";
import { dscnn } from "coarsegrad/models";
import { Adam, BCGD, cosine } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { LogMel, recognizer, SPEECH_8K } from "coarsegrad/sound";
import { evaluate, fit } from "coarsegrad/train";

manualSeed(4);
const rng = new Rng(4);
const classNames = ["rise", "fall", "hum"];
const spoken = (word) => {
  let phase = 0;
  return Float32Array.from({ length: 4000 }, (_, n) => {
    phase += (2 * Math.PI * 600 * [1 + n / 4000, 2 - n / 4000, 1.5][word]) / 8000;
    return 0.1 * Math.sin(phase) + 0.002 * rng.normal();
  });
};
const sound = { ...SPEECH_8K, frames: 40, bands: 16 };
const dataset = (name, count) => {
  const labels = Uint8Array.from({ length: count }, () => rng.int(3));
  const images = Uint8Array.from([...labels].flatMap((word) => [...new LogMel(sound).clip(spoken(word))]));
  return imageDataset({ name, shape: [40, 16, 1], classes: 3, classNames, images, labels });
};
const changes = { batch: 30, shuffle: true, seed: 4, transforms: [timeShift(), spectralNoise()] };
const train = new DataLoader(dataset("train", 300), changes);
const test = new DataLoader(dataset("test", 90));
const net = dscnn({ classes: 3, width: 16, blocks: 2 });
await fit(net, train, { epochs: 6, schedule: cosine(), optimizer: new Adam(net.parameters(), { lr: 0.01 }) });
prepare(net, { weights: 1, activations: 4 });
await calibrate(net, train);
const base = (some) => new Adam(some, { lr: 0.003 });
await fit(net, train, { epochs: 6, schedule: cosine(), optimizer: new BCGD(net.parameters(), { base, rho: 1e-4 }) });
const packed = pack(net, { inputShape: [40, 16, 1], classes: classNames, sound });
console.log(
  "accuracy:",
  (await evaluate(net, test)).top1,
  "identical:",
  (await verify(net, packed, test.dataset)).identical,
);
const listener = recognizer(createSession(packed)).listen();
for (const piece of [spoken(0), new Float32Array(8000), spoken(1), new Float32Array(8000)])
  for (const { time, word } of listener.push(piece)) console.log(`${time} s: ${word ?? "-"}`);
