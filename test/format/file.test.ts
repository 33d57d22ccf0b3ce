import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { DTypeError, FormatError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { type NodeData, type Plan, readPacked, writePacked } from "../../src/format/index.js";
import { contentChecksum } from "../../src/io/checksum.js";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { randomModel } from "./models.js";

const { fround } = Math;

/** conv 3×3 with thresholds → pool → flatten → linear: every kind of tensor that a fully quantized net has. */
function small(): { plan: Plan; data: Map<string, NodeData> } {
  const plan: Plan = {
    input: { shape: [4, 4, 1], dtype: "u8", step: fround(1 / 255) },
    nodes: [
      {
        op: "conv",
        id: "conv1",
        input: "input",
        out: 2,
        bits: 1,
        granularity: "layer",
        groups: 1,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1, 1, 1],
        dilation: [1, 1],
        activation: { bits: 2, step: 0.25, rounding: "ceil" },
      },
      {
        op: "maxPool",
        id: "pool1",
        input: "conv1",
        kernel: [2, 2],
        stride: [2, 2],
        padding: [0, 0, 0, 0],
        dilation: [1, 1],
      },
      { op: "flatten", id: "flatten", input: "pool1" },
      { op: "linear", id: "fc", input: "flatten", out: 3, bits: 2, granularity: "channel", bias: true },
    ],
    output: "fc",
    classes: ["a", "b", "c"],
  };
  const data = new Map<string, NodeData>([
    [
      "conv1",
      {
        codes: Int8Array.from({ length: 18 }, (_, i) => (i % 3 === 0 ? -1 : 1)),
        delta: Float32Array.of(0.5),
        thresholds: { values: Int32Array.of(-5, 10, 25, 300, 200, 100), flip: Uint8Array.of(0, 1), top: 3 },
      },
    ],
    [
      "fc",
      {
        codes: Int8Array.from({ length: 24 }, (_, i) => (i % 3) - 1),
        delta: Float32Array.of(0.1, 0.2, 0.3),
        bias: Float32Array.of(1, 2, 3),
      },
    ],
  ]);
  return { plan, data };
}

it("comes back from its bytes, and the same model gives the same bytes", () => {
  const { plan, data } = small();
  const bytes = writePacked(plan, data);
  const model = readPacked(bytes);
  expect(model.plan).toEqual(plan);
  expect(model.data).toEqual(data);
  expect(writePacked(model.plan, model.data)).toEqual(bytes);
});

it("random models come back from their bytes; sizes add up", () => {
  for (let seed = 0; seed < 150; seed++) {
    const { plan, data } = randomModel(new Rng(seed));
    const bytes = writePacked(plan, data);
    const model = readPacked(bytes);
    expect(model.plan, `seed ${seed}`).toEqual(plan);
    expect(model.data, `seed ${seed}`).toEqual(data);
    expect(model.fileBytes).toBe(bytes.length);
    expect(model.headerBytes + model.tensors.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(bytes.length);
    expect(model.headerBytes).toBe(8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)));
  }
});

it("is a safetensors file that any tool can list", () => {
  const { plan, data } = small();
  const { tensors, metadata } = readSafetensors(writePacked(plan, data));
  expect(metadata.format).toBe("coarsegrad-packed");
  expect(metadata.version).toBe("2");
  expect(metadata.checksum).toMatch(/^[0-9a-f]{8}$/);
  expect(JSON.parse(metadata.plan)).toEqual(plan);
  expect([...tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} [${shape}]`)).toEqual([
    "conv1.delta F32 [1]",
    "fc.delta F32 [3]",
    "fc.bias F32 [3]",
    "conv1.weight U8 [3]",
    "conv1.thresholds U8 [7]",
    "fc.weight U8 [6]",
  ]);
});

/** `small()` with codes of 8 bits: 255 thresholds a channel, nearly on a line. */
function wide(): ReturnType<typeof small> {
  const { plan, data } = small();
  const conv = { ...plan.nodes[0], activation: { bits: 8, step: 0.25, rounding: "ceil" } } as Plan["nodes"][number];
  const values = Int32Array.from({ length: 510 }, (_, i) => (i < 255 ? Math.ceil(3.7 * i) - 40 : -Math.ceil(7.3 * i)));
  const thresholds = { values, flip: Uint8Array.of(0, 1), top: 255 };
  return {
    plan: { ...plan, nodes: [conv, ...plan.nodes.slice(1)] },
    data: new Map([...data, ["conv1", { ...data.get("conv1"), thresholds }]]),
  };
}

it("keeps thresholds of many codes as lines, in version 3; older readers can be written for", () => {
  const { plan, data } = wide();
  const bytes = writePacked(plan, data);
  const file = readSafetensors(bytes);
  expect(file.metadata.version).toBe("3");
  expect(file.tensors.get("conv1.thresholds")!.shape[0]).toBeLessThan(40);
  expect(readPacked(bytes)).toMatchObject({ plan, data });
  const listed = writePacked(plan, data, { lines: false });
  expect(readSafetensors(listed).metadata.version).toBe("2");
  expect(readSafetensors(listed).tensors.get("conv1.thresholds")!.shape[0]).toBeGreaterThan(500);
  expect(readPacked(listed).data).toEqual(data);
  // Few codes: as lists unless it is asked for, and where lines would be longer also then.
  expect(readSafetensors(writePacked(small().plan, small().data, { lines: true })).metadata.version).toBe("2");
});

it("lines are lists where the version says so: a forged version is refused, or gives other thresholds", () => {
  const { plan, data } = wide();
  for (const lines of [true, false]) {
    const { tensors, metadata } = readSafetensors(writePacked(plan, data, { lines }));
    const entries = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
    const { checksum: _, ...rest } = metadata;
    const texts = { ...rest, version: lines ? "2" : "3" };
    const forgery = writeSafetensors(entries, { ...texts, checksum: contentChecksum(entries, texts) });
    expect(() => readPacked(forgery)).toThrow(FormatError);
  }
});

type Json = Record<string, unknown>;

/** The file of `small()` after a change to its parts. */
function forged(change: {
  plan?: (plan: { input: Json; nodes: Json[]; output: unknown } & Json) => void;
  planText?: (text: string) => string;
  metadata?: (metadata: Json) => void;
  tensors?: (tensors: Map<string, { shape: number[]; data: Uint8Array | Float32Array | Int8Array }>) => void;
}): Uint8Array {
  const { plan, data } = small();
  const file = readSafetensors(writePacked(plan, data));
  const copy = JSON.parse(file.metadata.plan);
  change.plan?.(copy);
  const text = JSON.stringify(copy);
  const metadata: Json = { ...file.metadata, plan: change.planText?.(text) ?? text };
  change.metadata?.(metadata);
  const tensors = new Map(
    [...file.tensors].map(([name, { shape, data }]) => [name, { shape, data: data as Uint8Array | Float32Array }]),
  );
  change.tensors?.(tensors);
  const entries = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  // Forgers compute the checksum too.
  const { checksum: _, ...texts } = metadata as Record<string, string>;
  return writeSafetensors(entries, { ...texts, checksum: contentChecksum(entries, texts) });
}

const f32 = (...values: number[]) => ({ shape: [values.length], data: Float32Array.from(values) });
const u8 = (...values: number[]) => ({ shape: [values.length], data: Uint8Array.from(values) });

it("forging nothing changes nothing", () => {
  const { plan, data } = small();
  expect(forged({})).toEqual(writePacked(plan, data));
});

it.each<[string, Parameters<typeof forged>[0], string]>([
  ["another format", { metadata: (m) => (m.format = "other") }, 'format "coarsegrad-packed", got other'],
  ["no format, as in a checkpoint", { metadata: (m) => delete m.format }, "a checkpoint has to be packed first"],
  ["another version", { metadata: (m) => (m.version = "4") }, "expected 1, 2, 3, got 4"],
  ["no plan", { metadata: (m) => delete m.plan }, "no plan"],
  ["unknown metadata", { metadata: (m) => (m.author = "me") }, "got author"],
  ["a plan that is not JSON", { planText: () => "{" }, "plan is not JSON"],
  ["a plan that is a list", { planText: () => "[]" }, "plan: plan; expected an object, got []"],
  ["a key twice", { planText: (t) => t.replace('"output":', '"output":"fc","output":') }, '"output" occurs twice'],
  ["an unknown field", { plan: (p) => (p.extra = 1) }, "plan.extra is unknown"],
  ["an unknown op", { plan: (p) => (p.nodes[1].op = "softmax") }, "plan.nodes[1].op is unknown"],
  ["an op from the prototype", { plan: (p) => (p.nodes[1].op = "toString") }, "plan.nodes[1].op is unknown"],
  ["an unknown field of a node", { plan: (p) => (p.nodes[1].bits = 1) }, "plan.nodes[1].bits is unknown"],
  ["a missing field of a node", { plan: (p) => delete p.nodes[0].bits }, "plan.nodes[0].bits"],
  ["bits out of range", { plan: (p) => (p.nodes[0].bits = 9) }, "an integer in [1, 8], got 9"],
  ["bits that are not whole", { plan: (p) => (p.nodes[0].bits = 1.5) }, "an integer in [1, 8], got 1.5"],
  ["bits as text", { plan: (p) => (p.nodes[0].bits = "1") }, 'got "1"'],
  ["a kernel of one number", { plan: (p) => (p.nodes[0].kernel = [3]) }, "a list of 2"],
  ["a stride of zero", { plan: (p) => (p.nodes[0].stride = [0, 1]) }, "plan.nodes[0].stride[0]"],
  ["an empty plan", { plan: (p) => (p.nodes = []) }, "plan.nodes"],
  ["an id twice", { plan: (p) => (p.nodes[1].id = "conv1") }, "an id that no node before it has"],
  ["an id that is the input's", { plan: (p) => (p.nodes[1].id = "input") }, "an id that no node before it has"],
  ["a reference to nothing", { plan: (p) => (p.nodes[1].input = "conv9") }, "an id that no node has"],
  ["a forward reference", { plan: (p) => (p.nodes[0].input = "pool1") }, "itself or a later node"],
  ["a cycle", { plan: (p) => (p.nodes[1].input = "pool1") }, "itself or a later node"],
  ["an output that is not there", { plan: (p) => (p.output = "fc2") }, 'the id of a node, got "fc2"'],
  ["the input as output", { plan: (p) => (p.output = "input") }, "the id of a node"],
  ["a step of zero", { plan: (p) => (p.input.step = 0) }, "a positive finite f32 number"],
  ["a step beyond f32", { plan: (p) => (p.input.step = 0.1) }, "a positive finite f32 number"],
  ["no step", { plan: (p) => delete p.input.step }, "for u8, and for u8 alone"],
  ["a step for floats", { plan: (p) => (p.input.dtype = "f32") }, "for u8, and for u8 alone"],
  ["a shape that overflows", { plan: (p) => (p.input.shape = [2 ** 24, 2 ** 24, 2 ** 24]) }, "too large"],
  ["a shape of rank 4", { plan: (p) => (p.input.shape = [1, 4, 4, 1]) }, "a list of 1 to 3"],
  ["a window larger than the image", { plan: (p) => (p.nodes[0].kernel = [7, 3]) }, "one that fits into [4,4,1]"],
  ["a linear layer on an image", { plan: (p) => (p.nodes[3].input = "pool1") }, "expected [F], got [2,2,2]"],
  ["groups that do not divide", { plan: (p) => (p.nodes[0].groups = 2) }, "a divisor of 1 and 2 channels"],
  ["bias beside thresholds", { plan: (p) => (p.nodes[0].bias = true) }, "bias beside thresholds"],
  ["a pool's window of padding alone", { plan: (p) => (p.nodes[1].padding = [2, 0, 0, 0]) }, "in every window"],
  [
    "quantized layer on floats",
    { plan: (p) => (p.nodes[2] = { op: "dequantize", id: "flatten", input: "pool1" }) },
    "u8 codes",
  ],
  ["too few classes", { plan: (p) => (p.classes = ["a"]) }, "number of classes"],
  ["a channel more than weights", { plan: (p) => (p.nodes[0].out = 3) }, "conv1.weight: shape; expected [4], got [3]"],
  ["an input of other width", { plan: (p) => (p.input.shape = [4, 6, 1]) }, "fc.weight: shape"],
  ["a missing tensor", { tensors: (t) => t.delete("conv1.thresholds") }, "missing conv1.thresholds"],
  ["an extra tensor", { tensors: (t) => t.set("conv2.weight", u8(1)) }, "extra conv2.weight"],
  ["a tensor of another type", { tensors: (t) => t.set("conv1.weight", f32(1, 2, 3)) }, "expected U8, got F32"],
  [
    "a tensor of another shape",
    { tensors: (t) => t.set("fc.bias", f32(1, 2)) },
    "fc.bias: shape; expected [3], got [2]",
  ],
  ["thresholds of rank 2", { tensors: (t) => t.set("conv1.thresholds", { ...u8(1, 2), shape: [1, 2] }) }, "[bytes]"],
  [
    "a delta that is not a number",
    { tensors: (t) => t.set("conv1.delta", f32(Number.NaN)) },
    "a finite number, got NaN",
  ],
  ["a negative delta", { tensors: (t) => t.set("conv1.delta", f32(-1)) }, "a number of at least 0, got -1"],
  ["an infinite bias", { tensors: (t) => t.set("fc.bias", f32(1, 2, Infinity)) }, "fc.bias: element 2"],
  ["a ternary code of 2", { tensors: (t) => t.set("fc.weight", u8(2, 0, 0, 0, 0, 0)) }, "fc.weight: code 0"],
  ["a padding bit", { tensors: (t) => t.set("conv1.weight", u8(0, 0, 4)) }, "conv1.weight: padding bits"],
  ["thresholds that step back", { tensors: (t) => t.set("conv1.thresholds", u8(0, 1, 3, 0, 1, 0)) }, "monotone"],
])("refuses %s", (_name, change, message) => {
  const bytes = forged(change);
  expect(() => readPacked(bytes, "net.cgm")).toThrow(FormatError);
  expect(() => readPacked(bytes, "net.cgm")).toThrow(message);
  expect(() => readPacked(bytes, "net.cgm")).toThrow(/^net\.cgm: /);
});

it("every truncation is a FormatError", () => {
  const { plan, data } = small();
  const bytes = writePacked(plan, data);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => readPacked(bytes.subarray(0, length)), `length ${length}`).toThrow(FormatError);
  }
});

it("any flipped bit is a FormatError", () => {
  const { plan, data } = small();
  const bytes = writePacked(plan, data);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] ^= 1 << (bit & 7);
    // Blanks that stay blanks mean the same: the padding and the case of nothing else.
    const same = () => expect(readPacked(changed)).toEqual(readPacked(bytes));
    try {
      same();
    } catch (error) {
      expect(error, `bit ${bit}`).toBeInstanceOf(FormatError);
    }
  }
});

/** The file of `small()` as version 1 had it, without a checksum. */
function old(): Uint8Array {
  const { plan, data } = small();
  const { tensors, metadata } = readSafetensors(writePacked(plan, data));
  const entries = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
  return writeSafetensors(entries, { format: metadata.format, version: "1", plan: metadata.plan });
}

it("reads files of version 1, which have no checksum; a checksum that is there must be right", () => {
  const { plan, data } = small();
  expect(readPacked(old())).toMatchObject({ plan, data });
  const { tensors, metadata } = readSafetensors(writePacked(plan, data));
  const entries = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
  expect(() => readPacked(writeSafetensors(entries, { ...metadata, version: "1" }), "a.cgm")).toThrow(
    "a.cgm: the file is damaged",
  );
  const { checksum: _, ...bare } = metadata;
  expect(() => readPacked(writeSafetensors(entries, bare))).toThrow("checksum");
});

it("is read from any kind of bytes", () => {
  const { plan, data } = small();
  const bytes = writePacked(plan, data);
  expect(readPacked(bytes.buffer)).toEqual(readPacked(bytes));
  expect(readPacked(runInNewContext("new Uint8Array(list)", { list: [...bytes] }))).toEqual(readPacked(bytes));
  expect(() => readPacked("a.cgm" as never)).toThrow(DTypeError);
});

it("changed bytes of version 1 give a FormatError or another model, nothing else", () => {
  const rng = new Rng("fuzz");
  const bytes = old();
  let accepted = 0;
  for (let trial = 0; trial < 6000; trial++) {
    const changed = bytes.slice();
    const edits = 1 + rng.int(3);
    for (let i = 0; i < edits; i++) {
      const at = rng.int(changed.length);
      // Digits in the header change sizes and shapes; random bytes change all else.
      changed[at] = rng.bool(0.5) ? 0x30 + rng.int(10) : rng.int(256);
    }
    try {
      readPacked(changed);
      accepted++;
    } catch (error) {
      if (!(error instanceof FormatError)) expect.fail(`trial ${trial}: ${String(error)}`);
    }
  }
  // Weights, steps and names may change without harm to the form; most of the header may not.
  expect(accepted).toBeLessThan(3000);
});

it("refuses to write what it would not read", () => {
  const { plan, data } = small();
  const fc = data.get("fc") as NodeData;
  const write = (change: NodeData) => () => writePacked(plan, new Map([...data, ["fc", { ...fc, ...change }]]));
  expect(write({ delta: Float32Array.of(1) })).toThrow("fc.delta: number of elements; expected 3, got 1");
  expect(write({ codes: new Int8Array(23) })).toThrow("fc.weight: number of codes; expected 24, got 23");
  expect(write({ bias: undefined })).toThrow("fc.bias: missing tensor");
  expect(write({ shift: Float32Array.of(1) })).toThrow("a linear node has no such tensor");
  expect(() => writePacked(plan, new Map([...data, ["fc9", {}]]))).toThrow("got fc9");
  expect(() => writePacked({ ...plan, output: "x" }, data)).toThrow(FormatError);
});

it("a plan of the most nodes is read or refused in a time that grows with its length", () => {
  const planOf = (first: string) => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => ({
      op: "flatten",
      id: `n${i}`,
      input: i === 0 ? first : `n${i - 1}`,
    }));
    const plan = JSON.stringify({ input: { shape: [1], dtype: "f32" }, nodes, output: "n9999" });
    return writeSafetensors([], { format: "coarsegrad-packed", version: "1", plan });
  };
  const started = performance.now();
  expect(readPacked(planOf("input")).plan.nodes).toHaveLength(10_000);
  expect(() => readPacked(planOf("n9999"))).toThrow('node "n0" reads "n9999"; expected the input or a node before it');
  // By pairs of nodes it would take some ten seconds.
  expect(performance.now() - started).toBeLessThan(4000);
});
