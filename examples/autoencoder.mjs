// Pictures from pictures: squeeze generated digits into 24 numbers and draw them again, with the hidden layers at 1 and
// 4 bits.
import { manualSeed } from "coarsegrad";
import { digits } from "coarsegrad/data";
import { pack, verify } from "coarsegrad/export";
import { createSession } from "coarsegrad/infer";
import { BatchNorm1d, Linear, ReLU, Sequential } from "coarsegrad/nn";
import { Adam, BCGD, cosine } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { evaluate, fit } from "coarsegrad/train";

manualSeed(4);
const SIZE = 28 * 28;
const examples = ({ images, count }) => {
  const data = Float32Array.from(images, (pixel) => pixel / 255);
  return { x: { shape: [count, SIZE], data }, y: { shape: [count, SIZE], data } };
};
const sets = digits({ train: 1500, test: 300 });
const [train, test] = [examples(sets.train), examples(sets.test)];
const layer = (from, to) => [new Linear(from, to), new BatchNorm1d(to), new ReLU()];
const net = new Sequential(...layer(SIZE, 128), ...layer(128, 24), ...layer(24, 128), new Linear(128, SIZE));
const judged = { loss: "mse" };

const plan = { epochs: 6, schedule: cosine(), ...judged };
await fit(net, train, { ...plan, optimizer: new Adam(net.parameters(), { lr: 0.003 }) });
console.log("float:", await evaluate(net, test, judged));

prepare(net, { weights: 1, activations: 4, granularity: "channel", keepFloat: ["first", "last"] });
await calibrate(net, [{ images: train.x.data, shape: train.x.shape }]);
const base = (parameters) => new Adam(parameters, { lr: 0.002 });
await fit(net, train, { ...plan, optimizer: new BCGD(net.parameters(), { base, rho: 1e-4 }) });
console.log("1W4A:", await evaluate(net, test, judged));

const packed = pack(net, { inputShape: [SIZE], inputType: "f32" });
const { identical } = await verify(net, packed, { images: test.x.data });
console.log(
  `packed: ${packed.length} bytes, identical: ${identical}, pixels drawn: ${createSession(packed).run(test.x.data.subarray(0, SIZE)).length}`,
);
