/** @file Example files of the site: models of the experiments, and small float networks that are trained while building. */
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..", "..", "..");

/** Packed models of the experiments, by their names on the site. */
const PACKED = {
  "lenet5-mnist-1w4a.cgm": "lenet5-mnist-1w4a",
  "lenet5-fashion-1w4a.cgm": "lenet5-fashion-1w4a",
  "resnet20-cifar10-1w4a.cgm": "resnet20-cifar10-1w4a",
};

/** A small float network, trained on generated digits: the same bytes on every machine. */
async function smallNetwork() {
  const { scope } = await import("coarsegrad");
  const { digits } = await import("coarsegrad/data");
  const { Rng } = await import("coarsegrad");
  const { mlp } = await import("coarsegrad/models");
  const { exportOnnx } = await import("coarsegrad/onnx");
  const { SGD } = await import("coarsegrad/optim");
  const { fit: trainNetwork, save } = await import("coarsegrad/train");
  const { train } = digits({ train: 2000, test: 0 });
  const net = mlp({ sizes: [784, 32, 10], rng: new Rng(1) });
  const optimizer = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });
  await trainNetwork(net, train, { epochs: 2, optimizer });
  const files = scope(() => ({
    "mlp-digits.onnx": exportOnnx(net, { inputShape: [28, 28, 1] }),
    "mlp-digits.safetensors": save(net),
  }));
  optimizer.dispose();
  net.dispose();
  return files;
}

/** Names and contents of all. */
async function allFiles() {
  const packed = Object.entries(PACKED).map(([name, folder]) => [
    name,
    readFileSync(path.join(root, "experiments", folder, "model.cgm")),
  ]);
  return [...packed, ...Object.entries(await smallNetwork())];
}

/** @returns {import("vite").Plugin} */
export function exampleFiles() {
  return {
    name: "example-files",
    apply: "build",
    async generateBundle() {
      for (const [name, source] of await allFiles()) {
        this.emitFile({ type: "asset", fileName: `examples/${name}`, source });
      }
    },
  };
}
