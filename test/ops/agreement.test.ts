/**
 * @file Whole ops and their gradients on WebAssembly, against the f32 twins and against f64: over the samples of the
 * gradient checks.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { init } from "../../src/kernels/index.js";
import { type OpName, registry } from "../../src/ops/index.js";
import type { AnyOp } from "../../src/ops/op.js";
import { drawInputs, runOp, type Sample } from "../gradcheck.js";
import { samples } from "./samples.js";

interface Run {
  y: number[];
  gradients: (number[] | null)[];
}

/** Everything that the samples give, computed on one backend in one type. */
function runAll(real: "f32" | "f64"): Map<string, Run> {
  const runs = new Map<string, Run>();
  for (const name of Object.keys(registry) as OpName[]) {
    const op: AnyOp = registry[name];
    samples[name].forEach((sample, i) => {
      const key = `${name} ${i}`;
      const weights = (length: number): number[] => Array.from({ length }, (_, k) => 1 + ((k * 5) % 7) / 4);
      runs.set(
        key,
        runOp(op, asReal(sample, real), drawInputs(sample, 3), real, op.backward === null ? undefined : weights),
      );
    });
  }
  return runs;
}

/** Attributes that name the real type take the one that the run is in. */
function asReal(sample: Sample, real: "f32" | "f64"): Sample {
  const attrs = sample.attrs as { dtype?: string } | undefined;
  return attrs?.dtype === "f64" ? { ...sample, attrs: { ...attrs, dtype: real } } : sample;
}

const runs: Record<"wasm" | "twin" | "f64", Map<string, Run>> = { wasm: new Map(), twin: new Map(), f64: new Map() };

beforeAll(() => {
  init({ backend: "reference" });
  runs.f64 = runAll("f64");
  runs.twin = runAll("f32");
  init({ backend: "wasm" });
  runs.wasm = runAll("f32");
});
afterAll(() => {
  init();
});

/** Largest difference of two results relative to the largest magnitude; infinite if one has what the other lacks. */
function distance(a: Run, b: Run): number {
  let worst = 0;
  [a.y, ...a.gradients].forEach((left, k) => {
    const right = [b.y, ...b.gradients][k];
    if (left === null || right === null) {
      if (left !== right) worst = Number.POSITIVE_INFINITY;
      return;
    }
    const scale = Math.max(1e-20, ...right.map(Math.abs));
    left.forEach((value, i) => {
      const apart = Math.abs(value - right[i]) / scale;
      worst = Math.max(worst, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
    });
  });
  return worst;
}

for (const name of Object.keys(registry) as OpName[]) {
  describe(name, () => {
    samples[name].forEach((sample, i) => {
      test(sample.note ?? `sample ${i}`, () => {
        const [wasm, twin, exact] = [runs.wasm, runs.twin, runs.f64].map((run) => run.get(`${name} ${i}`) as Run);
        expect(wasm.y.length).toBeGreaterThan(0);
        expect(distance(wasm, twin), "WebAssembly against its twin").toBeLessThan(2e-6);
        expect(distance(wasm, exact), "f32 against f64").toBeLessThan(2e-5);
      });
    });
  });
}
