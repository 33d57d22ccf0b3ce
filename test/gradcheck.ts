/** @file Gradient checks: central differences in f64, and the adjoint identity of linear ops. */
import { expect } from "vitest";
import { backward } from "../src/autograd/backward.js";
import { apply, Tensor } from "../src/autograd/tensor.js";
import type { DType } from "../src/core/dtype.js";
import { Rng } from "../src/core/rng.js";
import { type Shape, sizeOf } from "../src/core/shape.js";
import { scope } from "../src/memory/scope.js";
import { NDArray } from "../src/ndarray/ndarray.js";
import type { AnyOp } from "../src/ops/op.js";

/** One input of a sample: a shape of random reals, or given values. */
export type SampleInput =
  | Shape
  | {
      readonly shape: Shape;
      /** Given values; random otherwise. */
      readonly values?: readonly number[];
      /** Random reals in this range; default standard normal. */
      readonly range?: readonly [number, number];
      /** Default f64. Other types take no gradient. */
      readonly dtype?: DType;
      /** False: not differentiated. */
      readonly gradient?: boolean;
    };

/** Inputs and attributes on which an op is checked. */
export interface Sample {
  readonly note?: string;
  readonly inputs: readonly SampleInput[];
  /** Attributes, or a maker of them for those with state (a generator). */
  readonly attrs?: unknown | (() => unknown);
  /** The op is linear in its differentiated inputs taken together. */
  readonly linear?: boolean;
}

interface Input {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly gradient: boolean;
  readonly values: number[];
}

function drawn(input: SampleInput, rng: Rng): Input {
  const spec = Array.isArray(input) ? { shape: input as Shape } : (input as Exclude<SampleInput, Shape>);
  const dtype = spec.dtype ?? "f64";
  const draw = (): number => (spec.range === undefined ? rng.normal() : rng.range(spec.range[0], spec.range[1]));
  return {
    shape: spec.shape,
    dtype,
    gradient: dtype === "f64" && (spec.gradient ?? true),
    values: spec.values === undefined ? Array.from({ length: sizeOf(spec.shape) }, draw) : [...spec.values],
  };
}

/** The inputs of a sample, drawn from a seed. */
export function drawInputs(sample: Sample, seed: number): Input[] {
  const rng = new Rng(seed);
  return sample.inputs.map((input) => drawn(input, rng));
}

function attributes(sample: Sample): unknown {
  return typeof sample.attrs === "function" ? sample.attrs() : sample.attrs;
}

/**
 * Runs an op on drawn inputs in a real type.
 * @returns values of the result, and gradients of Σ seed·y if a seed is asked for
 */
export function runOp(
  op: AnyOp,
  sample: Sample,
  inputs: readonly Input[],
  real: "f32" | "f64",
  seedOf?: (length: number) => ArrayLike<number>,
): { shape: Shape; y: number[]; gradients: (number[] | null)[]; seed: number[] } {
  return scope(() => {
    const tensors = inputs.map(({ shape, values, dtype, gradient }) => {
      const tensor = new Tensor(NDArray.from(values, shape, dtype === "f64" ? real : dtype));
      return gradient && seedOf !== undefined ? tensor.requireGrad() : tensor;
    });
    const y = apply(op, tensors, attributes(sample));
    const seed = seedOf === undefined ? [] : Array.from(seedOf(y.size));
    if (seedOf !== undefined) backward(y, NDArray.from(seed, y.shape, real));
    return {
      shape: y.shape,
      y: Array.from(y.toTypedArray()),
      gradients: tensors.map((tensor) => (tensor.grad === null ? null : Array.from(tensor.grad.toTypedArray()))),
      seed,
    };
  });
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** Step of the differences: the cube root of f64's precision balances truncation (h²) against rounding (1/h). */
const STEP = 6e-6;

/**
 * Compares every component of every gradient of ⟨seed, op(x)⟩ with its central difference.
 *
 * @param tolerance relative to the largest component (at least 1)
 */
export function checkGradients(op: AnyOp, sample: Sample, seed: number, tolerance = 1e-6): void {
  const inputs = drawInputs(sample, seed);
  const rng = new Rng(seed).fork("seed");
  const { gradients, seed: weights } = runOp(op, sample, inputs, "f64", (length) =>
    Array.from({ length }, () => rng.normal()),
  );
  let checked = 0;
  inputs.forEach((input, k) => {
    const gradient = gradients[k];
    if (!input.gradient) {
      expect(gradient, `${op.name}: input ${k} asks for no gradient`).toBeNull();
      return;
    }
    const scale = Math.max(1, ...(gradient ?? []).map(Math.abs));
    input.values.forEach((value, i) => {
      const h = STEP * Math.max(1, Math.abs(value));
      const at = (shifted: number): number => {
        const values = [...input.values];
        values[i] = shifted;
        const moved = inputs.map((other, j) => (j === k ? { ...input, values } : other));
        return dot(weights, runOp(op, sample, moved, "f64").y);
      };
      const numeric = (at(value + h) - at(value - h)) / (2 * h);
      const error = Math.abs((gradient?.[i] ?? Number.NaN) - numeric) / scale;
      const where = `${op.name} ${sample.note ?? ""} (seed ${seed}): input ${k}, element ${i}, gradient ${gradient?.[i]}, difference ${numeric}`;
      expect(error, where).toBeLessThanOrEqual(tolerance);
      checked++;
    });
  });
  expect(checked, `${op.name}: nothing was checked`).toBeGreaterThan(0);
}

/**
 * Adjoint identity of a linear op, ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for random x and y, to rounding.
 * The affine part A 0 is taken off first.
 */
export function checkAdjoint(op: AnyOp, sample: Sample, seed: number): void {
  const inputs = drawInputs(sample, seed);
  const rng = new Rng(seed).fork("adjoint");
  const {
    y,
    gradients,
    seed: weights,
  } = runOp(op, sample, inputs, "f64", (length) => Array.from({ length }, () => rng.normal()));
  const zeroed = inputs.map((input) => (input.gradient ? { ...input, values: input.values.map(() => 0) } : input));
  const origin = runOp(op, sample, zeroed, "f64").y;
  const left = dot(
    weights,
    y.map((value, i) => value - origin[i]),
  );
  let right = 0;
  inputs.forEach((input, k) => {
    if (input.gradient) right += dot(input.values, gradients[k] ?? []);
  });
  const scale = Math.sqrt(dot(weights, weights) * dot(y, y)) + 1e-300;
  expect(Math.abs(left - right) / scale, `${op.name} ${sample.note ?? ""} (seed ${seed})`).toBeLessThan(1e-13);
}
