/** @file Elementary functions: error against float64 mathematics in units of the last place, and limits. */
import { describe, expect, it } from "vitest";
import { exp, log, pow, tanh } from "../../src/core/math.js";
import { Rng } from "../../src/core/rng.js";
import { sigmoid } from "../../src/kernels/elementwise/sigmoid.js";
import { call, input, output, ulp, wasm } from "./harness.js";

type Unary = "f32_exp" | "f32_log" | "f32_tanh" | "f32_sigmoid";

function run(name: Unary, x: Float32Array): ArrayLike<number> {
  return call(wasm, name, [input(x), output(x), x.length]).outputs[0];
}

/** Largest error in ulps of the f32 result over finite results. */
function worst(got: ArrayLike<number>, want: (i: number) => number): number {
  let error = 0;
  for (let i = 0; i < got.length; i++) {
    const exact = want(i);
    if (!Number.isFinite(Math.fround(exact))) expect(got[i]).toBe(Math.fround(exact));
    else error = Math.max(error, Math.abs(got[i] - exact) / ulp(exact));
  }
  return error;
}

// Correct rounding would be 0.5; the f64 series leave no more than the odd tie beyond it.
const BOUND = 0.51;

describe("elementary functions in f32", () => {
  const rng = new Rng("elementary functions");
  const uniform = (lo: number, hi: number, n = 20000) => Float32Array.from({ length: n }, () => rng.range(lo, hi));
  /** Any magnitude, denormals included, both signs. */
  const anyBits = (n = 40000) => {
    const x = new Float32Array(Uint32Array.from({ length: n }, () => rng.u32()).buffer);
    return x.map((v) => (Number.isNaN(v) ? 1 : v));
  };

  const functions: [Unary, (x: number) => number, Float32Array[]][] = [
    ["f32_exp", exp, [uniform(-104, 89), uniform(-1, 1), anyBits()]],
    ["f32_log", log, [uniform(0, 4), uniform(0.99, 1.01), anyBits().map(Math.abs)]],
    ["f32_tanh", tanh, [uniform(-10, 10), uniform(-0.01, 0.01), anyBits()]],
    ["f32_sigmoid", sigmoid, [uniform(-104, 30), uniform(-1, 1), anyBits()]],
  ];
  it.each(functions)("%s", (name, f, ranges) => {
    for (const x of ranges) expect(worst(run(name, x), (i) => f(x[i]))).toBeLessThan(BOUND);
  });

  it("f32_pow", () => {
    for (const [a, b] of [
      [uniform(0, 4), uniform(-20, 20)],
      [uniform(0.999, 1.001), uniform(-10000, 10000)],
      [anyBits(), uniform(-9, 9).map(Math.round)],
      [anyBits(), anyBits()],
    ]) {
      const length = Math.min(a.length, b.length);
      const args = [input(a), input(b), output(new Float32Array(length)), length, length, length];
      const [x, y] = [a.slice(0, length), b.slice(0, length)];
      const got = call(wasm, "f32_pow", [input(x), input(y), ...args.slice(2)]).outputs[0];
      for (let i = 0; i < length; i++) {
        const want = pow(x[i], y[i]);
        if (Number.isNaN(want)) expect(got[i]).toBeNaN();
        else expect(worst([got[i]], () => want)).toBeLessThan(BOUND);
      }
    }
  });

  it("at the limits", () => {
    const limits = (name: Unary, ...x: number[]) => Array.from(run(name, Float32Array.from(x)));
    expect(limits("f32_exp", 0, -0, Infinity, -Infinity, NaN, 88.8, -104)).toEqual([
      1,
      1,
      Infinity,
      0,
      NaN,
      Infinity,
      0,
    ]);
    expect(limits("f32_log", 1, 0, -0, Infinity, NaN, -1)).toEqual([0, -Infinity, -Infinity, Infinity, NaN, NaN]);
    expect(limits("f32_log", -1e-45, -Infinity)).toEqual([NaN, NaN]);
    expect(limits("f32_tanh", 0, -0, Infinity, -Infinity, NaN, 1e-45)).toEqual([0, -0, 1, -1, NaN, Math.fround(1e-45)]);
    expect(limits("f32_sigmoid", 0, Infinity, -Infinity, NaN)).toEqual([0.5, 1, 0, NaN]);
  });

  it("squares and square roots by pow are exact where they can be", () => {
    const x = Float32Array.from({ length: 4096 }, (_, i) => i);
    const two = input(Float32Array.of(2));
    const squares = call(wasm, "f32_pow", [input(x), two, output(x), x.length, x.length, 1]).outputs[0];
    expect(Array.from(squares)).toEqual(Array.from(x, (v) => v * v));
  });
});
