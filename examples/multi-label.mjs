// Several yes/no answers at once: which of four tones are in a short signal?
import { manualSeed, Rng } from "coarsegrad";
import { pack, verify } from "coarsegrad/export";
import { createSession } from "coarsegrad/infer";
import { BatchNorm1d, Linear, ReLU, Sequential } from "coarsegrad/nn";
import { Adam, BCGD, cosine } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { evaluate, fit } from "coarsegrad/train";

manualSeed(2);
const rng = new Rng(2);
const [LENGTH, TONES] = [32, [2, 3, 5, 7]];
const examples = (count) => {
  const x = { shape: [count, LENGTH], data: new Float32Array(count * LENGTH) };
  const y = { shape: [count, TONES.length], data: Uint8Array.from({ length: count * TONES.length }, () => rng.int(2)) };
  for (let i = 0; i < x.data.length; i++) {
    const [n, t] = [Math.floor(i / LENGTH), i % LENGTH];
    x.data[i] = rng.normal();
    TONES.forEach((tone, k) => {
      if (y.data[n * TONES.length + k] === 1) x.data[i] += Math.sin((2 * Math.PI * tone * t) / LENGTH);
    });
  }
  return { x, y };
};
const [train, test] = [examples(3000), examples(1000)];
const judged = { loss: "binaryCrossEntropy", metrics: ["accuracy", "f1"] };
const layer = (from, to) => [new Linear(from, to), new BatchNorm1d(to), new ReLU()];
const net = new Sequential(...layer(LENGTH, 64), ...layer(64, 64), new Linear(64, TONES.length));

const plan = { epochs: 8, schedule: cosine(), ...judged };
await fit(net, train, { ...plan, optimizer: new Adam(net.parameters(), { lr: 0.005 }) });
console.log("float:", (await evaluate(net, test, judged)).metrics);

prepare(net, { weights: 1, activations: 4, keepFloat: ["first"] });
await calibrate(net, [{ images: train.x.data, shape: train.x.shape }]);
const base = (parameters) => new Adam(parameters, { lr: 0.002 });
await fit(net, train, { ...plan, optimizer: new BCGD(net.parameters(), { base, rho: 1e-4 }) });
console.log("1W4A:", (await evaluate(net, test, judged)).metrics);

const packed = pack(net, { inputShape: [LENGTH], inputType: "f32" });
const { identical } = await verify(net, packed, { images: test.x.data });
const logits = createSession(packed).run(test.x.data.subarray(0, LENGTH));
console.log(
  `packed: ${packed.length} bytes, identical: ${identical}, tones of the first signal:`,
  TONES.filter((_, k) => logits[k] > 0),
);
