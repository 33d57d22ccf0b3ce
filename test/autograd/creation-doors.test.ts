/** @file What creation and the generators refuse, before anything is made. */
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { sha256Hex } from "../../src/core/sha256.js";
import * as cg from "../../src/index.js";

// biome-ignore lint/suspicious/noExplicitAny: callers of plain JavaScript.
const wild = cg as any;
const cyclic: unknown[] = [];
cyclic.push(cyclic, cyclic);

describe("elements that are no numbers are named by their place", () => {
  it.each([
    [["0.1", "0.2"], /tensor: bad element at \[0\]; expected a number, got "0.1"/],
    [[1, null], /element at \[1\].*got null/],
    [[[1], [undefined]], /element at \[1,0\].*got undefined/],
    [[1n], /element at \[0\].*got 1n/],
    [new Array(3), /element at \[0\].*got undefined/],
    [[BigInt64Array.of(1n)], /element at \[0,0\].*got 1n/],
    ["12", /bad values; expected a number, got "12"/],
    [[[1], 2], /ragged at depth 1/],
    [[1, [2]], /ragged at depth 1/],
    [cyclic, /bad nesting; expected at most 32 axes/],
  ])("%#", (values, message) => {
    expect(() => wild.tensor(values)).toThrow(message);
    expect(() => wild.tensor(values)).toThrow(cg.ArgumentError);
  });
  it("takes rows that are typed arrays, and true and false", () => {
    cg.scope(() => {
      expect(cg.tensor([Float32Array.of(1, 2), Int16Array.of(-3, 4)] as never).toArray()).toEqual([
        [1, 2],
        [-3, 4],
      ]);
      expect(wild.tensor([true, false], { dtype: "bool" }).toTypedArray()).toEqual(Uint8Array.of(1, 0));
    });
  });
});

describe("refused at once", () => {
  it.each<[string, () => unknown]>([
    ["a shape for options", () => wild.tensor([1, 2], [2, 1])],
    ["an unknown option", () => wild.zeros([2], { requires_grad: true })],
    ["a flag that is none", () => wild.ones([2], { requiresGrad: 1 })],
    ["an rng that is none", () => wild.rand([2], { rng: 7 })],
    ["a gradient of integers", () => wild.zeros([2], { dtype: "i32", requiresGrad: true })],
    ["a misspelt type", () => wild.tensor([1], { dtype: "float32" })],
    ["null as a type", () => wild.arange(3, undefined, 1, { dtype: null })],
    ["arange too long", () => cg.arange(2 ** 31)],
    ["linspace too long", () => cg.linspace(0, 1, 2 ** 31)],
    ["eye too large", () => cg.eye(2 ** 20)],
    ["randn too large", () => cg.randn([2 ** 20, 2 ** 20])],
    ["setDefaultRng()", () => wild.setDefaultRng()],
    ["manualSeed(0.5)", () => cg.manualSeed(0.5)],
    ["manualSeed(null)", () => wild.manualSeed(null)],
    ["permutation(2^31)", () => new Rng(1).permutation(2 ** 31)],
    ["shuffle of a length", () => new Rng(1).shuffle({ length: 1e9 })],
    ["shuffle of holes", () => new Rng(1).shuffle(new Array(1e9))],
    ["bool(NaN)", () => new Rng(1).bool(Number.NaN)],
    ["fillNormal of integers", () => new Rng(1).fillNormal(new Int32Array(2) as never, 0, 1)],
    ["Rng.from(null)", () => Rng.from(null as never)],
    ["a hash of text", () => sha256Hex("abc" as never)],
    ["scope(7)", () => wild.scope(7)],
    ["scope with a promise of another realm", () => cg.scope(() => runInNewContext("Promise.resolve(1)"))],
    ["init(null)", () => wild.init(null)],
    ["init of an unknown option", () => wild.init({ device: "wasm" })],
    ["init with bytes for a module", () => wild.init({ module: new Uint8Array(8) })],
    [
      "init with a stranger's module",
      () => cg.init({ module: new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)) }),
    ],
  ])("%s", (_, call) => {
    const before = cg.memory().arrays;
    expect(call).toThrow(cg.CoarsegradError);
    expect(cg.memory().arrays).toBe(before);
  });
});
