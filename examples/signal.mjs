// A class from a sequence: which way a noisy wave goes, by convolutions along time ([N, 1, T, channels] and kernels of
// one row).
import { manualSeed, Rng } from "coarsegrad";
import { pack, verify } from "coarsegrad/export";
import { createSession } from "coarsegrad/infer";
import { BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, MaxPool2d, ReLU, Sequential } from "coarsegrad/nn";
import { Adam, BCGD, cosine } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { evaluate, fit } from "coarsegrad/train";

manualSeed(3);
const rng = new Rng(3);
const T = 64;
const saw = (p) => 2 * (p / 6 - Math.floor(p / 6)) - 1;
const WAVES = [Math.sin, (p) => Math.sign(Math.sin(p)), saw];
const examples = (count) => {
  const y = Int32Array.from({ length: count }, () => rng.int(WAVES.length));
  const data = Float32Array.from({ length: count * T }, () => 0.6 * rng.normal());
  y.forEach((wave, n) => {
    const [speed, start] = [rng.range(0.2, 0.5), rng.range(0, 6)];
    for (let t = 0; t < T; t++) data[n * T + t] += WAVES[wave](start + speed * t);
  });
  return { x: { shape: [count, 1, T, 1], data }, y };
};
const [train, test] = [examples(2000), examples(600)];
const conv = (from, to) => new Conv2d(from, to, [1, 5], { padding: [0, 2] });
const along = (from, to) => [conv(from, to), new BatchNorm2d(to), new ReLU(), new MaxPool2d([1, 2])];
const net = new Sequential(...along(1, 16), ...along(16, 32), new GlobalAvgPool2d(), new Linear(32, WAVES.length));

const judged = { metrics: ["accuracy"] };
const plan = { epochs: 6, schedule: cosine(), ...judged };
await fit(net, train, { ...plan, optimizer: new Adam(net.parameters(), { lr: 0.01 }) });
console.log("float:", (await evaluate(net, test, judged)).metrics);

prepare(net, { weights: 1, activations: 4, keepFloat: ["first"] });
await calibrate(net, [{ images: train.x.data, shape: train.x.shape }]);
const base = (parameters) => new Adam(parameters, { lr: 0.003 });
await fit(net, train, { ...plan, optimizer: new BCGD(net.parameters(), { base, rho: 1e-4 }) });
console.log("1W4A:", (await evaluate(net, test, judged)).metrics);

const packed = pack(net, { inputShape: [1, T, 1], inputType: "f32" });
const { identical } = await verify(net, packed, { images: test.x.data, labels: test.y });
console.log(
  `packed: ${packed.length} bytes, identical: ${identical}, first label ${createSession(packed).predict(test.x.data)[0]}`,
);
