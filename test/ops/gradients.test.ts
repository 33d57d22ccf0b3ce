/**
 * @file Every op of the registry that has a gradient, against central differences; linear ones also by the adjoint
 * identity.
 */
import { describe, expect, test } from "vitest";
import { type OpName, registry } from "../../src/ops/index.js";
import type { AnyOp } from "../../src/ops/op.js";
import { checkAdjoint, checkGradients, drawInputs, runOp } from "../gradcheck.js";
import { samples } from "./samples.js";

const SEEDS = [1, 20];

for (const name of Object.keys(registry) as OpName[]) {
  const op: AnyOp = registry[name];
  describe(name, () => {
    test("has samples", () => expect(samples[name].length).toBeGreaterThan(0));
    samples[name].forEach((sample, i) => {
      const title = sample.note ?? `sample ${i}`;
      if (op.backward === null) {
        test(`${title}: has no gradient`, () => {
          const run = (): unknown =>
            runOp(op, sample, drawInputs(sample, 1), "f64", (length) => new Float64Array(length));
          expect(run).toThrow("backward: no gradient reaches this tensor");
        });
        return;
      }
      if (op.coarse) return;
      test(`${title}: gradient`, () => {
        for (const seed of SEEDS) checkGradients(op, sample, seed);
      });
      if (sample.linear) {
        test(`${title}: adjoint`, () => {
          for (const seed of SEEDS) checkAdjoint(op, sample, seed);
        });
      }
    });
  });
}
