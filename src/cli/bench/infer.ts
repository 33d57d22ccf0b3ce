/** @file Classifying images: the float network through the training engine, and the packed one in integers. */
import { pack } from "../../export/index.js";
import { manualSeed, noGrad, scope } from "../../index.js";
import { createSession } from "../../infer/index.js";
import { lenet5, resnet20 } from "../../models/index.js";
import type { Module } from "../../nn/index.js";
import { prepare, staircase } from "../../quant/index.js";
import { imageTensor } from "../../train/index.js";
import { type BenchOptions, filledBytes, measure } from "./harness.js";

const CASES: readonly { name: string; image: readonly number[]; make(): Module }[] = [
  { name: "lenet5", image: [28, 28, 1], make: lenet5 },
  { name: "resnet20", image: [32, 32, 3], make: resnet20 },
];
const BATCHES = [1, 64];

/** Rows `infer lenet5 float bN` and `infer lenet5 1W4A bN` for one image and for 64. */
export function benchInfer(options: BenchOptions): void {
  for (const { name, image, make } of CASES) {
    const work = (bits: string, batch: number): string => `infer ${name} ${bits} b${batch}`;
    if (!["float", "1W4A"].some((bits) => BATCHES.some((batch) => options.wants(work(bits, batch))))) continue;
    manualSeed(options.seed);
    const net = make().eval();
    const values = image.reduce((a, b) => a * b);
    const images = filledBytes(BATCHES[BATCHES.length - 1] * values);
    const rows = (bits: string, run: (input: Uint8Array<ArrayBuffer>, shape: number[]) => void): void => {
      for (const batch of BATCHES) {
        const shape = [batch, ...image];
        const input = images.subarray(0, batch * values);
        const row = { work: work(bits, batch), shape: shape.join("x") };
        measure(options, row, { images: batch }, () => run(input, shape));
      }
    };
    rows("float", (input, shape) => scope(() => void noGrad(() => net.forward(imageTensor(input, shape)))));
    prepare(net, { weights: 1, activations: staircase({ bits: 4 }) });
    const session = createSession(pack(net, { inputShape: image }), { maxBatch: Math.max(...BATCHES) });
    rows("1W4A", (input) => void session.run(input));
    session.dispose();
    net.dispose();
  }
}
