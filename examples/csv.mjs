// Your own table: classes from columns of a CSV file, standardized by the training rows.
import { manualSeed, Rng } from "coarsegrad";
import { readCsv } from "coarsegrad/data";
import { pack, verify } from "coarsegrad/export";
import { statistics } from "coarsegrad/inspect";
import { BatchNorm1d, Linear, ReLU, Sequential } from "coarsegrad/nn";
import { Adam, BCGD, cosine } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { evaluate, fit } from "coarsegrad/train";

manualSeed(8);
const rng = new Rng(8);
// Stands for flowers.csv: four measurements and a name in every line. In Node, readCsvFile(path, options) reads a file.
const KINDS = { small: [5, 3.4, 1.5, 0.2], middle: [5.9, 2.8, 4.3, 1.3], large: [6.6, 3, 5.6, 2.1] };
const csv = (lines) => {
  const rows = Array.from({ length: lines }, (_, n) => {
    const kind = Object.keys(KINDS)[n % 3];
    return [...KINDS[kind].map((mean) => (mean + 0.3 * rng.normal()).toFixed(2)), kind].join(",");
  });
  return ["sepal length,sepal width,petal length,petal width,kind", ...rows].join("\n");
};

const columns = { target: "kind", classes: Object.keys(KINDS) };
const train = await readCsv(csv(450), columns);
const test = await readCsv(csv(150), columns);
const scale = train.names.map((_, c) => {
  const { mean, std } = statistics(train.x.data.filter((_, i) => i % 4 === c));
  return (value) => (value - mean) / std;
});
for (const { x } of [train, test]) x.data.set(x.data.map((value, i) => scale[i % 4](value)));
const net = new Sequential(new Linear(4, 32), new BatchNorm1d(32), new ReLU(), new Linear(32, 3));
const judged = { metrics: ["accuracy", "f1"] };
const plan = { epochs: 10, schedule: cosine(), ...judged };
await fit(net, train, { ...plan, optimizer: new Adam(net.parameters(), { lr: 0.01 }) });
console.log("float:", (await evaluate(net, test, judged)).metrics);

prepare(net, { weights: 1, activations: 4, keepFloat: ["first"] });
await calibrate(net, [{ images: train.x.data, shape: train.x.shape }]);
const base = (parameters) => new Adam(parameters, { lr: 0.003 });
await fit(net, train, { ...plan, optimizer: new BCGD(net.parameters(), { base, rho: 1e-4 }) });
console.log("1W4A:", (await evaluate(net, test, judged)).metrics);
const packed = pack(net, { inputShape: [4], inputType: "f32" });
const { identical } = await verify(net, packed, { images: test.x.data, labels: test.y.data });
console.log(`packed: ${packed.length} bytes, identical: ${identical}`);
