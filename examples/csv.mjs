// Your own table: classes from columns of a CSV file, standardized by the training rows.
import { manualSeed, Rng } from "coarsegrad";
import { pack, verify } from "coarsegrad/export";
import { BatchNorm1d, Linear, ReLU, Sequential } from "coarsegrad/nn";
import { Adam, BCGD, cosine } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { evaluate, fit } from "coarsegrad/train";

manualSeed(8);
const rng = new Rng(8);
// Stands for readFileSync("flowers.csv", "utf8"): four measurements and a name in every line.
const KINDS = { small: [5, 3.4, 1.5, 0.2], middle: [5.9, 2.8, 4.3, 1.3], large: [6.6, 3, 5.6, 2.1] };
const csv = Array.from({ length: 600 }, (_, n) => {
  const kind = Object.keys(KINDS)[n % 3];
  return [...KINDS[kind].map((mean) => (mean + 0.3 * rng.normal()).toFixed(2)), kind].join(",");
}).join("\n");

const rows = csv.split("\n").map((line) => line.split(","));
const names = [...new Set(rows.map((row) => row.at(-1)))];
const columns = [0, 1, 2, 3].map((c) => rows.slice(0, 450).map((row) => Number(row[c])));
const scale = columns.map((values) => {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
});
const examples = (from, to) => ({
  x: rows.slice(from, to).map((row) => scale.map(({ mean, deviation }, c) => (Number(row[c]) - mean) / deviation)),
  y: rows.slice(from, to).map((row) => names.indexOf(row.at(-1))),
});
const [train, test] = [examples(0, 450), examples(450, 600)];
const net = new Sequential(new Linear(4, 32), new BatchNorm1d(32), new ReLU(), new Linear(32, names.length));
const judged = { metrics: ["accuracy", "f1"] };
const plan = { epochs: 10, schedule: cosine(), ...judged };
await fit(net, train, { ...plan, optimizer: new Adam(net.parameters(), { lr: 0.01 }) });
console.log("float:", (await evaluate(net, test, judged)).metrics);

prepare(net, { weights: 1, activations: 4, keepFloat: ["first"] });
const images = Float32Array.from(train.x.flat());
await calibrate(net, [{ images, shape: [450, 4] }]);
const base = (parameters) => new Adam(parameters, { lr: 0.003 });
await fit(net, train, { ...plan, optimizer: new BCGD(net.parameters(), { base, rho: 1e-4 }) });
console.log("1W4A:", (await evaluate(net, test, judged)).metrics);
const packed = pack(net, { inputShape: [4], inputType: "f32" });
const { identical } = await verify(net, packed, { images: Float32Array.from(test.x.flat()), labels: test.y });
console.log(`packed: ${packed.length} bytes, identical: ${identical}`);
