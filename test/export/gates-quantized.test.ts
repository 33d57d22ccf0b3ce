/** @file Gates for each channel, and products of values: packed, and the same bits in the packed runtime and in ONNX. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { mul } from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, verify } from "../../src/export/index.js";
import { openSession } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/index.js";
import { AvgPool2d, BatchNorm2d, Conv1d, Conv2d, Flatten, Linear, Module, ReLU, Sigmoid } from "../../src/nn/index.js";
import { exportOnnx } from "../../src/onnx/index.js";
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

/** Squeeze and excite: images times a gate that is computed of their means. */
class Gated extends Module {
  readonly conv: Conv2d;
  readonly norm = new BatchNorm2d(6);
  readonly act = new ReLU();
  readonly pool = new AvgPool2d([8, 7]);
  readonly squeeze: Conv2d;
  readonly inner = new ReLU();
  readonly excite: Conv2d;
  readonly gate = new Sigmoid();
  readonly last: Conv2d;
  readonly late = new ReLU();
  readonly flat = new Flatten();
  readonly head: Linear;
  /** The gate in front, and a square behind it. */
  readonly turned: boolean;
  constructor(turned: boolean) {
    super();
    const rng = new Rng("gates");
    this.turned = turned;
    this.conv = new Conv2d(3, 6, 3, { padding: 1, rng });
    this.squeeze = new Conv2d(6, 2, 1, { rng });
    this.excite = new Conv2d(2, 6, 1, { rng });
    this.last = new Conv2d(6, 4, 3, { rng });
    this.head = new Linear(4 * 6 * 5, 10, { rng });
    this.nameParameters();
  }
  override forward(x: Tensor): Tensor {
    const image = this.act.forward(this.norm.forward(this.conv.forward(x)));
    const gate = this.gate.forward(
      this.excite.forward(this.inner.forward(this.squeeze.forward(this.pool.forward(image)))),
    );
    const product = this.turned ? mul(gate, image) : mul(image, gate);
    const squared = this.turned ? mul(product, product) : product;
    return this.head.forward(this.flat.forward(this.late.forward(this.last.forward(squared))));
  }
}

describe("gates", () => {
  it.each([false, true])(
    "the packed runtime gives training's bits, onnxruntime its values (gate in front: %s)",
    async (turned) => {
      using net = new Gated(turned);
      prepare(net, { weights: 1, activations: 4 });
      const images = pixels(new Rng("images"), 8, [8, 7, 3]);
      await calibrate(net, [{ images, shape: [8, 8, 7, 3] }]);
      const bytes = pack(net, { inputShape: [8, 7, 3] });
      expect(summarize(bytes).layers.filter(({ op }) => op === "multiply")).toHaveLength(turned ? 2 : 1);
      const { identical, layers } = await verify(net, bytes, { images }, { batch: 3 });
      expect(layers.some(({ op }) => op === "multiply")).toBe(true);
      expect(identical).toBe(true);
      // A runtime sums means and float products in another order: a few codes may be one further.
      const session = await runtime.load(exportOnnx(net, { inputShape: [8, 7, 3] }));
      const found = (await session.run(images, [8, 8, 7, 3])).get("output")?.data as Float32Array;
      await session.release();
      const codes = await openSession(bytes);
      const packed = codes.run(images);
      codes.dispose();
      expect(found).toHaveLength(packed.length);
      const near = packed.filter((value, i) => Math.abs(value - found[i]) < 1e-4).length;
      expect(near / packed.length).toBeGreaterThan(0.9);
    },
  );

  it("sequences times one step of each", async () => {
    class Sequence extends Module {
      readonly a = new Conv1d(3, 4, 3, { rng: new Rng("a") });
      readonly b = new Conv1d(3, 4, 9, { rng: new Rng("b") });
      readonly flat = new Flatten();
      override forward(x: Tensor): Tensor {
        return this.flat.forward(mul(this.a.forward(x), this.b.forward(x)));
      }
    }
    using net = new Sequence();
    const bytes = pack(net, { inputShape: [9, 3] });
    const { identical } = await verify(net, bytes, { images: pixels(new Rng("rows"), 5, [9, 3]) }, { batch: 2 });
    expect(identical).toBe(true);
  });
});
