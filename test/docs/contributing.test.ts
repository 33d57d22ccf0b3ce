/**
 * @file docs/contributing.md: the files that it names exist, its lists stay short, and a toy of each kind can be added
 * as it says.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, expectTypeOf, it } from "vitest";
import { defineOp } from "../../src/autograd/define.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { pack, verify } from "../../src/export/index.js";
import { manualSeed } from "../../src/index.js";
import { ELEMENTWISE, UNARY } from "../../src/kernels/elementwise/abi.js";
import { scope } from "../../src/memory/scope.js";
import { scaleShift } from "../../src/ndarray/elementwise.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Linear, ReLU, Sequential } from "../../src/nn/index.js";
import { opsOf, registry } from "../../src/ops/index.js";
import type { OpDef } from "../../src/ops/op.js";
import * as unary from "../../src/ops/unary.js";
import { type CoarseProxy, prepare, projectionNamed, projections } from "../../src/quant/index.js";
import { refit, rowProjection } from "../../src/quant/projection/projection.js";
import { fields } from "../../src/run/fields.js";
import { runConfig } from "../../src/run/index.js";
import { checkGradients } from "../gradcheck.js";
import { disposeLater } from "../leaks.js";
import { samples } from "../ops/samples.js";
import { bruteForce, distance, project } from "../quant/oracles.js";

const root = path.resolve(import.meta.dirname, "..", "..");
const page = readFileSync(path.join(root, "docs", "contributing.md"), "utf8");
const section = (title: string): string => page.split(/^## /m).find((part) => part.startsWith(title)) as string;
const filesOf = (text: string): string[] => [...text.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]);

describe("the page", () => {
  it("names files that are there", () => {
    const named = [...page.matchAll(/`((?:src|test|assembly|docs)\/[\w./-]+)`/g)].map((match) => match[1]);
    expect(named.length).toBeGreaterThan(25);
    expect(named.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });
  it.each([
    ["An op with a kernel", 6],
    ["A projection", 3],
    ["A coarse derivative", 4],
    ["A kind of node", 10],
    ["A rare kind of node", 4],
    ["A setting of `train`", 1],
  ])("%s takes at most %i files", (title, most) => {
    const files = filesOf(section(title));
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThanOrEqual(most);
    const walkedBy = /Walked by `([^`]+)`/.exec(section(title))?.[1];
    expect(existsSync(path.join(root, walkedBy as string)), walkedBy).toBe(true);
  });
});

describe("an op", () => {
  /** 3x − 1, as an entry of src/ops/unary.ts. */
  const toy: OpDef<undefined, null> = {
    name: "toy",
    shape: ([x]) => x.shape,
    forward: ([x]) => ({ y: scaleShift(x, 3, -1), saved: null }),
    backward: (dy) => [scaleShift(dy, 3)],
  };
  it("is registered by being exported, and helpers beside it are not", () => {
    expect(Object.keys(opsOf({ toy, helper: () => 1, TABLE: { a: 1 } }))).toEqual(["toy"]);
    expect(Object.keys(opsOf(unary)).every((name) => name in registry)).toBe(true);
  });
  it("is checked on samples, which a registered op must have", () => {
    for (const sample of samples.neg) checkGradients(toy, sample, 1);
    scope(() => expect(defineOp(toy)([new Tensor(NDArray.from([1, 2], [2]))]).toArray()).toEqual([2, 5]));
    // @ts-expect-error: an op without samples
    expectTypeOf<Omit<typeof samples, "relu">>().toMatchTypeOf<typeof samples>();
    expect(Object.keys(samples).sort()).toEqual(Object.keys(registry).sort());
  });
  it("has a kernel by one line, whose form says how it is tested", () => {
    expect(ELEMENTWISE.f32_tanh.names).toEqual(["xPtr", "outPtr", "len"]);
    expect(UNARY).toContain("f32_tanh");
    expect(UNARY).not.toContain("f32_clip");
  });
});

describe("a projection", () => {
  /** Signs at half their mean magnitude, as src/quant/projection/half.ts would hold them. */
  const half = () =>
    rowProjection({ name: "half", bits: 1 }, (row) => {
      projectionNamed("exact", 1).projectRow?.(row);
      return Math.fround(refit(row) / 2);
    });
  const families = { ...projections, half: { least: 1, most: 1, of: half } };

  it("is chosen by its name and refused at other widths", () => {
    const { q, delta } = project(projectionNamed("half", 1, families), [2, -4]);
    expect([[...q], delta]).toEqual([[1, -1], 1.5]);
    expect(() => projectionNamed("half", 2, families)).toThrow("expected 1-bit weights");
    // It is worse than the best, which the exact rule reaches: what the properties of the built-in ones would say.
    const w = Float32Array.of(2, -4);
    expect(distance(w, q, delta)).toBeGreaterThan(bruteForce(w, [-1, 1]));
  });
  it("of a row of the table is offered by the command line, its configuration and its help", () => {
    const [, field] = fields().find(([key]) => key === "projection") as ReturnType<typeof fields>[number];
    for (const [name, { least }] of Object.entries(projections)) {
      expect(field.kind.rule(name)).toBeNull();
      const config = runConfig({ bits: `${least}W4A`, projection: name } as never);
      expect(config.quant?.projection ?? "exact").toBe(name);
    }
    expect(field.help).toContain("median (1 bit), threshold (2 bits), one-shot (3…8 bits)");
    expect(() => runConfig({ bits: "4W4A", projection: "median" } as never)).toThrow(
      "--projection median: does not go with the other options; expected --bits 1WmA",
    );
  });
});

describe("a coarse derivative", () => {
  it("of a user's own needs no file: it trains, and what it trained is packed", async () => {
    const proxy: CoarseProxy = { name: "half", dx: (x) => (x > 0 ? 0.5 : 0) };
    // Some starts let no gradient through: both signs of a hidden unit cancel, or it is off.
    manualSeed(1);
    const net = disposeLater(new Sequential(new Linear(4, 8), new ReLU(), new Linear(8, 2)));
    prepare(net, { weights: 1, activations: { bits: 4, proxy }, keepFloat: ["first"] });
    scope(() => {
      const x = new Tensor(NDArray.from([1, 2, 3, 4], [1, 4]));
      net.forward(x).sum().backward();
    });
    expect((net[0] as Linear).weight.gradient?.view().some((value) => value !== 0)).toBe(true);
    net.zeroGrad();
    const packed = pack(net, { inputShape: [4], inputType: "f32" });
    expect((await verify(net, packed, { images: Float32Array.of(1, 2, 3, 4) })).identical).toBe(true);
  });
});
