/** @file Classifying images: the float network through the training engine, and the packed one in integers. */
import { pack } from "../src/export/index.js";
import { manualSeed, noGrad, scope } from "../src/index.js";
import { createSession } from "../src/infer/index.js";
import { lenet5 } from "../src/models/index.js";
import { prepare, staircase } from "../src/quant/index.js";
import { imageTensor } from "../src/train/index.js";
import { type BenchOptions, measure } from "./harness.js";

/** Rows `infer lenet5 float bN` and `infer lenet5 1W4A bN` for one image and for 64. */
export function benchInfer(options: BenchOptions): void {
  manualSeed(1);
  const net = lenet5().eval();
  const images = Uint8Array.from({ length: 64 * 784 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  const batches = [1, 64];
  for (const batch of batches) {
    const shape = [batch, 28, 28, 1];
    const input = images.subarray(0, batch * 784);
    measure(options, { work: `infer lenet5 float b${batch}`, shape: shape.join("x") }, { images: batch }, () =>
      scope(() => void noGrad(() => net.forward(imageTensor(input, shape)))),
    );
  }
  prepare(net, { weights: 1, activations: staircase({ bits: 4 }) });
  const session = createSession(pack(net, { inputShape: [28, 28, 1] }), { maxBatch: 64 });
  for (const batch of batches) {
    const input = images.subarray(0, batch * 784);
    measure(
      options,
      { work: `infer lenet5 1W4A b${batch}`, shape: `${batch}x28x28x1` },
      { images: batch },
      () => void session.run(input),
    );
  }
  session.dispose();
  net.dispose();
}
