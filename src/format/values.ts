/** @file Shapes and types of a plan's values, followed from the input to the output; refuses what does not chain. */
import { BYTE_TOP } from "../codes/levels.js";
import { FormatError } from "../core/errors.js";
import { shapeText, sizeOf } from "../core/shape.js";
import { inputsOf, kindOf } from "./nodes/index.js";
import { INPUT_ID, type Plan } from "./plan.js";
import { type ValueType, valueBytes } from "./value.js";

/** Elements that one value may have for one image. */
const MAX_VALUE = 2 ** 28;
/** Bytes that what a node reads and writes may take for one image: half of the address space. */
const MAX_NODE_BYTES = 2 ** 31;

/**
 * Types of all values of a plan by id, the input's first.
 *
 * @param plan one that passed the schema
 * @throws FormatError on a reference to nothing or to a later node, and on shapes or types that do not chain
 */
export function planValues(plan: Plan, file: string): Map<string, ValueType> {
  const { input } = plan;
  const values = new Map<string, ValueType>();
  values.set(INPUT_ID, {
    shape: input.shape,
    dtype: input.dtype,
    step: input.step ?? null,
    top: input.dtype === "u8" ? BYTE_TOP : 0,
  });
  const refuse = (what: string, expected: string, got: string): never => {
    throw new FormatError({ op: file, what: `plan: ${what}`, expected, got });
  };
  const check = (id: string, { shape }: ValueType): void => {
    if (sizeOf(shape) > MAX_VALUE) {
      refuse(`value "${id}" is too large`, `at most ${MAX_VALUE} elements`, shapeText(shape));
    }
  };
  check(INPUT_ID, values.get(INPUT_ID) as ValueType);
  for (const node of plan.nodes) {
    const inputs = inputsOf(node).map((id) => {
      const type = values.get(id);
      if (type !== undefined) return type;
      const got = plan.nodes.some((other) => other.id === id) ? "itself or a later node" : "an id that no node has";
      return refuse(`node "${node.id}" reads "${id}"`, "the input or a node before it", got);
    });
    const type = kindOf(node).value(node, {
      inputs,
      refuse: (what, expected, got) => refuse(`node "${node.id}" (${node.op}): ${what}`, expected, got),
    });
    check(node.id, type);
    const bytes = [...inputs, type].reduce((sum, own) => sum + valueBytes(own, 1), 0);
    if (bytes > MAX_NODE_BYTES) {
      const what = `memory of node "${node.id}" for one image is beyond the limit`;
      refuse(what, `at most ${MAX_NODE_BYTES} bytes`, `${bytes}`);
    }
    values.set(node.id, type);
  }
  const output = values.get(plan.output);
  if (output === undefined || plan.output === INPUT_ID) {
    return refuse("output", "the id of a node", `"${plan.output}"`);
  }
  const size = sizeOf(output.shape);
  if (plan.classes !== undefined && plan.classes.length !== size) {
    refuse("number of classes", `${size}, the size of the output`, `${plan.classes.length}`);
  }
  return values;
}
