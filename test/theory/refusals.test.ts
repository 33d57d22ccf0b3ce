/** @file What the theory's functions refuse. */
import { expect, it } from "vitest";
import { ArgumentError, DivergenceError, ShapeError } from "../../src/core/errors.js";
import { clippedReLU } from "../../src/quant/index.js";
import * as theory from "../../src/theory/index.js";

const student = { v: [3, -2], w: [1, 0.5] };

it.each([
  ["v and v*", { v: [1], w: [1, 0] }],
  ["w and w*", { v: [1, 1], w: [1] }],
])("students and teachers of different lengths of %s", (what, teacher) => {
  const inputs = new Float64Array(8);
  for (const of of [
    () => theory.populationLoss(student, teacher),
    () => theory.populationGradientV(student, teacher),
    () => theory.populationGradientW(student, teacher),
    () => theory.sampleGradients(student, teacher, inputs, clippedReLU),
    () => theory.sampleLoss(student, teacher, inputs),
    () => theory.expectedCoarseGradient(student, teacher, clippedReLU),
  ]) {
    expect(of).toThrow(ShapeError);
    expect(of).toThrow(what);
  }
});

it("a quantized descent that leaves the finite range", () => {
  const from = { ...student, alpha: 0.5 };
  const options = { bits: 2, proxy: clippedReLU, lr: Number.MAX_VALUE, steps: 1, batch: 64, seed: 1 };
  const target = { v: [-30, 20], w: [0, 1], alpha: 0.5 };
  expect(() => theory.quantizedDescent(from, target, options)).toThrow(DivergenceError);
});

it("values of the wrong sort", () => {
  const bad = (value: unknown): never => value as never;
  for (const of of [
    () => theory.populationLoss(bad(null), student),
    () => theory.populationLoss(student, bad(7)),
    () => theory.populationLoss({ v: bad("12"), w: [1, 0] }, student),
    () => theory.poseOf("test", [1, Number.NaN], [1, 0]),
    () => theory.poseOf("test", bad(undefined), [1, 0]),
    () => theory.integrate(bad(1), [0, 1]),
    () => theory.integrate((x) => [x], bad("01")),
    () => theory.integrate((x) => [x], [0, 1], Number.NaN),
    () => theory.expectedCoarseGradient(student, student, bad({ name: "none" })),
    () => theory.expectedCoarseGradient(student, student, bad(null)),
  ]) {
    expect(of).toThrow(ArgumentError);
  }
  expect(() => theory.poseOf("test", [1], [1, 0])).toThrow(ShapeError);
});

it("counts and rates that cannot be", () => {
  const quantized = { ...student, alpha: 0.5 };
  const descent = { bits: 2, proxy: clippedReLU, lr: 0.1, steps: 1, batch: 4, seed: 1 };
  for (const wrong of [{ lr: Number.NaN }, { steps: 0.5 }, { batch: 0 }, { alphaScale: -1 }]) {
    expect(() => theory.quantizedDescent(quantized, quantized, { ...descent, ...wrong })).toThrow(ArgumentError);
  }
  const options = { bits: 2, proxy: clippedReLU };
  for (const wrong of [{ batches: 1 }, { batch: 0 }, { batch: Number.NaN }]) {
    const sampling = { batches: 2, batch: 4, seed: 1, ...wrong };
    expect(() => theory.quantizedMonteCarlo(quantized, quantized, options, sampling)).toThrow(ArgumentError);
  }
  for (const wrong of [{ samples: 1 }, { batch: 0 }, { samples: Number.NaN }]) {
    const sampling = { samples: 4, seed: 1, ...wrong };
    expect(() => theory.monteCarlo(student, student, clippedReLU, sampling)).toThrow(ArgumentError);
  }
  for (const wrong of [{ every: 0 }, { tolerance: Number.NaN }, { lr: 0 }]) {
    const run = { proxy: clippedReLU, lr: 0.1, steps: 1, ...wrong };
    expect(() => theory.populationDescent(student, student, run)).toThrow(ArgumentError);
  }
});
