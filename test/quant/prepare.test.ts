/** @file prepare, its policies, and the report of what is quantized. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { noGrad } from "../../src/autograd/graph.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { lenet5, resnet20 } from "../../src/models/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Conv1d, Conv2d, Linear, type Module, ReLU, Sequential, Tanh } from "../../src/nn/index.js";
import {
  authorsPolicy,
  binary,
  clippedReLU,
  formatQuantReport,
  pact,
  prepare,
  QuantConv2d,
  type QuantLinear,
  type QuantPolicy,
  quantReport,
  Staircase,
  staircase,
  ternary,
} from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

const rng = (): Rng => new Rng(3);
const lenet = (): Module => disposeLater(lenet5({ rng: rng() }));

/** Widths per layer, as `conv1:1` or `act1:4`; 32 is float. */
function widths(net: Module): string[] {
  return quantReport(net).layers.map(
    ({ name, weightBits, activationBits }) => `${name}:${weightBits ?? activationBits}`,
  );
}

afterEach(() => {
  vi.restoreAllMocks();
});

it("layers are told with their geometry, as they were in float, then their rule", () => {
  const net = new Sequential(
    new Conv1d(4, 6, 3, { stride: 2, padding: [1, 0], dilation: 2, groups: 2, bias: false, rng: rng() }),
    new Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: "same", rng: rng() }),
    new Linear(3, 2, { bias: false, rng: rng() }),
  );
  prepare(disposeLater(net), { weights: 4, granularity: "channel" });
  expect([0, 1, 2].map((n) => `${net[n]}`)).toEqual([
    "QuantConv1d(4 → 6, 3, stride 2, padding 1,0, dilation 2, groups 2, 4-bit uniform per channel, no bias)",
    "QuantConv2d(4 → 6, 3×2, stride 2,1, padding same, 4-bit uniform per channel)",
    "QuantLinear(3 → 2, 4-bit uniform per channel, no bias)",
  ]);
});

describe("policies", () => {
  const table: [string, QuantPolicy, string][] = [
    ["1W4A", { weights: 1, activations: 4 }, "1 4 1 4 1 4 1"],
    ["2W8A by rules", { weights: ternary(), activations: staircase({ bits: 8 }) }, "2 8 2 8 2 8 2"],
    ["weights alone", { weights: 4 }, "4 32 4 32 4 32 4"],
    ["activations alone", { activations: 2, weights: null }, "32 2 32 2 32 2 32"],
    ["first and last float", { weights: 1, activations: 4, keepFloat: ["first", "last"] }, "32 4 1 4 1 4 32"],
    ["by name", { weights: 1, activations: 4, keepFloat: ["fc1", "act3"] }, "1 4 1 4 32 32 1"],
    ["by pattern", { weights: 1, activations: 4, keepFloat: ["fc*"] }, "1 4 1 4 32 4 32"],
    [
      "exceptions",
      { weights: 1, activations: 4, perLayer: { conv1: { weights: 8 }, act3: { activations: 8 } } },
      "8 4 1 4 1 8 1",
    ],
    [
      "exceptions count more than keepFloat",
      { weights: 1, keepFloat: ["last"], perLayer: { fc2: { weights: 4 } } },
      "1 32 1 32 1 32 4",
    ],
    [
      "later exceptions count more",
      { weights: 1, perLayer: { "*": { weights: 2 }, "conv*": { weights: 3 } } },
      "3 32 3 32 2 32 2",
    ],
    [
      "exceptions to float",
      { weights: 1, activations: 4, perLayer: { act1: { activations: null } } },
      "1 32 1 4 1 4 1",
    ],
  ];
  it.each(table)("%s", (_, policy, expected) => {
    const names = ["conv1", "act1", "conv2", "act2", "fc1", "act3", "fc2"];
    expect(widths(prepare(lenet(), policy))).toEqual(expected.split(" ").map((bits, i) => `${names[i]}:${bits}`));
  });

  it("carries rules, proxies and granularity through", () => {
    const rule = binary({ scale: "median" });
    const net = prepare(lenet(), {
      weights: rule,
      granularity: "channel",
      activations: staircase({ bits: 4, proxy: clippedReLU, rule: pact, rounding: "nearest", alpha: 0.5 }),
      perLayer: { fc1: { granularity: "layer" } },
    });
    const conv = net.get("conv1") as QuantConv2d;
    expect([conv.weight.projection, conv.weight.granularity]).toEqual([rule, "channel"]);
    expect((net.get("fc1") as QuantLinear).weight.granularity).toBe("layer");
    const act = net.get("act2") as Staircase;
    expect([act.bits, act.proxy, act.rule, act.rounding, act.alpha.item()]).toEqual([
      4,
      clippedReLU,
      pact,
      "nearest",
      0.5,
    ]);
  });

  it("the authors' policy", () => {
    const net = prepare(lenet(), authorsPolicy({ weights: 2, activations: 4 }));
    expect(widths(net).map((text) => text.split(":")[1])).toEqual(["2", "4", "2", "4", "2", "4", "32"]);
    expect((net.get("conv1") as QuantConv2d).weight.projection.describe()).toEqual({
      ...{ name: "ternary-threshold", bits: 2, factor: 0.7, scale: "all" },
    });
    expect((net.get("act1") as Staircase).alpha.item()).toBe(Math.fround(0.1946));
    expect((authorsPolicy({ weights: 4, activations: 3 }).weights as { name: string }).name).toBe("one-shot");
    expect((authorsPolicy({ weights: 1, activations: 2 }).weights as { name: string }).name).toBe("binary");
  });

  it("pathnames below a stage, in a residual network", () => {
    const net = disposeLater(
      prepare(resnet20({ blocks: 1, rng: rng() }), { weights: 1, activations: 4, keepFloat: ["layer2"] }),
    );
    const floats = quantReport(net).layers.filter((layer) => !layer.quantized);
    expect(floats.map(({ name }) => name)).toEqual(
      ["conv1", "act1", "conv2", "act2"].map((name) => `layer2.0.${name}`),
    );
  });
});

describe("prepare", () => {
  it("works in place on the same values, names and modes", () => {
    const net = lenet();
    const weight = (net.get("conv1") as Conv2d).weight.toTypedArray();
    const float = new Map([...net.stateDict()].map(([key, array]) => [key, disposeLater(array.clone())]));
    net.eval();
    expect(prepare(net, { weights: 1, activations: 4 })).toBe(net);
    const conv = net.get("conv1") as QuantConv2d;
    expect(conv).toBeInstanceOf(QuantConv2d);
    expect([...conv.weight.toTypedArray()]).toEqual([...weight]);
    expect(net.modules().every((module) => !module.training)).toBe(true);
    expect([...net.namedParameters()].every(([name, parameter]) => parameter.name === name)).toBe(true);
    const report = net.loadStateDict(float, { strict: false });
    expect(report).toEqual({ missing: ["act1.alpha", "act2.alpha", "act3.alpha"], extra: [] });
  });
  it("leaves the network's arithmetic alone where nothing is quantized, and runs where it is", () => {
    const net = lenet().eval();
    scope(() =>
      noGrad(() => {
        const pixels = NDArray.empty([2, 28, 28, 1], "u8", Math.fround(1 / 255));
        const view = pixels.view();
        for (let i = 0; i < view.length; i++) view[i] = (i * 37) % 256;
        const x = new Tensor(pixels);
        const before = net.forward(x).toTypedArray();
        prepare(net, { activations: 4, keepFloat: ["act1", "act2", "act3"], perLayer: { act3: { activations: 8 } } });
        const kept = net.forward(x).toTypedArray();
        kept.forEach((value, i) => {
          expect(Math.abs(value - before[i])).toBeLessThan(0.2);
        });
        prepare(net, { weights: 1 });
        expect(net.forward(x).shape).toEqual([2, 10]);
      }),
    );
  });
  it("keeps shared layers shared", () => {
    const shared = new ReLU();
    const conv = new Conv2d(1, 1, 3, { padding: 1, rng: rng() });
    const net = disposeLater(new Sequential(conv, shared, conv, shared));
    prepare(net, { weights: 1, activations: 4 });
    expect(net[0]).toBeInstanceOf(QuantConv2d);
    expect(net[0]).toBe(net[2]);
    expect(net[1]).toBeInstanceOf(Staircase);
    expect(net[1]).toBe(net[3]);
    expect(net.parameters().length).toBe(3);
  });
  it("leaves quantized layers alone", () => {
    const net = prepare(lenet(), { weights: 1 });
    const conv = net.get("conv1");
    prepare(net, { weights: 4, activations: 4 });
    expect(net.get("conv1")).toBe(conv);
    expect(widths(net)[1]).toBe("act1:4");
  });
  it("warns loudly when nothing was quantized", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    prepare(lenet(), {});
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toContain(
      "CoarsegradQuantWarning: prepare() quantized nothing: the policy leaves every layer float",
    );
    prepare(new Sequential(new Tanh()), { weights: 1 });
    expect(warn.mock.calls[1][0]).toContain("no Conv2d, Conv1d, Linear or ReLU modules");
    prepare(lenet(), { weights: 1 });
    expect(warn).toHaveBeenCalledTimes(2);
  });
  it.each<[string, QuantPolicy, string]>([
    [
      "unknown name",
      { weights: 1, keepFloat: ["fc9"] },
      "prepare: keepFloat names no layer; expected conv1, act1, conv2, act2, fc1, act3, fc2, got fc9",
    ],
    ["unknown pattern", { weights: 1, perLayer: { "block*": { weights: 2 } } }, "prepare: perLayer names no layer"],
    ["a name's beginning", { weights: 1, keepFloat: ["fc"] }, "prepare: keepFloat names no layer"],
    ["bad width", { weights: 9 }, "projectionFor: bad bits; expected an integer from 1 to 8, got 9"],
    ["bad activation width", { weights: 1, activations: 0 }, "staircase: bad bits"],
    [
      "bad granularity",
      { weights: 1, granularity: "row" as "layer" },
      'prepare: unknown granularity; expected layer or channel, got "row"',
    ],
  ])("refuses %s and changes nothing", (_, policy, message) => {
    const net = lenet();
    const before = `${net}`;
    expect(() => prepare(net, policy)).toThrow(ArgumentError);
    expect(() => prepare(net, policy)).toThrow(message);
    expect(`${net}`).toBe(before);
  });
  it("refuses a single layer", () => {
    const layer = disposeLater(new Linear(2, 2, { rng: rng() }));
    expect(() => prepare(layer, { weights: 1 })).toThrow("wrap it in Sequential");
  });
});

describe("quantReport", () => {
  it("counts weights and bytes as the packed file does", () => {
    const net = prepare(lenet(), {
      weights: 1,
      activations: 4,
      keepFloat: ["last"],
      perLayer: { conv1: { weights: 3, granularity: "channel" } },
    });
    const report = quantReport(net);
    expect(report.layers[0]).toEqual({
      ...{ name: "conv1", kind: "conv", quantized: true, weightBits: 3, activationBits: null, granularity: "channel" },
      ...{ rule: "uniform", weights: 800, bytes: 400 + 4 * 32, exactInputs: 255 },
    });
    expect(report.layers[1]).toEqual({
      ...{ name: "act1", kind: "activation", quantized: true, weightBits: null, activationBits: 4, granularity: null },
      ...{ rule: "clipped-relu", weights: 0, bytes: 4, exactInputs: null },
    });
    expect(report.layers[6]).toMatchObject({ name: "fc2", quantized: false, weightBits: 32, bytes: 4 * 5130 });
    const hidden = 800 + 51_200 + 524_288;
    expect([report.quantizedWeights, report.floatWeights]).toEqual([hidden, 5120]);
    expect([report.quantizedActivations, report.floatActivations]).toEqual([3, 0]);
    expect(report.floatBytes).toBe(4 * (hidden + 5120));
    expect(report.bytes).toBe(528 + (6400 + 4) + (65_536 + 4) + 20_520 + 12);
  });
  it("says how large input codes may be for exact sums", () => {
    const linear = new Linear(4096, 1, { bias: false, rng: rng() });
    linear.weight.set(new Float32Array(4096).fill(1));
    const net = disposeLater(prepare(new Sequential(linear), { weights: 8 }));
    expect(quantReport(net).layers[0].exactInputs).toBe(Math.floor(2 ** 24 / (127 * 4096)));
  });
  it("prints as a table", () => {
    const net = disposeLater(
      prepare(
        new Sequential(new Linear(8, 4, { rng: rng() }), new ReLU(), new Linear(4, 2, { rng: rng() }), new Tanh()),
        {
          ...{ weights: 1, activations: 4, keepFloat: ["last"] },
        },
      ),
    );
    expect(formatQuantReport(quantReport(net)).split("\n")).toEqual([
      "layer  kind            W      A  scale per  rule          weights  bytes",
      "-----  ----------  -----  -----  ---------  ------------  -------  -----",
      "0      linear          1         layer      binary             32     24",
      "1      activation             4             clipped-relu               4",
      "2      linear      float                                        8     40",
      "3      activation         float",
      "32 of 40 weights quantized, 1 of 2 activations; 68 bytes for 160 as f32",
    ]);
  });
});
