/**
 * @file A packed model as an ONNX file in the runtimes that people use, beside the packed runtime: sizes, codes of
 * every layer, outputs, accuracy.
 *
 *     npm run build && node experiments/onnx-agreement.mjs MODEL.cgm [data set] [images]
 *
 * Takes onnxruntime-web, and onnxruntime-node where `npm run bench:peers` has installed it.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createSession, readPacked } from "../dist/infer/index.js";
import { loadDataset } from "../dist/node/index.js";
import { exportPackedOnnx } from "../dist/onnx/index.js";

const [file, name = "mnist", limit = "10000"] = process.argv.slice(2);
const bytes = readFileSync(file);
const { plan } = readPacked(bytes, file);
const { test } = await loadDataset(name, { limits: { train: 1, test: Number(limit) } });
const [plain, packed] = [{}, { pack: true }].map((options) => exportPackedOnnx(bytes, options));
console.log(`${file}: ${bytes.length} bytes; ONNX ${plain.length}, with --pack ${packed.length}`);

const peers = path.resolve(import.meta.dirname, "..", "bench", "peers", "node_modules");
const runtimes = [["onnxruntime-web", createRequire(import.meta.url).resolve("onnxruntime-web")]];
if (existsSync(path.join(peers, "onnxruntime-node"))) {
  runtimes.push(["onnxruntime-node", createRequire(path.join(peers, "x.js")).resolve("onnxruntime-node")]);
}

/** [N,C,H,W] as [N,H,W,C]; vectors as they are. */
function channelsLast(data, [h, w, c]) {
  if (c === undefined) return data;
  const size = h * w * c;
  return data.map((_, i) => data[i - (i % size) + (i % c) * h * w + Math.floor((i % size) / c)]);
}

const equalCount = (a, b) => a.reduce((count, value, i) => count + (Object.is(value, b[i]) ? 1 : 0), 0);

const own = createSession(bytes);
const outputs = own.run(test.images);
const size = test.images.length / test.count;
const BATCH = 100;
for (const [runtime, where] of runtimes) {
  const module = await import(pathToFileURL(where).href);
  const ort = module.default?.InferenceSession ? module.default : module;
  const options = { intraOpNumThreads: 1, logSeverityLevel: 3 };
  const session = await ort.InferenceSession.create(exportPackedOnnx(bytes, { intermediates: true }), options);
  const totals = { codes: 0, equal: 0, outputs: 0, equalOutputs: 0, right: 0 };
  for (let first = 0; first < test.count; first += BATCH) {
    const count = Math.min(BATCH, test.count - first);
    const images = test.images.slice(first * size, (first + count) * size);
    const feeds = { input: new ort.Tensor("uint8", images, [count, ...plan.input.shape]) };
    const values = await session.run(feeds);
    own.runTraced(images, ({ id, op, type, data, count: part, first: at }) => {
      if (!(data instanceof Uint8Array) || op === "input" || op === "flatten" || values[id] === undefined) return;
      const length = data.length / part;
      const theirs = channelsLast(values[id].data.subarray(at * length, (at + part) * length), type.shape);
      totals.codes += data.length;
      totals.equal += equalCount(data, theirs);
    });
    const theirs = values.output.data;
    const width = theirs.length / count;
    totals.outputs += theirs.length;
    totals.equalOutputs += equalCount(theirs, outputs.subarray(first * width, (first + count) * width));
    for (let n = 0; n < count; n++) {
      const row = theirs.subarray(n * width, (n + 1) * width);
      if (row.indexOf(Math.max(...row)) === test.labels[first + n]) totals.right++;
    }
  }
  await session.release();
  console.log(
    `${runtime}: ${totals.equal} of ${totals.codes} codes equal, ${totals.equalOutputs} of ${totals.outputs} outputs, ` +
      `${((100 * totals.right) / test.count).toFixed(2)} % top-1`,
  );
}
process.exit(0);
