/** @file Packed weights: made once for each version of the weights, freed with it, and never those of other weights. */
import { describe, expect, test } from "vitest";
import { conv2d } from "../../src/autograd/functions.js";
import { noGrad } from "../../src/autograd/graph.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { init, instrumentKernels, type Kernels, memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/index.js";
import { convForwardCodes, packWeights } from "../../src/ndarray/convolve/conv.js";
import { packedWeights, realCodes } from "../../src/ndarray/convolve/packed.js";
import { linearForwardCodes } from "../../src/ndarray/linear.js";
import { codesAsReal } from "../../src/ndarray/matmul.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Conv2d, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import { convolution } from "../../src/ops/conv.js";
import { SGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/index.js";
import { binary, uniform } from "../../src/quant/projection/index.js";

const rng = new Rng("packed weights");
const normal = (shape: number[]): NDArray => {
  const out = NDArray.empty(shape);
  rng.fillNormal(out.view() as Float32Array, 0, 1);
  return out;
};
const codes = (shape: number[], dtype: "u8" | "i8", draw: () => number): NDArray =>
  NDArray.from(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw), shape, dtype);

/** How often each kernel of `names` runs in `fn`. */
function calls(names: RegExp, fn: () => void): number {
  let count = 0;
  const undo = instrumentKernels(
    (kernels) =>
      Object.fromEntries(
        Object.entries(kernels).map(([name, kernel]) => [
          name,
          names.test(name)
            ? (...args: number[]) => {
                count++;
                return (kernel as (...args: number[]) => number)(...args);
              }
            : kernel,
        ]),
      ) as unknown as Kernels,
  );
  try {
    fn();
  } finally {
    undo();
  }
  return count;
}

/** What puts weights into another order, and reads them off. */
const PACKING = /_pack$|strided_copy$|^i8_dequantize$|^i8_bits$/;

const values = (net: Module, x: Tensor): number[] =>
  scope(() => Array.from(noGrad(() => net.forward(x)).toTypedArray() as Float32Array));

describe("evaluation over many batches packs once", () => {
  const nets: Record<string, () => Module> = {
    float: () => new Sequential(new Conv2d(3, 8, 3, { rng }), new ReLU(), new Conv2d(8, 4, 3, { rng })),
    "binary weights, look-up": () => quantized({ weights: binary(), activations: 4 }),
    "4-bit weights, bytes": () => quantized({ weights: uniform({ bits: 4 }), activations: 4 }),
  };
  function quantized(options: Parameters<typeof prepare>[1]): Module {
    const net = new Sequential(
      new Conv2d(3, 16, 3, { rng }),
      new ReLU(),
      new Conv2d(16, 16, 3, { padding: 1, rng }),
      new ReLU(),
      new Conv2d(16, 4, 3, { rng }),
    );
    prepare(net, options);
    return net;
  }

  test.each(Object.entries(nets))("%s", (_, make) => {
    init({ backend: "wasm" });
    const before = memory();
    const net = make().eval();
    const x = new Tensor(normal([2, 12, 12, 3]));
    const first: number[] = [];
    const once = calls(PACKING, () => first.push(...values(net, x)));
    expect(once).toBeGreaterThan(0);
    const held = memory().bytes;
    const later = calls(PACKING, () => {
      for (let batch = 0; batch < 5; batch++) expect(values(net, x)).toEqual(first);
    });
    expect(later).toBe(0);
    expect(memory().bytes).toBe(held);
    // Changed weights are packed anew, in place of the old ones.
    for (const parameter of net.parameters()) {
      if (parameter.rank < 4) continue;
      const negated = parameter.data.toTypedArray().map((value) => -value);
      parameter.set(negated as Float32Array);
    }
    expect(values(net, x)).not.toEqual(first);
    expect(memory().bytes).toBe(held);
    net.dispose();
    x.dispose();
    expect(memory()).toEqual({ ...memory(), arrays: before.arrays, bytes: before.bytes });
  });
});

test("a step of training packs once for forward and backward, and holds nothing of the weights before", () => {
  init({ backend: "wasm" });
  const before = memory().bytes;
  const layer = new Conv2d(4, 4, 3, { rng, bias: false });
  const x = new Tensor(normal([2, 8, 8, 4])).requireGrad();
  const optimizer = new SGD(layer.parameters(), { lr: 0.1 });
  const step = (): void =>
    scope(() => {
      layer.forward(x).sum().backward();
      x.zeroGrad();
      optimizer.step();
      optimizer.zeroGrad();
    });
  step();
  const held = memory().bytes;
  // Forward packs, backward for the input does not; the sum's gradient is spread, that for the weight unpacked.
  expect(calls(/strided_copy$/, step)).toBe(3);
  expect(memory().bytes).toBe(held);
  layer.dispose();
  x.dispose();
  expect(memory().bytes).toBe(before);
});

describe("what is kept", () => {
  test("has the bits of what is made", () => {
    scope(() => {
      const weight = normal([4, 3, 3, 2]);
      expect(packedWeights(weight).toTypedArray()).toEqual(packWeights(weight).toTypedArray());
      const signs = codes([4, 3, 3, 2], "i8", () => 2 * rng.int(2) - 1);
      expect(packedWeights(signs).toTypedArray()).toEqual(packWeights(signs).toTypedArray());
      expect(realCodes(signs).toTypedArray()).toEqual(codesAsReal(signs).toTypedArray());
      // Another shape of the same block is another thing.
      const other = weight.reshape([4, 2, 3, 3]);
      expect(packedWeights(other).toTypedArray()).toEqual(packWeights(other).toTypedArray());
    });
  });

  test("is freed when the weights change, when they go, and not before what uses it", () => {
    const before = memory().bytes;
    for (const dtype of ["f32", "f64"] as const) {
      const weight = NDArray.full([4, 3, 3, 3], 1, dtype);
      const own = memory().bytes;
      const packed = packedWeights(weight);
      const both = memory().bytes;
      expect(both).toBeGreaterThan(own);
      weight.touch("test");
      expect(packed.toTypedArray().every((value) => value === 1)).toBe(true);
      packed.dispose();
      expect(memory().bytes).toBe(own);
      packedWeights(weight).dispose();
      expect(memory().bytes).toBe(both);
      weight.dispose();
      expect(memory().bytes).toBe(before);
    }
  });

  test("weights that are packed as they lie are not kept twice, nor for ever", () => {
    const before = memory().bytes;
    for (const shape of [
      [4, 3, 1, 1],
      [4, 1, 3, 3],
    ]) {
      const weight = normal(shape);
      const own = memory().bytes;
      const packed = packedWeights(weight);
      expect(packed.storage).toBe(weight.storage);
      packed.dispose();
      expect(memory().bytes).toBe(own);
      weight.dispose();
      expect(memory().bytes).toBe(before);
    }
  });

  test.each([
    ["look-up of the image", [2, 8, 8, 16], [16, 16, 3, 3], 15],
    ["look-up of patches", [2, 8, 8, 8], [16, 8, 3, 3], 15],
    ["bytes of the image", [2, 8, 8, 16], [16, 16, 3, 3], 255],
    ["bytes of patches", [2, 5, 5, 16], [16, 16, 3, 3], 255],
    ["reals", [2, 8, 8, 1], [16, 1, 3, 3], 15],
  ] as const)("of codes goes with them: %s", (_, shape, weightShape, top) => {
    const before = memory().bytes;
    const x = codes([...shape], "u8", () => rng.int(top + 1));
    x.view()[0] = top;
    const weight = codes([...weightShape], "i8", () => 2 * rng.int(2) - 1);
    const conv = convolution("test", shape, weightShape, {});
    const run = (): number[] => scope(() => Array.from(convForwardCodes(x, weight, conv).toTypedArray()));
    const first = run();
    expect(calls(PACKING, () => expect(run()).toEqual(first))).toBe(0);
    const view = weight.view();
    for (let i = 0; i < view.length; i++) view[i] = -view[i];
    weight.touch("test");
    expect(run()).toEqual(first.map((sum) => (sum === 0 ? 0 : -sum)));
    weight.dispose();
    x.dispose();
    expect(memory().bytes).toBe(before);
  });

  test("of a fully connected layer's codes goes with them", () => {
    const before = memory().bytes;
    for (const features of [20, 8]) {
      const x = codes([3, features], "u8", () => rng.int(16));
      const weight = codes([13, features], "i8", () => 2 * rng.int(2) - 1);
      const run = (): number[] => scope(() => Array.from(linearForwardCodes(x, weight).toTypedArray()));
      const first = run();
      expect(calls(PACKING, () => expect(run()).toEqual(first))).toBe(0);
      x.dispose();
      weight.dispose();
    }
    expect(memory().bytes).toBe(before);
  });

  test("in f64 and f32 apart", () => {
    scope(() => {
      const x = new Tensor(normal([1, 5, 5, 3]));
      const weight = new Tensor(normal([2, 3, 3, 3]));
      const f32 = conv2d(x, weight);
      const f64 = conv2d(x.cast("f64"), weight.cast("f64"));
      expect(f32.dtype).toBe("f32");
      expect(f64.dtype).toBe("f64");
    });
  });
});
