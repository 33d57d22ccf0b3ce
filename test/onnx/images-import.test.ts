/**
 * @file Import of resized images, transposed convolutions, sequences and layer norms, against onnxruntime-web; and the
 * forms that are refused.
 */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { pack, verify } from "../../src/export/index.js";
import { memory } from "../../src/kernels/index.js";
import { Conv1d } from "../../src/nn/index.js";
import { importOnnx, type OnnxNetwork } from "../../src/onnx/index.js";
import { prepare, QuantConv1d } from "../../src/quant/index.js";
import { pixels } from "../export/nets.js";
import { evaluate, relativeError } from "./agreement.js";
import { modelBytes, type TestModel, type TestNode } from "./graphs.js";
import { type Runtime, webRuntime } from "./runtimes.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

let runtime: Runtime;
beforeAll(async () => {
  runtime = await webRuntime();
});

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const drawn = (...shape: number[]) => {
  const rng = new Rng(`${shape}`);
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => rng.normal()) };
};
const ints = (...data: number[]) => ({ shape: [data.length], data, ints: true });
const reals = (...data: number[]) => ({ shape: [data.length], data });

/** Channels first as channels last, for any number of axes. */
function last(data: Float32Array, [, c, ...rest]: readonly number[]): Float32Array {
  const size = sizeOf(rest);
  return data.map((_, i) => {
    const [row, at] = [Math.floor(i / (c * size)), i % (c * size)];
    return data[row * c * size + (at % c) * size + Math.floor(at / c)];
  });
}

/** Runs a file here and in onnxruntime-web. @param plain values are rows, or channels last in the file too */
async function expectSame(model: TestModel, { plain = false } = {}): Promise<OnnxNetwork> {
  const bytes = modelBytes(model);
  const shape = [2, ...model.input.slice(1).map(Number)];
  const { data } = drawn(...shape);
  const session = await runtime.load(bytes);
  const out = (await session.run(data, shape)).get("out")!;
  await session.release();
  const net = importOnnx(bytes);
  const rank = out.dims.length;
  const ours = evaluate(net, plain || shape.length < 3 ? data : last(data, shape), net.inputShape);
  const expected = plain || rank < 3 ? (out.data as Float32Array) : last(out.data as Float32Array, out.dims);
  expect(ours.data.length).toBe(expected.length);
  expect(relativeError(ours.data, expected)).toBeLessThan(2e-6);
  return net;
}

const IMAGE = ["N", 3, 4, 5] as const;
const node = (op: string, more: string[] = [], attributes: TestNode["attributes"] = {}): TestNode => ({
  op,
  name: "here",
  in: ["x", ...more],
  attributes,
});
const resize = (
  attributes: TestNode["attributes"],
  extents: { scales?: number[]; sizes?: number[] },
  opset = 13,
): TestModel => ({
  // Sizes of all axes fix the batch.
  input: extents.sizes?.length === 4 ? [2, ...IMAGE.slice(1)] : IMAGE,
  opset,
  nodes: [node("Resize", ["", extents.scales ? "scales" : "", ...(extents.sizes ? ["sizes"] : [])], attributes)],
  constants: {
    ...(extents.scales && { scales: reals(...extents.scales) }),
    ...(extents.sizes && { sizes: ints(...extents.sizes) }),
  },
});
const nearest = (transform: string, rounding?: string) => ({
  mode: "nearest",
  coordinate_transformation_mode: transform,
  ...(rounding !== undefined && { nearest_mode: rounding }),
});
const linear = (transform: string) => ({ mode: "linear", coordinate_transformation_mode: transform });

const FORMS: Record<string, TestModel> = {
  "Resize nearest asymmetric floor, by factors": resize(nearest("asymmetric", "floor"), { scales: [1, 1, 2, 3] }),
  "Resize nearest asymmetric floor, to a size": resize(nearest("asymmetric", "floor"), { sizes: [2, 3, 6, 3] }),
  "Resize nearest half_pixel, prefers the floor, by odd and even factors": resize(nearest("half_pixel"), {
    scales: [1, 1, 2, 3],
  }),
  "Resize nearest half_pixel, prefers the ceiling": resize(nearest("half_pixel", "round_prefer_ceil"), {
    sizes: [2, 3, 6, 3],
  }),
  "Resize nearest pytorch_half_pixel": resize(nearest("pytorch_half_pixel", "round_prefer_ceil"), {
    sizes: [2, 3, 8, 10],
  }),
  "Resize nearest align_corners where the places are those of another form": resize(nearest("align_corners", "floor"), {
    sizes: [2, 3, 4, 5],
  }),
  "Resize linear half_pixel, by factors": resize(linear("half_pixel"), { scales: [1, 1, 2, 1.5] }),
  "Resize linear half_pixel, smaller": resize(linear("half_pixel"), { sizes: [2, 3, 3, 2] }),
  "Resize linear pytorch_half_pixel": resize(linear("pytorch_half_pixel"), { sizes: [2, 3, 7, 9] }),
  "Resize linear align_corners": resize(linear("align_corners"), { sizes: [2, 3, 7, 9] }),
  "Resize with axes": resize({ ...linear("half_pixel"), axes: [2, 3] }, { sizes: [7, 9] }, 18),
  "Resize of opset 10": {
    input: IMAGE,
    opset: 10,
    nodes: [node("Resize", ["scales"], { mode: "nearest" })],
    constants: { scales: reals(1, 1, 2, 2) },
  },
  "Upsample of opset 9": {
    input: IMAGE,
    opset: 9,
    nodes: [node("Upsample", ["scales"], { mode: "nearest" })],
    constants: { scales: reals(1, 1, 3, 2) },
  },
  "Upsample of opset 7": {
    input: IMAGE,
    opset: 7,
    nodes: [node("Upsample", [], { mode: "nearest", scales: { fs: [1, 1, 2, 2] } })],
  },
  "Resize to extents of another value, as exporters write it": {
    input: IMAGE,
    nodes: [
      { op: "Shape", in: ["x"], out: "shape" },
      { op: "Slice", in: ["shape", "zero", "two"], out: "front" },
      { op: "Concat", in: ["front", "size"], out: "sizes", attributes: { axis: 0 } },
      { op: "Resize", in: ["x", "", "", "sizes"], attributes: linear("half_pixel") },
    ],
    constants: { zero: ints(0), two: ints(2), size: ints(8, 9) },
  },
  ConvTranspose: {
    input: IMAGE,
    nodes: [node("ConvTranspose", ["w", "b"], {})],
    constants: { w: drawn(3, 4, 3, 2), b: drawn(4) },
  },
  "ConvTranspose with strides, pads, dilations, groups and output padding": {
    input: ["N", 4, 3, 5],
    nodes: [
      node("ConvTranspose", ["w"], {
        strides: [2, 3],
        pads: [1, 0, 2, 1],
        dilations: [2, 1],
        group: 2,
        output_padding: [1, 2],
      }),
    ],
    constants: { w: drawn(4, 3, 3, 3) },
  },
  "ConvTranspose with auto_pad SAME_UPPER": {
    input: IMAGE,
    nodes: [node("ConvTranspose", ["w"], { strides: [2, 2], auto_pad: "SAME_UPPER" })],
    constants: { w: drawn(3, 2, 3, 3) },
  },
  "ConvTranspose with auto_pad SAME_LOWER": {
    input: IMAGE,
    nodes: [node("ConvTranspose", ["w"], { strides: [2, 2], auto_pad: "SAME_LOWER" })],
    constants: { w: drawn(3, 2, 3, 3) },
  },
  "ConvTranspose with auto_pad VALID": {
    input: IMAGE,
    nodes: [node("ConvTranspose", ["w"], { strides: [2, 1], auto_pad: "VALID" })],
    constants: { w: drawn(3, 2, 2, 3) },
  },
  "ConvTranspose with output_shape": {
    input: IMAGE,
    nodes: [node("ConvTranspose", ["w"], { strides: [2, 2], output_shape: [8, 10] })],
    constants: { w: drawn(3, 2, 3, 3) },
  },
  "LayerNormalization of images as a whole": {
    input: IMAGE,
    opset: 17,
    nodes: [node("LayerNormalization", ["w", "b"], { axis: 1, epsilon: { f: 0.01 } })],
    constants: { w: drawn(3, 4, 5), b: drawn(3, 4, 5) },
  },
  "LayerNormalization of channels that were put last, and back": {
    input: IMAGE,
    opset: 17,
    nodes: [
      { op: "Transpose", in: ["x"], out: "t", attributes: { perm: [0, 2, 3, 1] } },
      { op: "LayerNormalization", in: ["t", "w"], out: "n" },
      { op: "Transpose", in: ["n"], attributes: { perm: [0, 3, 1, 2] } },
    ],
    constants: { w: drawn(3) },
  },
  "LayerNormalization of a flattened image, whose weights are put in this library's order": {
    input: IMAGE,
    opset: 17,
    nodes: [
      { op: "Flatten", in: ["x"], out: "f" },
      { op: "LayerNormalization", in: ["f", "w", "b"] },
    ],
    constants: { w: drawn(60), b: drawn(60) },
  },
  "LayerNormalization of rows": {
    input: ["N", 7],
    opset: 17,
    nodes: [node("LayerNormalization", ["w", "b"], { axis: -1 })],
    constants: { w: drawn(7), b: drawn(7) },
  },
};

const SOUND = ["N", 3, 12] as const;
const sound = (nodes: TestNode[], constants: TestModel["constants"] = {}): TestModel => ({
  input: SOUND,
  nodes: [{ op: "Conv", in: ["x", "w", "b"], out: "c", attributes: { kernel_shape: [3], pads: [1, 1] } }, ...nodes],
  constants: { w: drawn(4, 3, 3), b: drawn(4), ...constants },
});
const SEQUENCES: Record<string, TestModel> = {
  "Conv with strides, dilations, groups and two pads": {
    input: ["N", 4, 13],
    nodes: [node("Conv", ["w"], { strides: [2], dilations: [2], group: 2, pads: [3, 1] })],
    constants: { w: drawn(6, 2, 3) },
  },
  "Conv with auto_pad": {
    input: SOUND,
    nodes: [node("Conv", ["w"], { auto_pad: "SAME_UPPER", strides: [2] })],
    constants: { w: drawn(4, 3, 4) },
  },
  "Conv, BatchNormalization, Relu, MaxPool, Conv": sound(
    [
      { op: "BatchNormalization", in: ["c", "g", "h", "m", "v"], out: "n" },
      { op: "Relu", in: ["n"], out: "r" },
      { op: "MaxPool", in: ["r"], out: "p", attributes: { kernel_shape: [3], strides: [2], pads: [1, 1] } },
      { op: "Conv", in: ["p", "w2"] },
    ],
    {
      ...{ g: drawn(4), h: drawn(4), m: drawn(4), w2: drawn(2, 4, 2) },
      v: { shape: [4], data: [0.5, 1, 2, 3] },
    },
  ),
  "AveragePool that counts its padding, in ceil mode": sound([
    { op: "AveragePool", in: ["c"], attributes: { kernel_shape: [4], strides: [3], ceil_mode: 1 } },
  ]),
  "AveragePool in ceil mode that counts no padding": sound([
    {
      op: "AveragePool",
      in: ["c"],
      attributes: { kernel_shape: [4], strides: [3], ceil_mode: 1, count_include_pad: 1 },
    },
  ]),
  "MaxPool with pads beyond half of its window": sound([
    { op: "MaxPool", in: ["c"], attributes: { kernel_shape: [3], strides: [2], pads: [2, 2] } },
  ]),
  "MaxPool with dilation, pads, in ceil mode": sound([
    {
      op: "MaxPool",
      in: ["c"],
      attributes: { kernel_shape: [3], strides: [3], dilations: [2], pads: [1, 2], ceil_mode: 1 },
    },
  ]),
  "GlobalAveragePool, Flatten, Gemm": sound(
    [
      { op: "GlobalAveragePool", in: ["c"], out: "g" },
      { op: "Flatten", in: ["g"], out: "f" },
      { op: "Gemm", in: ["f", "m"], attributes: { transB: 1 } },
    ],
    { m: drawn(5, 4) },
  ),
  GlobalMaxPool: sound([{ op: "GlobalMaxPool", in: ["c"] }]),
  "ReduceMean over time": sound([{ op: "ReduceMean", in: ["c"], attributes: { axes: [2], keepdims: 0 } }]),
  "ReduceMean over time that keeps its axis": sound([{ op: "ReduceMean", in: ["c"], attributes: { axes: [-1] } }]),
  "Flatten in front of a Gemm": sound(
    [
      { op: "Flatten", in: ["c"], out: "f" },
      { op: "Gemm", in: ["f", "m"], attributes: { transB: 1 } },
    ],
    { m: drawn(5, 48) },
  ),
  "sums, scales per channel, Concat, Softmax over channels": sound(
    [
      { op: "Mul", in: ["c", "s"], out: "m" },
      { op: "Add", in: ["m", "c"], out: "a" },
      { op: "Concat", in: ["a", "c"], out: "k", attributes: { axis: 1 } },
      { op: "Softmax", in: ["k"], attributes: { axis: 1 } },
    ],
    { s: drawn(4, 1) },
  ),
  "Pad and Slice of a causal network": {
    input: SOUND,
    nodes: [
      { op: "Pad", in: ["x", "pads"], out: "p" },
      { op: "Conv", in: ["p", "w"], out: "c", attributes: { pads: [1, 1] } },
      { op: "Slice", in: ["c", "zero", "end", "axis"] },
    ],
    constants: { w: drawn(4, 3, 3), pads: ints(0, 0, 2, 0, 0, 0), zero: ints(0), end: ints(-2), axis: ints(2) },
  },
  "LayerNormalization of whole sequences": {
    ...sound([{ op: "LayerNormalization", in: ["c", "n"], attributes: { axis: 1 } }], { n: drawn(4, 12) }),
    opset: 17,
  },
};

describe("forms of images give onnxruntime-web's numbers", () => {
  it.each(Object.entries(FORMS))("%s", async (_, model) => {
    using net = await expectSame(model);
    expect(net.notes).toEqual([]);
  });
});

describe("forms of sequences give onnxruntime-web's numbers", () => {
  it.each(Object.entries(SEQUENCES))("%s", async (_, model) => {
    using net = await expectSame(model);
    expect(net.inputShape).toEqual([...model.input.slice(1)].reverse());
  });

  it("and are networks of Conv1d, which are quantized, packed and verified", async () => {
    using net = importOnnx(
      modelBytes(
        sound(
          [
            { op: "Relu", in: ["c"], out: "r" },
            { op: "Conv", in: ["r", "w2"], out: "d" },
            { op: "Flatten", in: ["d"], out: "f" },
            { op: "Gemm", in: ["f", "m"], attributes: { transB: 1 } },
          ],
          { w2: drawn(4, 4, 3), m: drawn(3, 40) },
        ),
      ),
    );
    const kinds = [...net.modules()].filter((module) => module instanceof Conv1d);
    expect(kinds.length).toBe(2);
    prepare(net, { weights: 2, activations: 4 });
    expect([...net.modules()].filter((module) => module instanceof QuantConv1d).length).toBe(2);
    const bytes = pack(net, { ...net.input, inputType: "u8" });
    const found = await verify(net, bytes, { images: pixels(new Rng(1), 3, net.inputShape) });
    expect(found.identical).toBe(true);
  });
});

const REFUSED: Record<string, [TestModel, RegExp]> = {
  "places that no layer takes": [
    resize(nearest("asymmetric", "ceil"), { scales: [1, 1, 2, 2] }),
    /node "here" \(Resize\): places of mode nearest; expected those of asymmetric with floor, .*got asymmetric, ceil from 4×5 to 8×10/,
  ],
  "asymmetric linear places": [resize(linear("asymmetric"), { scales: [1, 1, 2, 2] }), /places of mode linear/],
  "one row that is the first": [
    resize(linear("pytorch_half_pixel"), { sizes: [2, 3, 1, 10] }),
    /got pytorch_half_pixel from 4×5 to 1×10/,
  ],
  "cubic mode": [resize({ mode: "cubic" }, { scales: [1, 1, 2, 2] }), /attribute mode; expected nearest or linear/],
  "a crop": [
    resize(linear("tf_crop_and_resize"), { scales: [1, 1, 2, 2] }),
    /attribute coordinate_transformation_mode.*got tf_crop_and_resize/,
  ],
  antialiasing: [
    resize({ ...linear("half_pixel"), antialias: 1 }, { scales: [1, 1, 0.5, 0.5] }, 18),
    /attribute antialias/,
  ],
  "other channels": [
    resize(nearest("asymmetric", "floor"), { scales: [1, 2, 2, 2] }),
    /scales; expected 4 positive numbers/,
  ],
  "another batch": [resize(nearest("asymmetric", "floor"), { sizes: [2, 4, 8, 8] }), /sizes; expected 4 extents/],
  "no extents": [resize(nearest("asymmetric", "floor"), {}), /scales and sizes; expected one of them, got none/],
  "smaller images of old Upsample": [
    {
      input: IMAGE,
      opset: 9,
      nodes: [node("Upsample", ["scales"])],
      constants: { scales: reals(1, 1, 0.5, 1) },
    },
    /scales before opset 11/,
  ],
  "a transposed convolution of sequences": [
    { input: IMAGE, nodes: [node("ConvTranspose", ["w"])], constants: { w: drawn(3, 2, 3) } },
    /\(ConvTranspose\): weight; expected \[C,O\/group,Kh,Kw\], got \[3,2,3\]/,
  ],
  "an output that is larger than all products": [
    {
      input: IMAGE,
      nodes: [node("ConvTranspose", ["w"], { output_shape: [40, 40] })],
      constants: { w: drawn(3, 2, 3, 3) },
    },
    /output extent; expected at most 6, got 40/,
  ],
  "a norm over rows and columns of channels first": [
    {
      input: IMAGE,
      opset: 17,
      nodes: [node("LayerNormalization", ["w"], { axis: -1 })],
      constants: { w: drawn(5) },
    },
    /attribute axis; expected 1, or channels last, got -1/,
  ],
  "a weight of another shape": [
    { input: ["N", 7], opset: 17, nodes: [node("LayerNormalization", ["w"])], constants: { w: drawn(1) } },
    /input 1; expected \[7\], got \[1\]/,
  ],
  "a convolution of images over sequences": [
    {
      ...sound([{ op: "Conv", in: ["c", "w2"] }], { w2: drawn(1, 4, 1, 1) }),
    },
    /weight; expected \[O,I,K\], got \[1,4,1,1\]/,
  ],
  "transposed sequences": [sound([{ op: "Transpose", in: ["c"], attributes: { perm: [0, 2, 1] } }]), /attribute perm/],
};

describe("refused with the node's name", () => {
  it.each(Object.entries(REFUSED))("%s", (_, [model, message]) => {
    const open = (): unknown => importOnnx(modelBytes(model), { file: "file.onnx" });
    expect(open).toThrow(FormatError);
    expect(open).toThrow(message);
  });
});
