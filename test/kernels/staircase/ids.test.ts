/**
 * @file Numbers of coarse derivatives that no kernel knows: refused by the ops, by the twins, and by the module, which
 * stops.
 */
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../../src/core/errors.js";
import { ABI, type KernelName } from "../../../src/kernels/abi.js";
import { DALPHA, PASSES } from "../../../src/kernels/staircase/rules.js";
import { NDArray } from "../../../src/ndarray/ndarray.js";
import { threeValued } from "../../../src/quant/alpha-rule.js";
import { batchNormStaircaseOp } from "../../../src/quant/ops/norm-staircase.js";
import { staircaseOp } from "../../../src/quant/ops/staircase.js";
import { clippedReLU } from "../../../src/quant/proxy.js";
import { heap, twin, wasm } from "../harness.js";

const COUNTS = { proxy: PASSES.length, rule: DALPHA.length };

/** Kernels with a choice, and a place of the arguments where it is made. */
const choices = (Object.keys(ABI) as KernelName[]).flatMap((name) =>
  (["proxy", "rule"] as const)
    .filter((choice) => (ABI[name].names as readonly string[]).includes(choice))
    .map((choice) => [name, choice] as const),
);

/** Arguments for four elements; one channel of four rows where there are channels. */
const VALUES: Readonly<Record<string, number>> = {
  ...{
    xPtr: 1024,
    dyPtr: 1088,
    dxPtr: 1152,
    codesPtr: 1216,
    gPtr: 1280,
    normPtr: 1344,
    dgammaPtr: 1408,
    dbetaPtr: 1472,
  },
  ...{ workPtr: 2048, shortcutPtr: 0, step: 0, len: 4, rows: 4, channels: 1, alpha: 0.5, top: 3, proxy: 0, rule: 0 },
};

function call(kernels: typeof wasm, name: KernelName, choice: string, id: number): unknown {
  heap.ensure(1 << 16);
  const values = { ...VALUES, [choice]: id };
  const args = (ABI[name].names as readonly string[]).map((argument) => values[argument] ?? 0);
  return (kernels[name] as (...args: number[]) => unknown)(...args);
}

describe.each(choices)("%s, %s", (name, choice) => {
  const known = Array.from({ length: COUNTS[choice] }, (_, id) => id);

  it("takes every number that there is", () => {
    for (const id of known) {
      expect(() => call(wasm, name, choice, id)).not.toThrow();
      expect(() => call(twin, name, choice, id)).not.toThrow();
    }
  });

  it.each([-1, known.length, known.length + 1])("refuses %i", (id) => {
    expect(() => call(wasm, name, choice, id)).toThrow(WebAssembly.RuntimeError);
    expect(() => call(twin, name, choice, id)).toThrow(ArgumentError);
  });
});

describe("the ops", () => {
  const attrs = { bits: 2, proxy: clippedReLU, rule: threeValued, rounding: "ceil", eps: 1e-5 } as const;
  const strangers = [
    ["proxy.kernelId", { proxy: { ...clippedReLU, kernelId: PASSES.length } }],
    ["rule.kernelId", { rule: { ...threeValued, kernelId: DALPHA.length } }],
  ] as const;

  it.each(strangers)("refuse an unknown %s before any kernel is called", (what, stranger) => {
    using x = NDArray.zeros([4, 1]);
    using vector = NDArray.zeros([1]);
    using alpha = NDArray.from([0.5], [1]);
    expect(() => staircaseOp.shape([x, alpha], attrs)).not.toThrow();
    expect(() => staircaseOp.shape([x, alpha], { ...attrs, ...stranger })).toThrow(ArgumentError);
    const inputs = [x, vector, vector, alpha];
    expect(() => batchNormStaircaseOp.shape(inputs, attrs)).not.toThrow();
    expect(() => batchNormStaircaseOp.shape(inputs, { ...attrs, ...stranger })).toThrow(what);
  });
});
