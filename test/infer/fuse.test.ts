/** @file Ends of residual blocks that run in one pass: the same codes as node by node, and which nodes are taken. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import {
  type NodeData,
  type Plan,
  type PlanNode,
  planValues,
  readPacked,
  writePacked,
} from "../../src/format/index.js";
import { fusionOf } from "../../src/infer/fuse.js";
import { createSession, init } from "../../src/infer/index.js";
import { type Backend, memory } from "../../src/kernels/engine.js";
import { randomData } from "../format/models.js";
import { naiveRun } from "./naive.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

interface Block {
  size: number;
  channels: number;
  bits: number;
  stride: number;
  norm: boolean;
  /** Second convolution, or codes, or their real values with another reader. */
  shortcut: "conv" | "codes" | "read twice";
  swapped: boolean;
  rounding: "ceil" | "nearest";
  seed: number;
}

const { fround } = Math;

/** conv with codes, then a block whose end is to be fused. */
function planOf({ size, channels, bits, stride, norm, shortcut, swapped, rounding }: Block): Plan {
  const conv = (id: string, input: string, kernel: number, step: number, rest: object): PlanNode =>
    ({
      op: "conv",
      id,
      input,
      out: channels,
      bits,
      groups: 1,
      granularity: "channel",
      kernel: [kernel, kernel],
      stride: [step, step],
      padding: [0, 1, 2, 3].map(() => (kernel - 1) / 2),
      dilation: [1, 1],
      ...rest,
    }) as unknown as PlanNode;
  const activation = { bits: 4, step: fround(0.3), rounding };
  const own = shortcut === "conv" ? stride : 1;
  const other = shortcut === "conv" ? "down" : "real";
  const sum = norm ? "bn" : "main";
  return {
    input: { shape: [size, size, 2], dtype: "u8", step: fround(1 / 255) },
    nodes: [
      conv("first", "input", 3, 1, { activation }),
      conv("main", "first", 3, own, { bias: !norm }),
      ...(norm ? [{ op: "affine", id: "bn", input: "main" } as const] : []),
      shortcut === "conv"
        ? conv("down", "first", 1, own, { bias: true })
        : { op: "dequantize", id: "real", input: "first" },
      { op: "add", id: "sum", inputs: swapped ? [other, sum] : [sum, other] },
      { op: "staircase", id: "act", input: "sum", activation },
      ...(shortcut === "read twice"
        ? ([
            { op: "dequantize", id: "again", input: "act" },
            { op: "add", id: "out", inputs: ["again", "real"] },
          ] as const)
        : ([{ op: "dequantize", id: "out", input: "act" }] as const)),
    ],
    output: "out",
  };
}

function dataOf(plan: Plan, rng: Rng): Map<string, NodeData> {
  const values = planValues(plan, "test");
  const data = new Map<string, NodeData>();
  for (const node of plan.nodes) {
    const drawn = randomData(rng, node, values);
    if (drawn !== null) data.set(node.id, drawn);
  }
  return data;
}

const blocks: fc.Arbitrary<Block> = fc.record({
  size: fc.integer({ min: 1, max: 9 }),
  channels: fc.constantFrom(1, 3, 5, 16, 17, 20),
  bits: fc.constantFrom(1, 2, 4),
  stride: fc.constantFrom(1, 2),
  norm: fc.boolean(),
  shortcut: fc.constantFrom("conv", "codes", "read twice"),
  swapped: fc.boolean(),
  rounding: fc.constantFrom("ceil", "nearest"),
  seed: fc.nat(),
});

describe.each<Backend>(["wasm", "reference"])("on the %s backend", (backend) => {
  it("a block in one pass gives the codes that its nodes give one by one", () => {
    init({ backend });
    fc.assert(
      fc.property(blocks, (block) => {
        const plan = planOf(block);
        const rng = new Rng(block.seed);
        const data = dataOf(plan, rng);
        const bytes = writePacked(plan, data);
        const input = Uint8Array.from({ length: 3 * sizeOf(plan.input.shape) }, () => rng.int(256));
        using fused = createSession(bytes, { maxBatch: 2 });
        using plain = createSession(bytes, { maxBatch: 2, fuse: false });
        const wanted = naiveRun(plan, data, input);
        expect([...plain.codes(input, "act")]).toEqual(wanted.get("act"));
        expect([...fused.codes(input, "act")]).toEqual(wanted.get("act"));
        expect(fused.run(input)).toEqual(plain.run(input));
      }),
      { numRuns: backend === "wasm" ? 150 : 60 },
    );
  });
});

describe("what is taken", () => {
  const block: Block = {
    size: 4,
    channels: 3,
    bits: 1,
    stride: 1,
    norm: true,
    shortcut: "codes",
    swapped: false,
    rounding: "ceil",
    seed: 1,
  };
  const innerOf = (plan: Plan): string[] => [...fusionOf(plan, planValues(plan, "test")).inner].sort();

  it("is what nothing else reads", () => {
    expect(innerOf(planOf(block))).toEqual(["bn", "main", "real", "sum"]);
    expect(innerOf(planOf({ ...block, norm: false, swapped: true }))).toEqual(["main", "real", "sum"]);
    expect(innerOf(planOf({ ...block, shortcut: "conv" }))).toEqual(["bn", "main", "sum"]);
    expect(innerOf(planOf({ ...block, shortcut: "read twice" }))).toEqual(["bn", "main", "sum"]);
    expect(innerOf({ ...planOf(block), output: "bn" })).toEqual([]);
    expect(innerOf({ ...planOf(block), output: "sum" })).toEqual([]);
  });

  it("is named by what asks for its values, and profiled with the pass that it is in", () => {
    const plan = planOf(block);
    const model = readPacked(writePacked(plan, dataOf(plan, new Rng(1))));
    using session = createSession(model);
    const input = new Uint8Array(32);
    expect(() => session.codes(input, "bn")).toThrow("fuse: false");
    const profile = session.profile({ input, runs: 1 });
    expect(profile.layers.map(({ id, macs }) => [id, macs])).toEqual([
      ["first", 16 * 3 * 18],
      ["act", 16 * 3 * 27],
      ["out", 0],
    ]);
  });
});
