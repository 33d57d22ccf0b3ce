/** @file What modules inside a network give while it runs. */
import type { Tensor } from "../autograd/tensor.js";
import { ArgumentError } from "../core/errors.js";
import { aroundCalls } from "../nn/calls.js";
import type { Module } from "../nn/module.js";

/** @throws ArgumentError that names what the network has, for a layer that it has not */
export function modulesCalled(op: string, net: Module, layers: readonly string[]): Module[] {
  const known = net.namedModules();
  return layers.map((layer) => {
    const module = known.get(layer);
    if (module !== undefined && layer !== "") return module;
    const names = [...known.keys()].filter(Boolean);
    const expected = `one of ${names.slice(0, 12).join(", ")}${names.length > 12 ? ", …" : ""}`;
    throw new ArgumentError({ op, what: "the network has no such layer", expected, got: layer });
  });
}

/**
 * Runs a network and keeps what some of its modules give. Nothing is changed: their `forward` is as it was afterwards.
 *
 * @param layers paths, as `namedModules()` has them
 * @param run runs the network
 * @throws ArgumentError for a layer that the network has not, or that does not run by itself: an activation that a batch
 * norm before it computes
 */
export function withOutputs<Result>(
  op: string,
  net: Module,
  layers: readonly string[],
  run: () => Result,
): { readonly result: Result; readonly outputs: readonly Tensor[] } {
  const modules = modulesCalled(op, net, layers);
  const seen: Tensor[] = [];
  const result = aroundCalls(
    modules,
    (i, _, forward) => {
      seen[i] = forward() as Tensor;
      return seen[i];
    },
    run,
  );
  const silent = layers.findIndex((_, i) => seen[i] === undefined);
  if (silent >= 0) {
    throw new ArgumentError({
      op,
      what: "the layer does not run by itself",
      expected: "a block, or a layer that nothing is computed together with",
      got: layers[silent],
    });
  }
  return { result, outputs: seen };
}
