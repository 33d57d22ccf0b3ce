/**
 * @file Lowering: a network's recorded ops become the plan of a packed model, with everything after a quantized product
 * folded into thresholds.
 */
import type { Node, Variable } from "../autograd/graph.js";
import { QuantError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import { INPUT_ID, type NodeData, type Plan, type PlanNode } from "../format/index.js";
import { scope } from "../memory/scope.js";
import type { NDArray } from "../ndarray/ndarray.js";
import type { Module } from "../nn/module.js";
import type { AnyOp } from "../ops/op.js";
import { FLOAT_RULES } from "./lower-float.js";
import { IMAGE_RULES } from "./lower-images.js";
import { QUANTIZED_RULES } from "./lower-quantized.js";
import { hasSequences, SEQUENCE_RULES } from "./lower-sequence.js";
import type { Lowering, Rule } from "./lowering.js";
import { Names, type Trace, traceModule } from "./trace.js";

/** A network as a plan. */
export interface Lowered {
  readonly plan: Plan;
  readonly data: Map<string, NodeData>;
  /** For each plan node that stands for a recorded result: its place in `Trace.order`. */
  readonly sources: ReadonlyMap<string, number>;
}

/** What each op becomes. An op of the user's own has no rule, whatever it is called. */
export const RULES: ReadonlyMap<AnyOp, Rule<never>> = new Map([
  ...QUANTIZED_RULES,
  ...FLOAT_RULES,
  ...IMAGE_RULES,
  ...SEQUENCE_RULES,
]);

/**
 * Lowers a network.
 *
 * @param sample a batch that the network takes, u8 with a step or f32, [N, …]; only its shape, type and step matter
 * @param classes names of the outputs
 * @param fold false leaves scale, bias, batch norm and staircase of quantized layers as nodes, in training's order
 * (default true: thresholds)
 * @throws QuantError naming op, layer and shape if an op has no counterpart in the packed format
 */
export function lowerModule(net: Module, sample: NDArray, classes?: readonly string[], fold = true): Lowered {
  return scope(() => {
    const trace = traceModule(net, sample);
    return lowerTrace(trace, new Names(net), classes, fold);
  });
}

function lowerTrace(trace: Trace, names: Names, classes: readonly string[] | undefined, fold: boolean): Lowered {
  const nodes: PlanNode[] = [];
  const data = new Map<string, NodeData>();
  const ids = new Map<Variable, string>([[trace.input, names.take(INPUT_ID)]]);
  const real = new Map<Variable, string>();
  const covered = new Set<Variable>();
  const sources = new Map<string, number>();
  const dependent = new Set<Variable>([trace.input, ...trace.order]);

  const sequences = hasSequences(trace);
  /** Another shape for the plan's first or last value, where the trace has [N,T,C]. */
  const reshape = (input: string, shape: readonly number[]): string => {
    const id = names.number("flatten");
    nodes.push({ op: "flatten", id, input, shape });
    return id;
  };
  const { input: first, output: last } = trace;
  if (sequences && first.shape.length === 3) ids.set(first, reshape(INPUT_ID, [1, ...first.shape.slice(1)]));

  const lowering: Lowering = {
    trace,
    names,
    fold,
    sequences,
    emit(result, node, tensors, folded = []) {
      for (const inner of folded) covered.add(inner);
      nodes.push(node);
      if (tensors !== undefined) data.set(node.id, tensors);
      ids.set(result, node.id);
      sources.set(node.id, trace.order.indexOf(result));
    },
    emitInner(node, tensors) {
      nodes.push(node);
      if (tensors !== undefined) data.set(node.id, tensors);
    },
    alias(result, source) {
      ids.set(result, lowering.id(source));
    },
    id: (value) => {
      const id = ids.get(value);
      if (id === undefined) throw new QuantError({ op: "pack", what: "internal: a value without a node" });
      return id;
    },
    realId(value) {
      const id = lowering.id(value);
      if (!value.data.coded) return id;
      const known = real.get(value);
      if (known !== undefined) return known;
      const made = names.take(`${id}_real`);
      nodes.push({ op: "dequantize", id: made, input: id });
      real.set(value, made);
      return made;
    },
    depends: (value) => dependent.has(value),
    onlyReader(value) {
      const readers = trace.readers.get(value) ?? [];
      return readers.length === 1 && value !== trace.output ? readers[0] : undefined;
    },
    refuse(result, what, expected, hint) {
      const inputs = result.node?.inputs ?? [];
      const layer = names.pathOf(inputs.filter((input) => !dependent.has(input))) ?? "no layer";
      const shapes = inputs.filter((input) => dependent.has(input)).map((input) => shapeText(input.shape));
      throw new QuantError({
        op: "pack",
        what: `${result.node?.op.name} (${layer}, input ${shapes.join(" and ")}): ${what}`,
        expected,
        got: shapeText(result.shape),
        hint,
      });
    },
  };

  for (const result of trace.order) {
    if (ids.has(result) || covered.has(result)) continue;
    const { op, inputs, attrs } = result.node as Node;
    const rule =
      RULES.get(op) ??
      lowering.refuse(
        result,
        "this op has no counterpart in the packed format",
        "convolutions, linear layers, batch norm, staircases, activations of each element, pools, sums, concatenations, slices, padding and reshapes",
        "leave softmax and losses out of forward",
      );
    rule(result, inputs, lowering, attrs as never);
  }
  const made = lowering.id(last);
  const output = sequences && last.shape.length === 3 ? reshape(made, last.shape.slice(1)) : made;
  const { shape, dtype, step } = first.data;
  const input =
    dtype === "u8"
      ? { shape: shape.slice(1), dtype, step: step as number }
      : { shape: shape.slice(1), dtype: "f32" as const };
  const plan: Plan = { input, nodes, output, ...(classes && { classes }) };
  return { plan, data, sources };
}
