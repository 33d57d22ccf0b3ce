/** @file What the layers of a network give for an input: real values, and the codes that they are multiplied as. */
import { check, checkOptions, listOf, text } from "../core/checks.js";
import type { Shape } from "../core/shape.js";
import { scope } from "../memory/scope.js";
import { kindOfModule, type Module } from "../nn/module.js";
import { bitsOf, checkNetwork, type NetworkInput, recordCalls, tensorsOf } from "./calls.js";
import { realNumbers } from "./numbers.js";

/** The output of one layer, in plain memory. */
export interface LayerActivation {
  /** Dotted path; empty for the network itself. */
  readonly name: string;
  /** Name of its class. */
  readonly kind: string;
  /** [N, …]. */
  readonly shape: Shape;
  /** Real values, row-major: f32(step·code) where there are codes. */
  readonly values: Float32Array;
  /** Codes 0 … 2^bits − 1; null for real outputs. */
  readonly codes: Uint8Array | null;
  /** α, the value of code 1; null for real outputs. */
  readonly step: number | null;
  /** Width of the codes; 32 for real outputs. */
  readonly bits: number;
}

/**
 * Runs a network once in evaluation mode and gives what its layers gave. The network is not changed.
 *
 * @param input as `forward` takes it, [N, …]; a list for a network of several inputs
 * @param options `layers`: paths of the layers; default all that are called, in the order in which they begin. Of a
 *   layer that is called several times, the last output counts
 * @returns outputs by path, in plain memory
 * @throws ArgumentError on a path that names no layer, or one that was not called; what `forward` throws
 * @example
 * const { codes, step } = activations(net, images, { layers: ["relu1"] }).get("relu1");
 */
export function activations(
  net: Module,
  input: NetworkInput,
  options: { readonly layers?: readonly string[] } = {},
): Map<string, LayerActivation> {
  checkNetwork("activations", net);
  checkOptions("activations", options, { layers: listOf(text) });
  for (const path of options.layers ?? []) net.get(path);
  return scope(() => {
    const { begun } = recordCalls("activations", net, tensorsOf("activations", input));
    const outputs = new Map<string, LayerActivation>();
    const wanted = options.layers ?? begun.map(({ path }) => path);
    for (const name of wanted) {
      const call = begun.findLast(({ path }) => path === name);
      check("activations", "layer", name, () => (call === undefined ? "one that forward calls" : null));
      if (call === undefined) continue;
      const { data } = call.output;
      outputs.set(name, {
        name,
        kind: kindOfModule(call.module),
        shape: data.shape.slice(),
        values: Float32Array.from(realNumbers("activations", name, data)),
        codes: data.coded ? (data.codes().toTypedArray() as Uint8Array) : null,
        step: data.step,
        bits: bitsOf(call.output),
      });
    }
    return outputs;
  });
}
