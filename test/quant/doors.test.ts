/** @file What the ops at quantized weights refuse, and patterns of policies in linear time. */
import { describe, expect, it } from "vitest";
import { tensor } from "../../src/autograd/functions.js";
import { apply } from "../../src/autograd/tensor.js";
import { ArgumentError, DTypeError, ShapeError } from "../../src/core/errors.js";
import { scope } from "../../src/memory/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { quantLinearOp, relaxOp } from "../../src/quant/index.js";
import { fits } from "../../src/quant/policy.js";
import { cpuMilliseconds } from "../cpu.js";

/** Codes 1, −1, 1 … with one step. */
const weightOf = (shape: number[], delta = 0.5) => ({
  codes: NDArray.from(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 2 === 0 ? 1 : -1)),
    shape,
    "i8",
  ),
  delta: Float32Array.of(delta),
  bits: 1,
  top: 1,
});

describe("ops at quantized weights", () => {
  it("multiply a vector [I] as one row", () =>
    scope(() => {
      const latent = tensor(NDArray.zeros([2, 3]).toTypedArray(), { shape: [2, 3] });
      const y = apply(quantLinearOp, [tensor([1, 2, 4]), latent], { weight: weightOf([2, 3]) });
      expect(y.shape).toEqual([2]);
      expect([...y.toTypedArray()]).toEqual([1.5, -1.5]); // ½(1 − 2 + 4), ½(−1 + 2 − 4)
    }));

  it("refuse codes of another shape and weights in f64", () =>
    scope(() => {
      const latent = tensor(new Float32Array(6), { shape: [2, 3] });
      const x = tensor([1, 2, 3]);
      expect(() => apply(quantLinearOp, [x, latent], { weight: weightOf([3, 2]) })).toThrow(ShapeError);
      expect(() => apply(relaxOp, [latent], { weight: weightOf([4, 3]), eta: 1 })).toThrow(ShapeError);
      expect(() => apply(relaxOp, [latent], { weight: weightOf([2, 3]), eta: Number.NaN })).toThrow(ArgumentError);
      const wide = tensor(new Float64Array(6), { shape: [2, 3] });
      expect(() => apply(relaxOp, [wide], { weight: weightOf([2, 3]), eta: 1 })).toThrow(DTypeError);
      const coded = tensor(NDArray.from(Uint8Array.of(1, 2, 3), [3], "u8", 0.5).toTypedArray());
      expect(() => apply(quantLinearOp, [coded, wide], { weight: weightOf([2, 3]) })).toThrow(DTypeError);
    }));
});

describe("patterns of policies", () => {
  const slow = (pattern: string, path: string): boolean => {
    const source = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${source.join(".*")}(\\..*)?$`).test(path);
  };
  it("mean what the expression means", () => {
    const words = ["a", "b", "ab", "a.b", "a.b.a", "ba.ab", "aab", "b.a", ""];
    const patterns = [...words, "*", "a*", "*a", "*b", "a*b", "*.a", "a.*", "**", "*a*b*", "a*a", "*b.a", "a*.b"];
    for (const pattern of patterns)
      for (const path of words)
        expect([pattern, path, fits(pattern, path)]).toEqual([pattern, path, slow(pattern, path)]);
  });
  it("take linear time", () => {
    const started = process.cpuUsage();
    expect(fits(`${"*a".repeat(2000)}b`, "a".repeat(4000))).toBe(false);
    expect(cpuMilliseconds(started)).toBeLessThan(1000);
  });
});
