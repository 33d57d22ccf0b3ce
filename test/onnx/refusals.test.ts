/** @file What import refuses: each with a typed error that names file, node and operator, and what was met. */
import { describe, expect, it, vi } from "vitest";
import { FormatError, MemoryError } from "../../src/core/errors.js";
import { memory } from "../../src/kernels/index.js";
import { Allocator } from "../../src/memory/allocator.js";
import { encodeModel } from "../../src/onnx/codec.js";
import { importOnnx } from "../../src/onnx/index.js";
import { ATTRIBUTE, ELEMENT, type GraphMessage, type ModelMessage } from "../../src/onnx/schema.js";
import { messageOf, modelBytes, type TestModel } from "./graphs.js";

const numbers = (...shape: number[]) => ({
  shape,
  data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i / 3),
});
const IMAGE = ["N", 2, 6, 5] as const;

/** A max pool of 3×3 behind a Pad. */
const padded = (value: number, around: number[]): TestModel => ({
  input: IMAGE,
  nodes: [
    { op: "Pad", name: "here", in: ["x", "around", "value"], out: "more" },
    { op: "MaxPool", name: "pool", in: ["more"], attributes: { kernel_shape: [3, 3] } },
  ],
  constants: { around: { shape: [8], data: around, ints: true }, value: { shape: [], data: [value] } },
});

/** A file of one node on images, or rows. */
const one = (
  op: string,
  extra: Partial<TestModel> & { attributes?: TestModel["nodes"][number]["attributes"]; more?: string[] } = {},
): TestModel => {
  const { attributes, more = [], ...rest } = extra;
  return { input: IMAGE, nodes: [{ op, name: "here", in: ["x", ...more], attributes }], ...rest };
};
const w = numbers(3, 2, 3, 3);

const REFUSED: Record<string, [TestModel, RegExp]> = {
  "an unknown operator": [
    one("LSTM"),
    /file\.onnx: node "here" \(LSTM\): operator that is not supported; expected Conv, .*got LSTM/,
  ],
  "a bound of several numbers": [
    one("Clip", { more: ["lo"], constants: { lo: numbers(2) } }),
    /node "here" \(Clip\): input 1; expected one number, got \[2\]/,
  ],
  "padding of an axis named twice": [
    one("Pad", {
      opset: 18,
      more: ["pads", "", "axes"],
      constants: {
        pads: { shape: [4], data: [1, 1, 1, 1], ints: true },
        axes: { shape: [2], data: [2, -2], ints: true },
      },
    }),
    /node "here" \(Pad\): axes; expected integers from -4 to 3, each once, got \[2,-2\]/,
  ],
  "an unknown attribute": [
    one("Relu", { attributes: { speed: 3 } }),
    /node "here" \(Relu\): attribute that is not supported.*got speed/,
  ],
  "an attribute of another type": [
    one("Conv", { more: ["w"], constants: { w }, attributes: { group: "two" } }),
    /attribute group; expected INT, got STRING/,
  ],
  "a Pad with ones": [
    padded(1, [0, 0, 1, 1, 0, 0, 1, 1]),
    /value of the padding; expected 0, or the least number .*, got 1/,
  ],
  "a Pad with NaN": [padded(Number.NaN, [0, 0, 1, 1, 0, 0, 1, 1]), /value of the padding; .*, got NaN/],
  "a Pad with −∞ that no max pool reads": [
    { ...padded(-Infinity, [0, 0, 1, 1, 0, 0, 1, 1]), output: "more" },
    /value of the padding; expected 0, or the least number in front of a MaxPool, got -Infinity/,
  ],
  "a Pad with −∞ around channels": [
    padded(-Infinity, [0, 1, 1, 1, 0, 0, 1, 1]),
    /pads of channels; expected 0, got \[1,0\]/,
  ],
  "a Pad with −∞ as large as the pool's window": [
    padded(-Infinity, [0, 0, 3, 0, 0, 0, 0, 0]),
    /padding of a pool; expected less than 3×3, got \[3,0,0,0\]/,
  ],
  "a pool whose windows step over the image": [
    one("MaxPool", { attributes: { kernel_shape: [2, 2], dilations: [8, 1], pads: [7, 0, 6, 0] } }),
    /node "here" \(MaxPool\): windows of a pool; expected a value of the input in each, got pads \[7,6,0,0\] and dilations/,
  ],
  "pads as large as a pool's window": [
    one("MaxPool", { attributes: { kernel_shape: [3, 3], pads: [3, 2, 0, 0] } }),
    /padding of a pool; expected less than 3×3, got \[3,0,2,0\]/,
  ],
  "a window larger than the image": [
    one("MaxPool", { attributes: { kernel_shape: [7, 2] } }),
    /window; expected at most 6, the padded image, got 7/,
  ],
  "ceil mode where padding counts": [
    one("AveragePool", {
      attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1, pads: [0, 1, 0, 1], count_include_pad: 1 },
    }),
    /count_include_pad/,
  ],
  "pads beside auto_pad": [
    one("MaxPool", { attributes: { kernel_shape: [2, 2], auto_pad: "SAME_UPPER", pads: [1, 0, 0, 0] } }),
    /auto_pad SAME_UPPER/,
  ],
  "unknown auto_pad": [one("MaxPool", { attributes: { kernel_shape: [2, 2], auto_pad: "MIRROR" } }), /got MIRROR/],
  "no kernel_shape": [one("MaxPool"), /attribute kernel_shape; expected 2 integers, got none/],
  "1-d windows": [
    one("Conv", { more: ["w"], constants: { w }, attributes: { strides: [1] } }),
    /attribute strides; expected 2 integers, two axes, got \[1\]/,
  ],
  "negative pads": [
    one("Conv", { more: ["w"], constants: { w }, attributes: { pads: [-1, 0, 0, 0] } }),
    /attribute pads/,
  ],
  "a computed weight": [
    {
      input: IMAGE,
      nodes: [
        { op: "Relu", in: ["x"], out: "r" },
        { op: "Conv", name: "c", in: ["x", "r"] },
      ],
    },
    /node "c" \(Conv\): input 1; expected a constant, got a computed value/,
  ],
  "a weight for other channels": [
    one("Conv", { more: ["w"], constants: { w: numbers(3, 4, 3, 3) } }),
    /a weight for 2 channels/,
  ],
  "weights that are not finite": [
    one("Conv", { more: ["w"], constants: { w: { ...w, data: w.data.map((v, i) => (i === 4 ? Number.NaN : v)) } } }),
    /element 4 of input 1; expected a finite number, got NaN/,
  ],
  "training-mode batch norm": [
    one("BatchNormalization", {
      opset: 14,
      more: ["v", "v", "v", "v"],
      constants: { v: numbers(2) },
      attributes: { training_mode: 1 },
    }),
    /attribute training_mode; expected 0, got 1/,
  ],
  "training-mode batch norm before opset 14": [
    {
      input: IMAGE,
      nodes: [{ op: "BatchNormalization", in: ["x", "v", "v", "v", "v"], outs: ["out", "m2", "v2", "m3", "v3"] }],
      constants: { v: numbers(2) },
    },
    /outputs in training mode; expected one, as in evaluation, got 5; export the network in evaluation mode/,
  ],
  "a product of extents with the batch": [
    {
      input: IMAGE,
      nodes: [
        { op: "Shape", in: ["x"], out: "s" },
        { op: "Mul", name: "m", in: ["s", "s"] },
      ],
    },
    /node "m" \(Mul\): input 0/,
  ],
  "constants that do not go together": [
    {
      input: IMAGE,
      nodes: [
        { op: "Add", name: "a", in: ["c", "d"], out: "e" },
        { op: "Add", in: ["x", "e"] },
      ],
      constants: { c: numbers(2), d: numbers(3) },
    },
    /node "a" \(Add\): constants; expected shapes that go together, got \[2\] and \[3\]/,
  ],
  "a constant beyond what memory should hold": [
    {
      input: IMAGE,
      nodes: [
        { op: "ConstantOfShape", name: "c", in: ["s"], out: "e" },
        { op: "Add", in: ["x", "e"] },
      ],
      constants: { s: { shape: [3], data: [2048, 2048, 2048], ints: true } },
    },
    /node "c" \(ConstantOfShape\): size of computed constants/,
  ],
  "a rounding of computed values": [one("Floor"), /\(Floor\): inputs; expected constants, got computed values/],
  "negative variance": [
    one("BatchNormalization", {
      more: ["v", "v", "v", "m"],
      constants: { v: numbers(2), m: { shape: [2], data: [1, -1] } },
    }),
    /variance of at least 0, got -1/,
  ],
  "Gemm with transA": [
    one("Gemm", { input: ["N", 4], more: ["w"], constants: { w: numbers(4, 2) }, attributes: { transA: 1 } }),
    /attribute transA; expected 0, got 1/,
  ],
  "Gemm on images": [
    one("Gemm", { more: ["w"], constants: { w: numbers(60, 2) } }),
    /input 0; expected \[N,F\], got \[N,2,6,5\]/,
  ],
  "Gemm with a bias for every row": [
    one("Gemm", { input: ["N", 4], more: ["w", "b"], constants: { w: numbers(4, 2), b: numbers(3, 2) } }),
    /input 2; expected \[2\] or one number, got \[3,2\]/,
  ],
  "a sum of different shapes": [
    {
      input: IMAGE,
      nodes: [
        { op: "MaxPool", in: ["x"], out: "g", attributes: { kernel_shape: [2, 2] } },
        { op: "Add", in: ["x", "g"] },
      ],
    },
    /two of one shape, or whose other axes have one element, got \[N,2,6,5\] and \[N,2,5,4\]/,
  ],
  "a product of images and rows": [
    {
      input: IMAGE,
      nodes: [
        { op: "Flatten", in: ["x"], out: "f" },
        { op: "Mul", in: ["x", "f"] },
      ],
    },
    /two computed values; expected two of one shape.*got \[N,2,6,5\] and \[N,60\]/,
  ],
  "a constant of another size divided": [
    { input: IMAGE, nodes: [{ op: "Div", in: ["c", "x"] }], constants: { c: numbers(3) } },
    /one number, or \[2,1,1\]/,
  ],
  "constants per pixel of another image": [
    one("Add", { more: ["c"], constants: { c: numbers(1, 2, 6, 4) } }),
    /one number, or \[2,1,1\]/,
  ],
  "parts that are not all": [
    one("Split", { attributes: { axis: 1, split: [1, 2] }, opset: 11 }),
    /split; expected 1 parts of 2 together, got \[1,2\]/,
  ],
  "parts of the batch": [
    one("Split", { attributes: { axis: 0 } }),
    /attribute axis; expected 1 to 3, got 0, the batch/,
  ],
  "a reduction over the batch": [
    one("ReduceMax", { attributes: { axes: [0] } }),
    /axes; expected axes behind the batch/,
  ],
  "blocks that do not fit": [one("DepthToSpace", { attributes: { blocksize: 2 } }), /one that fits \[N,2,6,5\], got 2/],
  "a response over no channel": [
    one("LRN", { attributes: { size: 0 } }),
    /attribute size; expected an odd number, 1 to 1024, got 0/,
  ],
  "instances scaled for other channels": [
    one("InstanceNormalization", { more: ["c", "c"], constants: { c: numbers(3) } }),
    /input 1; expected \[2\], got \[3\]/,
  ],
  "statistics over an open batch": [one("MeanVarianceNormalization"), /axes of one image, or a batch that is one/],
  "repetitions of rows of pixels": [
    one("Tile", { more: ["t"], constants: { t: { shape: [4], data: [1, 1, 2, 1], ints: true } } }),
    /repeats; expected 1, but for channels, got \[1,1,2,1\]/,
  ],
  "an expansion": [
    one("Expand", { more: ["t"], constants: { t: { shape: [4], data: [3, 1, 1, 1], ints: true } } }),
    /shape; expected \[N,2,6,5\], got \[3,1,1,1\]/,
  ],
  "concatenation of rows of pixels": [
    { input: IMAGE, nodes: [{ op: "Concat", in: ["x", "x"], attributes: { axis: 2 } }] },
    /concatenation/,
  ],
  "flatten from another axis": [one("Flatten", { attributes: { axis: 2 } }), /attribute axis; expected 1, got 2/],
  "a reshape to images": [
    one("Reshape", { more: ["to"], constants: { to: { shape: [4], data: [0, 5, 6, 2], ints: true } } }),
    /reshape; expected \[N,60\], a flattening/,
  ],
  "a reshape by a computed value": [
    one("Reshape", { more: ["x"] }),
    /node "here" \(Reshape\): input 1; expected extents, got a computed value/,
  ],
  "an extent that is not there": [
    {
      input: IMAGE,
      nodes: [
        { op: "Shape", in: ["x"], out: "s" },
        { op: "Gather", name: "g", in: ["s", "four"] },
      ],
      constants: { four: { shape: [], data: [4], ints: true } },
    },
    /node "g" \(Gather\): indices; expected integers below 4/,
  ],
  "extents as an output": [one("Shape"), /output "out"; expected a value computed from the input, got none/],
  "a batch that is moved": [
    {
      input: IMAGE,
      nodes: [
        { op: "Shape", in: ["x"], out: "s" },
        { op: "Gather", in: ["s", "order"], out: "t" },
        { op: "Reshape", name: "r", in: ["x", "t"] },
      ],
      constants: { order: { shape: [4], data: [0, 1, 2, 0], ints: true } },
    },
    /node "r" \(Reshape\): reshape; expected \[N,60\], a flattening, or \[N,2,6,5\], got \[N,2,6,N\]/,
  ],
  "a softmax over several axes": [one("Softmax", { opset: 11, attributes: { axis: 1 } }), /before opset 13/],
  "a transposition": [
    one("Transpose", { attributes: { perm: [0, 1, 3, 2] } }),
    /attribute perm; expected \[0,2,3,1\], got \[0,1,3,2\]/,
  ],
  "training-mode dropout": [
    one("Dropout", { more: ["", "t"], constants: { t: { shape: [], data: [1], ints: true } } }),
    /training mode; expected false, got true/,
  ],
  "a min above max": [
    one("Clip", { more: ["a", "b"], constants: { a: { shape: [], data: [2] }, b: { shape: [], data: [1] } } }),
    /min of at most max, got 2 and 1/,
  ],
  "too many inputs": [one("Relu", { more: ["x"] }), /inputs; expected 1, got \[x, x\]/],
  "a value from nowhere": [
    { input: IMAGE, nodes: [{ op: "Relu", name: "r", in: ["y"] }] },
    /node "r" \(Relu\): reads "y"; expected a value of the graph, got none/,
  ],
  "a cycle": [
    {
      input: IMAGE,
      nodes: [
        { op: "Add", name: "a", in: ["x", "q"], out: "p" },
        { op: "Relu", name: "b", in: ["p"], out: "q" },
        { op: "Relu", in: ["q"] },
      ],
    },
    /\(Add\): a cycle; expected none, got p → q → p/,
  ],
  "a node that reads itself": [
    { input: IMAGE, nodes: [{ op: "Add", name: "a", in: ["x", "out"] }] },
    /a cycle; expected none, got out → out/,
  ],
  "two nodes that give one value": [
    {
      input: IMAGE,
      nodes: [
        { op: "Relu", in: ["x"] },
        { op: "Tanh", in: ["x"] },
      ],
    },
    /value "out"; expected one that gives it, got several/,
  ],
  "extents left open": [
    one("Relu", { input: ["N", 3, "height", 5] }),
    /input "x"; expected fixed extents but for the batch, got \[\?,3,\?,5\]; give inputShape/,
  ],
  "an input of zero extent": [one("Relu", { input: ["N", 3, 0, 5] }), /extents of at least 1/],
  "an input beyond 2^53": [one("Relu", { input: ["N", 3, 2 ** 60, 5] }), /input "x"; expected extents of at least 1/],
  "an input of integers": [one("Relu", { element: ELEMENT.INT64 }), /input "x"; expected FLOAT or UINT8, got INT64/],
  "an input of five axes": [one("Relu", { input: ["N", 3, 4, 5, 6] }), /got 5 axes/],
  "an operator set of the future": [
    one("Relu", { opset: 99 }),
    /version of the operator set; expected 7 to 25, got 99/,
  ],
  "an output that nothing computes": [
    one("Relu", { output: "elsewhere" }),
    /output "elsewhere"; expected a value computed from the input, got none/,
  ],
  "an output that is the input": [one("Relu", { output: "x" }), /output "x"/],
};

function expectRefused(bytes: Uint8Array, message: RegExp): void {
  let thrown: unknown;
  try {
    importOnnx(bytes, { file: "file.onnx" });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(FormatError);
  expect((thrown as Error).message).toMatch(message);
  expect((thrown as Error).message).toMatch(/^file\.onnx/);
  expect(memory().arrays).toBe(0);
}

describe("refused by import", () => {
  it.each(Object.entries(REFUSED))("%s", (_, [model, message]) => {
    expectRefused(modelBytes(model), message);
  });
});

describe("refused by the reader", () => {
  const plain: TestModel = one("Conv", { more: ["w"], constants: { w } });
  const changed = (change: (model: ModelMessage & { graph: GraphMessage }) => void): Uint8Array => {
    const message = messageOf(plain);
    change(message);
    return encodeModel(message);
  };

  it.each<[string, Uint8Array, RegExp]>([
    ["an empty file", new Uint8Array(0), /not an ONNX model; expected a graph, got none/],
    ["text", new TextEncoder().encode("this is no model"), /file\.onnx: model/],
    ["a safetensors file", Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32), /file\.onnx/],
    ["a truncated file", modelBytes(plain).subarray(0, 150), /file\.onnx: model/],
    [
      "external data that was not given",
      changed(({ graph }) => {
        graph.initializer![0].dataLocation = 1;
        graph.initializer![0].externalData = [{ key: "location", value: "weights.bin" }];
      }),
      /initializer "w": external data; expected the bytes of weights\.bin, got none; give them as externalData/,
    ],
    [
      "too few values",
      changed(({ graph }) => {
        graph.initializer![0].dims = [3, 2, 3, 4];
      }),
      /initializer "w": values of \[3,2,3,4\]; expected 72, got 54/,
    ],
    [
      "sizes beyond 2^53",
      changed(({ graph }) => {
        graph.initializer![0].dims = [2 ** 31, 2 ** 31, 2 ** 31];
      }),
      /initializer "w": number of elements; expected at most 2147483647/,
    ],
    [
      "an extent beyond 2^53",
      changed(({ graph }) => {
        graph.initializer![0].dims = [2 ** 60];
      }),
      /initializer "w": extents/,
    ],
    [
      "negative extents",
      changed(({ graph }) => {
        graph.initializer![0].dims = [-54];
      }),
      /initializer "w": extents/,
    ],
    [
      "weights of text",
      changed(({ graph }) => {
        graph.initializer![0].dataType = ELEMENT.STRING;
      }),
      /initializer "w": element type; expected FLOAT, .*got STRING/,
    ],
    [
      "raw and typed values",
      changed(({ graph }) => {
        graph.initializer![0].floatData = [1];
      }),
      /values; expected raw or typed, got both/,
    ],
    [
      "an initializer twice",
      changed(({ graph }) => {
        graph.initializer!.push(graph.initializer![0]);
      }),
      /initializer; expected a name of its own, got w/,
    ],
    [
      "sparse weights",
      changed(({ graph }) => {
        graph.sparseInitializer = [{}];
      }),
      /sparse initializers/,
    ],
    [
      "operators of another domain",
      changed(({ graph }) => {
        graph.node![0].domain = "com.microsoft";
      }),
      /node "here" \(Conv\): operator of another domain; expected standard operators, got com\.microsoft/,
    ],
    [
      "a graph inside a node",
      changed(({ graph }) => {
        graph.node![0].attribute = [{ name: "then_branch", type: ATTRIBUTE.GRAPH, g: { node: [] } }];
      }),
      /node "here" \(Conv\): a graph inside; expected operators without, got attribute then_branch/,
    ],
    [
      "a reference to a function's attribute",
      changed(({ graph }) => {
        graph.node![0].attribute = [{ name: "group", type: ATTRIBUTE.INT, refAttrName: "g" }];
      }),
      /attribute group; expected a value/,
    ],
    [
      "an attribute twice",
      changed(({ graph }) => {
        graph.node![0].attribute = [
          { name: "group", type: ATTRIBUTE.INT, i: 1 },
          { name: "group", type: ATTRIBUTE.INT, i: 1 },
        ];
      }),
      /attribute group; expected once, got twice/,
    ],
    [
      "two versions of the operator set",
      changed((model) => {
        model.opsetImport!.push({ domain: "ai.onnx", version: 14 });
      }),
      /version of the operator set; expected one, got 2/,
    ],
    [
      "no operator set",
      changed((model) => {
        model.opsetImport = [];
      }),
      /version of the operator set; expected one, got 0/,
    ],
    [
      "an initializer without data_type",
      changed(({ graph }) => {
        graph.initializer!.push({ name: "q", dims: [1], floatData: [1] });
      }),
      /initializer "q": element type; expected FLOAT, DOUBLE/,
    ],
    [
      "two inputs",
      changed(({ graph }) => {
        graph.input!.push({ ...graph.input![0], name: "y" });
      }),
      /inputs; expected one, got x, y/,
    ],
    [
      "two outputs",
      changed(({ graph }) => {
        graph.output!.push({ name: "w" });
      }),
      /outputs; expected one, got out, w/,
    ],
    [
      "a name that is not UTF-8",
      (() => {
        const bytes = modelBytes(plain);
        bytes[bytes.indexOf("here".charCodeAt(0), bytes.indexOf(4))] = 255;
        return bytes;
      })(),
      /UTF-8|file\.onnx/,
    ],
  ])("%s", (_, bytes, message) => {
    expectRefused(bytes, message);
  });

  it("messages nested without end", () => {
    let graph: GraphMessage = {};
    for (let depth = 0; depth < 60; depth++) {
      graph = { node: [{ opType: "If", attribute: [{ name: "then_branch", type: ATTRIBUTE.GRAPH, g: graph }] }] };
    }
    expectRefused(
      encodeModel({ irVersion: 8, opsetImport: [{ version: 13 }], graph }),
      /messages inside messages; expected at most 64/,
    );
  });

  it("does not overflow on a chain of 20,000 nodes", () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) => ({
      op: "Identity",
      in: [i === 0 ? "x" : `v${i - 1}`],
      out: `v${i}`,
    }));
    nodes.push({ op: "Relu", in: ["v19999"], out: "out" });
    using net = importOnnx(modelBytes({ input: IMAGE, nodes: [...nodes].reverse() }));
    expect(net.children().length).toBe(1);
  });

  it("memory that runs out while layers are made: those that were made are freed", () => {
    const bytes = modelBytes({
      input: IMAGE,
      constants: { v: { shape: [1, 2, 1, 1], data: [2, 3] } },
      nodes: [
        { op: "Mul", in: ["x", "v"], out: "a" },
        { op: "Add", in: ["a", "v"], out: "b" },
        { op: "Mul", in: ["b", "v"] },
      ],
    });
    const { arrays } = memory();
    const allocate = Allocator.prototype.allocate;
    let failures = 0;
    for (let last = 0; ; last++) {
      let calls = 0;
      const spy = vi.spyOn(Allocator.prototype, "allocate").mockImplementation(function (this: Allocator, size) {
        if (calls++ === last) throw new MemoryError({ op: "memory", what: "none left" });
        return allocate.call(this, size);
      });
      try {
        importOnnx(bytes).dispose();
        break;
      } catch (error) {
        expect(error).toBeInstanceOf(MemoryError);
        failures++;
      } finally {
        spy.mockRestore();
      }
      expect(memory().arrays, `allocation ${last}`).toBe(arrays);
    }
    expect(failures).toBeGreaterThan(2);
  });
});
