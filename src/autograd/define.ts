/** @file User-defined ops, with the same rights as built-in ones. */
import { check, record } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import type { OpDef } from "../ops/op.js";
import type { Variable } from "./graph.js";
import { apply, type Tensor } from "./tensor.js";

/**
 * Makes a function of tensors from an op's definition: recorded, differentiated, freed and checked exactly as built-in
 * ops are.
 *
 * A coarse rule (a backward that is not the derivative of forward, BCGD §3) is an op with `coarse: true`.
 *
 * @param def name, shape rule, forward and backward over arrays; see {@link OpDef}
 * @returns `(inputs, attrs) => Tensor`; attrs may be left out for ops without attributes
 * @gradient as `def.backward` says; none if it is null
 * @throws ArgumentError if the definition lacks a name or a rule
 * @example
 * const square = defineOp<undefined, { x: NDArray }>({
 *   name: "square",
 *   shape: ([x]) => x.shape,
 *   forward: ([x]) => ({ y: arrays.mul(x, x), saved: { x } }),
 *   backward: (dy, { x }) => [arrays.mul(arrays.scaleShift(x, 2), dy)],
 * });
 * square([x]).sum().backward();
 */
export function defineOp<Attrs = undefined, Saved = null>(
  def: OpDef<Attrs, Saved>,
): (inputs: readonly Variable[], ...attrs: undefined extends Attrs ? [attrs?: Attrs] : [attrs: Attrs]) => Tensor {
  check("defineOp", "definition", def, record);
  const missing = [
    typeof def.name === "string" && def.name !== "" ? "" : "name",
    typeof def.shape === "function" ? "" : "shape",
    typeof def.forward === "function" ? "" : "forward",
    def.backward === null || typeof def.backward === "function" ? "" : "backward (a function or null)",
  ].filter(Boolean);
  if (missing.length > 0) {
    throw new ArgumentError({
      op: "defineOp",
      what: "incomplete definition",
      expected: "name, shape, forward and backward",
      got: `none or a wrong ${missing.join(", ")}`,
    });
  }
  return (inputs, ...attrs) => apply(def, inputs, attrs[0] as Attrs);
}
