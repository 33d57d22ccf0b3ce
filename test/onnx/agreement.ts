/** @file Comparing what runtimes make of exported files with what training computes, value by value and bit by bit. */
import { expect } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { lowered } from "../../src/export/pack.js";
import { traceModule } from "../../src/export/trace.js";
import { planValues } from "../../src/format/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import type { Module } from "../../src/nn/index.js";
import { exportOnnx, type OnnxOptions } from "../../src/onnx/index.js";
import { PIXEL_STEP } from "../export/nets.js";
import type { Runtime } from "./runtimes.js";

/** A value that training computes: codes or real numbers, [N, …] in this library's order. */
export interface Expected {
  readonly op: string;
  readonly data: Uint8Array | Float32Array;
  readonly shape: readonly number[];
}

/** The output of a network in evaluation for a batch, and its shape. @param inputShape of one example */
export function evaluate(
  net: Module,
  data: Float32Array,
  inputShape: readonly number[],
): { data: Float32Array; shape: number[] } {
  const count = data.length / inputShape.reduce((a, b) => a * b, 1);
  return scope(() => {
    const y = net.eval().forward(new Tensor(NDArray.from(data, [count, ...inputShape], "f32")));
    return { data: Float32Array.from(y.toTypedArray() as Float32Array), shape: [...y.shape] };
  });
}

/** Every value of a network for a batch of byte images (or f32 ones) by layer, and the output. */
export function trainingValues(
  net: Module,
  images: Uint8Array | Float32Array,
  inputShape: readonly number[],
): { layers: Map<string, Expected>; output: Float32Array } {
  return scope(() => {
    const inputType = images instanceof Uint8Array ? ("u8" as const) : ("f32" as const);
    const { plan, sources } = lowered(net, { inputShape, inputType }, false);
    const types = planValues(plan, "test");
    const count = images.length / inputShape.reduce((a, b) => a * b, 1);
    const step = inputType === "u8" ? PIXEL_STEP : null;
    const trace = traceModule(net, NDArray.from(images, [count, ...inputShape], inputType, step));
    const layers = new Map<string, Expected>();
    for (const { id, op } of plan.nodes) {
      const source = sources.get(id);
      if (source === undefined) continue;
      const data = trace.order[source].data.toTypedArray() as Uint8Array | Float32Array;
      layers.set(id, { op, data, shape: types.get(id)!.shape });
    }
    return { layers, output: Float32Array.from(trace.output.value.view()) };
  });
}

/** [N,C,H,W] as [N,H,W,C]; other values as they are. */
export function channelsLast<T extends Uint8Array | Float32Array>(data: T, shape: readonly number[]): T {
  if (shape.length !== 3) return data;
  const [h, w, c] = shape;
  const size = h * w * c;
  return data.map((_, i) => {
    const [n, at] = [Math.floor(i / size), i % size];
    return data[n * size + (at % c) * h * w + Math.floor(at / c)];
  }) as T;
}

/**
 * Runs an exported network and compares every layer with training, bit by bit.
 * @returns how many numbers were compared
 */
export async function expectAgreement(
  runtime: Runtime,
  net: Module,
  images: Uint8Array | Float32Array,
  inputShape: readonly number[],
  { optimize, ...options }: OnnxOptions & { optimize?: boolean } = {},
): Promise<number> {
  const { layers, output } = trainingValues(net, images, inputShape);
  const inputType = images instanceof Uint8Array ? ("u8" as const) : ("f32" as const);
  const bytes = exportOnnx(net, { inputShape, inputType, intermediates: true, ...options });
  const session = await runtime.load(bytes, { optimize });
  const count = images.length / inputShape.reduce((a, b) => a * b, 1);
  const found = await session.run(images, [count, ...inputShape]);
  await session.release();
  let compared = 0;
  for (const [id, { op, data, shape }] of layers) {
    const value = found.get(id);
    expect(value, `${id} (${op}) is an output`).toBeDefined();
    // A flattened image keeps ONNX's order of elements inside the file.
    if (op === "flatten") continue;
    expectSameBits(channelsLast(value!.data, shape), data, `${runtime.name}, ${id} (${op})`);
    compared += data.length;
  }
  expectSameBits(found.get("output")!.data, output, `${runtime.name}, output`);
  return compared;
}

/** Equal numbers, −0 and 0 apart. */
export function expectSameBits(got: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expect(got.length, what).toBe(expected.length);
  let at = 0;
  while (at < got.length && Object.is(got[at], expected[at])) at++;
  if (at < got.length) expect(`${got[at]} at ${at}`, what).toBe(`${expected[at]} at ${at}`);
}

/** Largest difference of two lists, in units of the largest expected number. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [error, scale] = [0, 1e-12];
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs(got[i] - expected[i]));
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return error / scale;
}
