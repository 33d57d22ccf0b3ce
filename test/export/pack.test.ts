import { afterEach, describe, expect, it } from "vitest";
import {
  add,
  avgPool1d,
  avgPool2d,
  concat,
  div,
  exp,
  maxPool1d,
  maxPool2d,
  mul,
  pad,
  relu,
  reshape,
  slice,
  sub,
} from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { QuantError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, verify } from "../../src/export/index.js";
import { readPacked } from "../../src/format/index.js";
import { createSession } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/engine.js";
import { resnet20 } from "../../src/models/cifar-resnet.js";
import { lenet5 } from "../../src/models/lenet.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import {
  BatchNorm1d,
  Conv2d,
  Flatten,
  Linear,
  Module,
  Parameter,
  ReLU,
  Sequential,
  Softmax,
} from "../../src/nn/index.js";
import { exportOnnx } from "../../src/onnx/index.js";
import { QuantConv2d, QuantLinear } from "../../src/quant/layers.js";
import { Staircase } from "../../src/quant/staircase.js";
import { pixels, quantize, settle } from "./nets.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

/** A network of one function, which may own tensors. */
class Fn extends Module {
  readonly fn: (x: Tensor) => Tensor;
  owned: unknown[];
  constructor(fn: (x: Tensor) => Tensor, ...owned: unknown[]) {
    super();
    this.fn = fn;
    this.owned = owned;
  }
  override forward(x: Tensor): Tensor {
    return this.fn(x);
  }
}

function lenet1w4a(): Module {
  const rng = new Rng("lenet");
  const net = lenet5({ rng });
  quantize(net, { weights: 1, activations: 4 });
  settle(net, rng);
  return net;
}

describe("a packed 1W4A LeNet-5", () => {
  it("takes at most 1/25 of its weights in f32, and the summary counts every byte", () => {
    using net = lenet1w4a();
    const bytes = pack(net, { inputShape: [28, 28, 1] });
    const summary = summarize(bytes);
    expect(summary.weights).toBe(800 + 51_200 + 524_288 + 5_120);
    expect(summary.floatBytes).toBe(4 * 581_408);
    expect(bytes.length).toBeLessThanOrEqual(summary.floatBytes / 25);
    expect(summary.fileBytes).toBe(bytes.length);
    expect(summary.tensorBytes).toBe(bytes.length - summary.headerBytes);
    expect(summary.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0)).toBe(summary.tensorBytes);
    expect(summary.layers.reduce((sum, layer) => sum + layer.bytes, 0)).toBe(summary.tensorBytes);
    expect(summary.weightsByBits).toEqual([{ bits: 1, weights: 581_408, bytes: 581_408 / 8 }]);
    expect(summarize(net, { inputShape: [28, 28, 1] })).toEqual(summary);
  });

  it("has one node per layer, and multiplies what a LeNet-5 multiplies", () => {
    using net = lenet1w4a();
    const summary = summarize(net, { inputShape: [28, 28, 1] });
    expect(summary.layers.map(({ name, op }) => `${name} ${op}`)).toEqual([
      "conv1 conv",
      "maxPool1 maxPool",
      "conv2 conv",
      "maxPool2 maxPool",
      "flatten1 flatten",
      "fc1 linear",
      "fc2 linear",
    ]);
    expect(summary.layers.map(({ macs }) => macs)).toEqual([460_800, 0, 3_276_800, 0, 0, 524_288, 5_120]);
    expect(summary.layers.map(({ inputBits }) => inputBits)).toEqual([8, 4, 4, 4, 4, 4, 4]);
    expect(summary.layers.map(({ outputBits }) => outputBits)).toEqual([4, 4, 4, 4, 4, 4, 32]);
    expect(summary.macsByBits).toEqual([
      { weightBits: 1, activationBits: 4, macs: 3_806_208 },
      { weightBits: 1, activationBits: 8, macs: 460_800 },
    ]);
    expect(summary.macs).toBe(3_806_208 + 460_800);
    expect(summary.bitOperations).toBe(4 * 3_806_208 + 8 * 460_800);
    expect(summary.layers[0]).toMatchObject({ weightBits: 1, weights: 800, others: 1 + 32 * 15 });
    expect(summary.layers[6]).toMatchObject({ weights: 5_120, others: 1 + 10, bytes: 640 + 4 + 40 });
  });

  it("gives the same bytes every time, and keeps names of classes", () => {
    using net = lenet1w4a();
    const classes = [..."0123456789"];
    const bytes = pack(net, { inputShape: [28, 28, 1], classes });
    expect(pack(net, { inputShape: [28, 28, 1], classes })).toEqual(bytes);
    expect(readPacked(bytes).plan.classes).toEqual(classes);
    expect(net.training).toBe(true);
  });

  it("counts layers that stay in float at 32 bits", () => {
    using net = resnet20({ rng: new Rng(1) });
    quantize(net, { weights: 2, activations: 4, keep: ["conv1", "linear"] });
    const summary = summarize(net, { inputShape: [32, 32, 3] });
    expect(summary.weightsByBits.map(({ bits, weights }) => [bits, weights])).toEqual([
      [2, 268_336 - 432 - 640],
      [32, 432 + 640],
    ]);
    expect(summary.macsByBits.map(({ weightBits, activationBits }) => [weightBits, activationBits])).toEqual([
      [2, 4],
      [32, 32],
    ]);
    expect(summary.macs).toBe(40_551_040);
  });
});

/** Two branches that end in one staircase, joined as codes for a convolution, and then with their real values. */
function joining(): Module {
  const options = { rng: new Rng(1) };
  const left = new QuantConv2d(new Conv2d(2, 3, 1, options), { weights: 1 });
  const right = new QuantConv2d(new Conv2d(2, 5, 3, { padding: 1, ...options }), { weights: 1 });
  const last = new QuantConv2d(new Conv2d(8, 4, 1, options), { weights: 1 });
  const step = new Staircase({ bits: 4, alpha: 0.05 });
  return new Fn(
    (x) => {
      const [a, b] = [step.forward(left.forward(x)), step.forward(right.forward(x))];
      return concat([last.forward(concat([a, b], 3)), relu(a)], -1);
    },
    left,
    right,
    last,
    step,
  );
}

describe("what else can be packed", () => {
  const UP = { ceilMode: true } as const;
  const constant = (...values: number[]) => new Parameter(NDArray.from(values, [values.length], "f32"));
  it.each<[string, () => Module, number[]]>([
    ["a staircase on pixels, then nothing", () => new Staircase({ bits: 3, alpha: 0.1 }), [3, 3, 2]],
    ["pools of codes and floats", () => new Fn((x) => avgPool2d(relu(avgPool2d(x, 2)), 2, { padding: 1 })), [8, 8, 2]],
    ["pools in ceil mode", () => new Fn((x) => avgPool2d(maxPool2d(relu(x), 3, UP), 2, UP)), [10, 11, 2]],
    [
      "pools with dilation",
      () =>
        new Fn((x) =>
          maxPool2d(avgPool2d(x, 2, { dilation: 3, padding: 2 }), 3, { dilation: 2, padding: 2, stride: 1 }),
        ),
      [7, 6, 2],
    ],
    [
      "means over time in ceil mode",
      () =>
        new Fn((x) =>
          avgPool1d(maxPool1d(relu(x), 3, { dilation: 2, stride: 2, ceilMode: true }), 3, { ceilMode: true }),
        ),
      [14, 2],
    ],
    ["channels of zeros before and after", () => new Fn((x) => pad(x, [0, 0, 0, [1, 2]])), [2, 2, 2]],
    [
      "zeros around images, and around their channels too",
      () => new Fn((x) => pad(pad(x, [0, [1, 2], 0, [1, 0]]), [0, 1, 2, 0])),
      [2, 3, 2],
    ],
    ["padding by nothing", () => new Fn((x) => relu(pad(x, [0, 0, 0, 0]))), [2, 3, 2]],
    ["joined codes of one step, and of real values", () => joining(), [4, 5, 2]],
    [
      "slices of codes and of real values",
      () => new Fn((x) => relu(slice(x, null, [1], [null, null, 2], [0, 2])).slice(null, null, [1, 3])),
      [4, 5, 3],
    ],
    ["a grouped float convolution", () => new Conv2d(4, 6, 3, { groups: 2, padding: 1, rng: new Rng(1) }), [4, 5, 4]],
    [
      "a depthwise float convolution of two filters a channel",
      () => new Conv2d(3, 6, 3, { groups: 3, stride: 2, rng: new Rng(1) }),
      [5, 7, 3],
    ],
    [
      "a grouped quantized convolution of real values",
      () =>
        new Sequential(
          new ReLU(),
          new QuantConv2d(new Conv2d(4, 6, 3, { groups: 2, rng: new Rng(1) }), { weights: 2 }),
        ),
      [4, 5, 4],
    ],
    ["a sum of a value with itself", () => new Fn((x) => add(x, x)), [2, 2, 1]],
    ["a reshape that changes nothing", () => new Fn((x) => relu(reshape(x, x.shape))), [2, 2, 1]],
    ["a network that keeps its input's codes", () => new Flatten(), [2, 2, 3]],
    [
      "constants per channel and for all",
      () => {
        const c = constant(0.5, 0.25);
        return new Fn((x) => div(mul(add(3, sub(x, c)), c), 0.7), c);
      },
      [2, 3, 2],
    ],
    [
      "two layers of the same name and shared steps",
      () => {
        const step = new Staircase({ bits: 2, alpha: 0.3 });
        const conv = new QuantConv2d(new Conv2d(1, 1, 1, { rng: new Rng(1) }), { weights: 1 });
        return new Fn((x) => step.forward(conv.forward(step.forward(conv.forward(x)))), step, conv);
      },
      [3, 3, 1],
    ],
    [
      "a value that two layers read",
      () => {
        const conv = new QuantConv2d(new Conv2d(1, 3, 1, { rng: new Rng(1) }), { weights: 3 });
        const step = new Staircase({ bits: 2, alpha: 0.1 });
        return new Fn(
          (x) => {
            const h = conv.forward(x);
            return add(step.forward(h), h);
          },
          conv,
          step,
        );
      },
      [3, 3, 1],
    ],
    [
      "a staircase behind a pool of real values",
      () => {
        const conv = new QuantConv2d(new Conv2d(2, 3, 2, { rng: new Rng(1) }), { weights: 3 });
        const step = new Staircase({ bits: 2, alpha: 0.1 });
        return new Fn((x) => step.forward(avgPool2d(conv.forward(x), 2)), conv, step);
      },
      [5, 5, 2],
    ],
    [
      "a linear layer on real rows",
      () => new QuantLinear(new Linear(6, 4, { rng: new Rng(1) }), { weights: 2, granularity: "channel" }),
      [6],
    ],
    [
      "all weights zero, and negative sums",
      () => {
        const layer = new Linear(4, 2, { bias: false });
        layer.weight.set(new Float32Array(8).fill(-0));
        return new QuantLinear(layer, { weights: 1 });
      },
      [4],
    ],
  ])("%s", async (_name, make, shape) => {
    using net = make();
    const bytes = pack(net, { inputShape: shape });
    const found = await verify(net, bytes, { images: pixels(new Rng("else"), 3, shape) });
    for (const layer of found.layers) expect(layer.firstDifference, layer.name).toBeNull();
    expect(found.layers.length).toBeGreaterThan(0);
  });

  it("real input, where the network is given real numbers", async () => {
    using net = new Sequential(
      new Linear(6, 5, { rng: new Rng(1) }),
      new Staircase({ bits: 4, alpha: 0.05 }),
      new QuantLinear(new Linear(5, 3, { rng: new Rng(2) }), { weights: 1 }),
    );
    const bytes = pack(net, { inputShape: [6], inputType: "f32" });
    const rng = new Rng("real");
    const images = Float32Array.from({ length: 60 }, () => rng.normal());
    const found = await verify(net, bytes, { images });
    expect(found.identical).toBe(true);
    using session = createSession(bytes);
    expect(() => session.run(new Uint8Array(6))).toThrow("this model takes real values");
  });

  it("relaxed weights, as float, if that is asked for", async () => {
    using net = new QuantLinear(new Linear(6, 4, { rng: new Rng(1) }), { weights: 1 });
    net.weight.relax = 3;
    for (const door of [pack, exportOnnx, summarize]) {
      expect(() => door(net, { inputShape: [6] })).toThrow(QuantError);
      expect(() => door(net, { inputShape: [6] })).toThrow(/weight is relaxed.*relax = null/);
    }
    const bytes = pack(net, { inputShape: [6], relaxed: "float" });
    expect((await verify(net, bytes, { images: pixels(new Rng("else"), 3, [6]) })).identical).toBe(true);
    expect(summarize(bytes).weightsByBits.map(({ bits }) => bits)).toEqual([32]);
    net.weight.relax = null;
    expect(summarize(pack(net, { inputShape: [6] })).weightsByBits.map(({ bits }) => bits)).toEqual([1]);
  });

  it("another step of the input", async () => {
    using net = new QuantLinear(new Linear(4, 3, { rng: new Rng(1) }), { weights: 1 });
    const bytes = pack(net, { inputShape: [4], inputStep: 0.5 });
    expect(readPacked(bytes).plan.input.step).toBe(0.5);
    expect((await verify(net, bytes, { images: Uint8Array.of(1, 2, 3, 255) })).identical).toBe(true);
  });
});

describe("what cannot be packed is refused with its op, layer and shape", () => {
  const quantConv = (inputs: number, bits: number) =>
    new QuantConv2d(new Conv2d(inputs, 2, 3, { rng: new Rng(1) }), { weights: bits });
  it.each<[string, () => Module, number[], string]>([
    ["softmax", () => new Sequential(new Flatten(), new Softmax()), [2, 2, 1], "softmax (no layer, input [2,4])"],
    ["an op without counterpart", () => new Fn((x) => exp(x)), [2], "leave softmax and losses out of forward"],
    [
      "a reshape that does not flatten",
      () => new Fn((x) => reshape(x, [-1, 2])),
      [4, 4, 1],
      "expected [2,16], a flattening",
    ],
    ["padding with ones", () => new Fn((x) => pad(x, [0, [1, 1], 0, 0], 1)), [4, 4, 1], "zeros around images"],
    ["joining of rows", () => new Fn((x) => concat([x, x], 1)), [4, 4, 1], "channels (the last axis)"],
    ["a slice of the batch", () => new Fn((x) => slice(x, [0, 1])), [4, 4, 1], "all images"],
    ["a slice backwards", () => new Fn((x) => slice(x, null, [null, null, -1])), [4, 4, 1], "forward ranges"],
    ["a quotient of two values", () => new Fn((x) => div(x, x)), [4], "a sum of two values of one shape, or a product"],
    ["a constant on the left of a difference", () => new Fn((x) => sub(1, x)), [4], "on the right"],
    [
      "a constant image",
      () => {
        const image = new Parameter(NDArray.zeros([2, 2, 1]));
        return new Fn((x) => add(x, image), image);
      },
      [2, 2, 1],
      "one number, or one per channel",
    ],
    [
      "a linear layer over images",
      () => new Sequential(new Linear(3, 2, { rng: new Rng(1) })),
      [2, 2, 3],
      "linear (0, input [2,2,2,3]): input [2,2,2,3]; expected [N, features]",
    ],
    [
      "a quantized linear layer over images",
      () => new Sequential(new QuantLinear(new Linear(3, 2, { rng: new Rng(1) }), { weights: 1 })),
      [2, 2, 3],
      "quantLinear (0, input [2,2,2,3]): input [2,2,2,3]; expected [N, features]",
    ],
    [
      "sums beyond 2^24",
      () => new Sequential(quantConv(8000, 8)),
      [3, 3, 8000],
      "0: sums of codes that f32 does not hold",
    ],
    [
      "a network that ignores its input",
      () => new Fn(() => new Tensor(NDArray.zeros([2, 1]))),
      [4],
      "does not depend on",
    ],
    ["a network that does nothing", () => new Fn((x) => x), [4], "does not depend on the input"],
  ])("%s", (_name, make, shape, message) => {
    using net = make();
    expect(() => pack(net, { inputShape: shape })).toThrow(QuantError);
    expect(() => pack(net, { inputShape: shape })).toThrow(message);
    expect(() => pack(net, { inputShape: shape })).toThrow(/^pack: /);
  });
});

describe("batch-norm statistics that overflowed", () => {
  it.each([Number.POSITIVE_INFINITY, Number.NaN])("of %s are refused by the buffer's name", (value) => {
    using net = new Sequential(new Linear(2, 2), new BatchNorm1d(2), new Linear(2, 2)).eval();
    (net[1] as BatchNorm1d).runningVar.set([1, value]);
    expect(() => pack(net, { inputShape: [2] })).toThrow(/pack: 1\.running_var, element 1; expected a finite number/);
  });
});
