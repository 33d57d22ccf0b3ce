/** @file Outputs of a network for inputs without targets. */
import { noGrad } from "../autograd/graph.js";
import { check, checkOptions, integer } from "../core/checks.js";
import { eventLoopTurn } from "../core/event-loop.js";
import type { Shape } from "../core/shape.js";
import { type ExampleValues, exampleDataset, rowsOf } from "../data/examples.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import { moduleRule } from "./options.js";
import { outputOf } from "./task.js";

/** Outputs in plain memory. */
export interface Prediction {
  /** The number of examples, then an output's extents. */
  readonly shape: Shape;
  /** Outputs, row by row. */
  readonly data: Float32Array;
}

/**
 * Outputs for all inputs, in evaluation mode, without recording gradients; modes are put back. The event loop gets a
 * turn between batches.
 *
 * @param x inputs [N, …], as `exampleDataset` takes them; or `{ inputs: [a, b] }` for a network of several
 * @param options `batch`: examples at once, default 256; it changes no output of a network that treats examples alone
 * @throws ArgumentError, ShapeError on what is no input
 * @example
 * const { data } = await predict(net, { shape: [1, 3], data: Float32Array.of(0.2, 1, 5) });
 */
export async function predict(
  net: Module,
  x: ExampleValues | { readonly inputs: readonly ExampleValues[] },
  options: { readonly batch?: number } = {},
): Promise<Prediction> {
  check("predict", "net", net, moduleRule);
  checkOptions("predict", options, { batch: integer(1) });
  const { batch = 256 } = options;
  const several = typeof x === "object" && x !== null && "inputs" in x ? x.inputs : [x];
  const inputs = several.map((values) => exampleDataset({ x: values, y: values }).inputs[0]);
  const count = exampleDataset({ inputs, y: inputs[0] }).count;
  const modes = new Map(net.modules().map((module) => [module, module.training]));
  let shape: Shape = [];
  const parts: Float32Array[] = [];
  try {
    for (let first = 0; first < count; first += batch) {
      if (first > 0) await eventLoopTurn();
      const rows = Uint32Array.from({ length: Math.min(batch, count - first) }, (_, k) => first + k);
      net.eval();
      scope(() =>
        noGrad(() => {
          const output = outputOf(net, { inputs: inputs.map((array) => rowsOf(array, rows)) });
          shape = [count, ...output.shape.slice(1)];
          parts.push(output.toTypedArray() as Float32Array);
        }),
      );
    }
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
  const data = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { shape, data };
}
