// A number from numbers: learn a function of three inputs, in float and with 1-bit weights and 4-bit activations.
import { manualSeed, Rng } from "coarsegrad";
import { pack, verify } from "coarsegrad/export";
import { createSession } from "coarsegrad/infer";
import { Linear, ReLU, Sequential } from "coarsegrad/nn";
import { Adam, BCGD, cosine } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { evaluate, fit, predict } from "coarsegrad/train";

manualSeed(1);
const rng = new Rng(1);
const examples = (count) => {
  const x = { shape: [count, 3], data: Float32Array.from({ length: 3 * count }, () => rng.range(-1, 1)) };
  const y = Float32Array.from({ length: count }, (_, n) => {
    const [a, b, c] = x.data.subarray(3 * n, 3 * n + 3);
    return a * b + 0.5 * c;
  });
  return { x, y };
};
const [train, test] = [examples(2000), examples(500)];
const net = new Sequential(new Linear(3, 64), new ReLU(), new Linear(64, 64), new ReLU(), new Linear(64, 1));
const judged = { loss: "mse", metrics: ["mae", "r2"] };

const plan = { epochs: 20, schedule: cosine(), validation: 0.1, ...judged };
await fit(net, train, { ...plan, optimizer: new Adam(net.parameters(), { lr: 0.01 }) });
console.log("float:", await evaluate(net, test, judged));

prepare(net, { weights: 1, activations: 4, granularity: "channel", keepFloat: ["first", "last"] });
await calibrate(net, [{ images: train.x.data, shape: train.x.shape }]);
const base = (parameters) => new Adam(parameters, { lr: 0.003 });
await fit(net, train, { ...plan, optimizer: new BCGD(net.parameters(), { base, rho: 1e-4 }) });
console.log("1W4A:", await evaluate(net, test, judged));

const packed = pack(net, { inputShape: [3], inputType: "f32" });
const { identical } = await verify(net, packed, { images: test.x.data });
const [told, run] = [(await predict(net, test.x)).data[0], createSession(packed).run(test.x.data)[0]];
console.log(`packed: ${packed.length} bytes, identical: ${identical}, first output ${told} and ${run}`);
