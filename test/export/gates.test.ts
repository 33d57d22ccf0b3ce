/** @file Gates (squeeze and excite): packed, the same bits in the packed runtime and, to rounding, in ONNX files. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { pack, verify } from "../../src/export/index.js";
import { readPacked } from "../../src/format/index.js";
import { openSession } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/index.js";
import { BatchNorm2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, Module, ReLU, Sigmoid } from "../../src/nn/index.js";
import { exportPackedOnnx } from "../../src/onnx/index.js";
import { calibrate, prepare } from "../../src/quant/index.js";
import { type Runtime, webRuntime } from "../onnx/runtimes.js";
import { pixels } from "./nets.js";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await webRuntime();
});
afterEach(() => {
  expect(memory().arrays).toBe(0);
});

const SHAPE = [6, 5, 3];

class Gated extends Module {
  readonly conv: Conv2d;
  readonly norm = new BatchNorm2d(8);
  readonly act = new ReLU();
  readonly pool = new GlobalAvgPool2d();
  readonly squeeze: Linear;
  readonly act2 = new ReLU();
  readonly excite: Linear;
  readonly gate = new Sigmoid();
  readonly flatten = new Flatten();
  readonly fc: Linear;
  constructor(rng: Rng) {
    super();
    this.conv = new Conv2d(3, 8, 3, { padding: 1, rng });
    this.squeeze = new Linear(8, 4, { rng });
    this.excite = new Linear(4, 8, { rng });
    this.fc = new Linear(8 * 30, 4, { rng });
    this.nameParameters();
  }
  override forward(x: Tensor): Tensor {
    const y = this.act.forward(this.norm.forward(this.conv.forward(x)));
    const z = this.gate.forward(this.excite.forward(this.act2.forward(this.squeeze.forward(this.pool.forward(y)))));
    return this.fc.forward(this.flatten.forward(y.mul(z.reshape([x.shape[0], 1, 1, 8]))));
  }
}

describe.each([false, true])("a squeeze-and-excite network, quantized: %s", (quantized) => {
  it("is packed, verified, and written to ONNX", async () => {
    const rng = new Rng(5);
    using net = new Gated(rng);
    const images = pixels(rng, 4, SHAPE);
    if (quantized) {
      prepare(net, { weights: 1, activations: 4 });
      await calibrate(net, [{ images, shape: [4, ...SHAPE] }]);
    }
    net.eval();
    const bytes = pack(net, { inputShape: SHAPE });
    const { plan } = readPacked(bytes);
    expect(plan.nodes.filter(({ op }) => op === "multiply")).toHaveLength(1);
    const found = await verify(net, bytes, { images }, { batch: 3 });
    for (const layer of found.layers) expect(layer.firstDifference, `${layer.name} (${layer.op})`).toBeNull();
    expect(found.identical).toBe(true);
    using session = await openSession(bytes);
    const expected = [...session.run(images)];
    const other = await runtime.load(exportPackedOnnx(bytes));
    const got = (await other.run(images, [4, ...SHAPE])).get("output")!.data;
    await other.release();
    expected.forEach((value, i) => {
      expect(got[i]).toBeCloseTo(value, 4);
    });
  });
});
