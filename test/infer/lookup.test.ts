/**
 * @file Layers wide enough for look-up products: every value is what its definition says, on every path and over tile
 * borders.
 */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import { type NodeData, type Plan, type PlanNode, planValues, writePacked } from "../../src/format/index.js";
import { Constants } from "../../src/infer/constants.js";
import { createSession, init } from "../../src/infer/index.js";
import { productOf } from "../../src/infer/product.js";
import { type Backend, kernelsFor } from "../../src/kernels/engine.js";
import type { KernelName } from "../../src/kernels/index.js";
import { randomData } from "../format/models.js";
import { naiveRun } from "./naive.js";

const { fround } = Math;
const codes = (bits: number) => ({ activation: { bits, step: fround(0.1), rounding: "ceil" } }) as const;
const window = (kernel: number, stride: number, padding: number, dilation = 1) =>
  ({
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    dilation: [dilation, dilation],
  }) as const;
const conv = (id: string, input: string, out: number, bits: number, rest: object): PlanNode =>
  ({ op: "conv", id, input, out, bits, groups: 1, granularity: "layer", ...rest }) as PlanNode;

/**
 * All paths in a row: bytes, look-up of pixels, of patches (narrow, 20 channels, dilated), rows; `bits` of the weights.
 */
function plan(size: number, bits: number): Plan {
  return {
    input: { shape: [size, size, 3], dtype: "u8", step: fround(1 / 255) },
    nodes: [
      conv("bytes", "input", 16, bits, { ...window(3, 1, 1), ...codes(4) }),
      conv("pixels", "bytes", 33, bits, { ...window(3, 1, 1), ...codes(4) }),
      conv("point", "pixels", 20, bits, { ...window(1, 1, 0), ...codes(3) }),
      conv("patches", "point", 32, bits, { ...window(3, 2, 1), ...codes(4) }),
      conv("dilated", "patches", 16, bits, { ...window(3, 1, 2, 2), ...codes(4) }),
      conv("stride", "dilated", 12, bits, { ...window(2, 2, 0), ...codes(4) }),
      { op: "flatten", id: "flat", input: "stride" },
      { op: "linear", id: "rows", input: "flat", out: 19, bits, granularity: "channel", bias: true },
    ],
    output: "rows",
  };
}

function dataOf(rng: Rng, model: Plan): Map<string, NodeData> {
  const values = planValues(model, "test");
  const data = new Map<string, NodeData>();
  for (const node of model.nodes) {
    const drawn = randomData(rng, node, values);
    if (drawn !== null) data.set(node.id, drawn);
  }
  return data;
}

describe.each<Backend>(["wasm", "reference"])("on the %s backend", (backend) => {
  for (const [size, bits, batch, maxBatch] of [
    [8, 1, 3, 2],
    [7, 2, 5, 64],
    [9, 3, 2, 1],
    [34, 1, 1, 1], // tiles of bands within an image
    [13, 2, 7, 7], // tiles of several images
  ]) {
    it(`${size}×${size}, ${bits}-bit weights, batch ${batch} in ${maxBatch}`, () => {
      init({ backend });
      const rng = new Rng(`look-up ${size} ${bits}`);
      const model = plan(size, bits);
      const data = dataOf(rng, model);
      const input = Uint8Array.from({ length: batch * sizeOf(model.input.shape) }, () => rng.int(256));
      const expected = naiveRun(model, data, input);
      using session = createSession(writePacked(model, data), { maxBatch });
      session.runTraced(input, ({ id, first, data: values, type }) => {
        const at = first * sizeOf(type.shape);
        expect([...values], `node ${id}`).toEqual(expected.get(id)?.slice(at, at + values.length));
      });
    });
  }
});

describe("the choice of a product", () => {
  const image = [8, 8, 16];
  const layer = { window: window(3, 1, 1), image, groups: 1, out: 16, codes: new Int8Array(16 * 144).fill(1), top: 15 };
  const cases: [string, Partial<typeof layer>, KernelName][] = [
    ["binary weights, 4-bit codes", {}, "u4_lut_conv"],
    ["ternary weights", { codes: new Int8Array(16 * 144) }, "u4_lut_conv"],
    ["a weight of 3", { codes: new Int8Array(16 * 144).fill(3) }, "u8_i8_conv"],
    ["5-bit codes", { top: 31 }, "u8_i8_conv"],
    ["5-bit codes, dilation", { top: 31, window: window(3, 1, 2, 2) }, "u8_i8_gemm"],
    ["5-bit codes, 5 columns", { top: 31, image: [5, 5, 16] }, "u8_i8_gemm"],
    ["groups", { groups: 2, codes: new Int8Array(16 * 72).fill(1) }, "u8_i8_gemm"],
    ["few filters", { out: 4, codes: new Int8Array(4 * 144).fill(1) }, "u8_i8_conv"],
    ["8 channels", { image: [8, 8, 8], codes: new Int8Array(16 * 72).fill(1) }, "u4_lut_gemm"],
    ["dilation", { window: window(3, 1, 2, 2) }, "u4_lut_gemm"],
    ["5 columns", { image: [5, 5, 16] }, "u4_lut_gemm"],
  ];
  it.each(cases)("%s", (_note, change, expected) => {
    init({ backend: "reference" }); // its table can be changed
    const kernels = kernelsFor("f32");
    const used: KernelName[] = [];
    const products = ["u4_lut_conv", "u4_lut_gemm", "u8_i8_conv", "u8_i8_gemm"] as const;
    const stubs = [...products, "u8_im2col", "b32_strided_scatter"] as const;
    const originals = stubs.map((name) => kernels[name]);
    const table = kernels as unknown as Record<string, unknown>;
    const constants = new Constants();
    try {
      for (const name of stubs) table[name] = () => used.push(name);
      const product = productOf({ ...layer, ...change }, constants);
      constants.place();
      const space = constants.ptr;
      product.run(space, space, 0, 0, space, [space, space, space]);
    } finally {
      stubs.forEach((name, i) => {
        table[name] = originals[i];
      });
      constants.dispose();
    }
    expect([...new Set(used)].filter((name) => (products as readonly KernelName[]).includes(name))).toEqual([expected]);
  });
});
