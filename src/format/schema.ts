/** @file Strict reading of the plan's JSON: every field known, typed and in range, before anything is made of it. */
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";
import { isRecord, jsonText, readJson } from "../io/json.js";
import {
  type Check,
  extent,
  type Fields,
  label,
  list,
  MAX_EXTENT,
  MAX_NODES,
  oneOf,
  optional,
  type Refuse,
  record,
  step,
} from "./fields.js";
import { kindOf, NODES } from "./nodes/index.js";
import type { AnyNode } from "./nodes/kind.js";
import { INPUT_ID, type Plan, type PlanInput } from "./plan.js";

/**
 * Reads the JSON text of a plan and checks each field by itself; how nodes fit together is checked by `planValues`.
 * @throws FormatError
 */
export function parsePlan(text: string, file: string): Plan {
  const value = readJson(text, file, "plan");
  checkPlan(value, file);
  return value as Plan;
}

const inputFields = record({
  shape: list(extent, 1, 3),
  dtype: oneOf("u8", "f32"),
  step: optional(step),
} satisfies Fields<PlanInput>);

const input: Check = (v, path, refuse) => {
  inputFields(v, path, refuse);
  const { dtype, step: given } = v as PlanInput;
  if ((dtype === "u8") !== (given !== undefined)) refuse(`${path}.step`, "for u8, and for u8 alone", given);
};

const node: Check = (v, path, refuse) => {
  const op = isRecord(v) ? v.op : refuse(path, "an object", v);
  if (typeof op !== "string" || !Object.hasOwn(NODES, op)) {
    return refuse(`${path}.op is unknown`, `one of ${Object.keys(NODES).join(", ")}; await loadKinds() adds more`, op);
  }
  const { fields } = kindOf(v as AnyNode);
  record({ op: label, id: label, ...(!("inputs" in fields) && { input: label }), ...fields })(v, path, refuse);
};

const planFields = record({
  input,
  nodes: list(node, 1, MAX_NODES),
  output: label,
  classes: optional(list(label, 1, MAX_EXTENT)),
  sound: optional((v, path, refuse) => isRecord(v) || refuse(path, "an object", v)),
} satisfies Fields<Plan>);

/** Checks a value against the plan's schema. @throws FormatError naming the path of the offending field */
export function checkPlan(value: unknown, file: string): void {
  const refuse: Refuse = (path, expected, got) => {
    throw new FormatError({ op: file, what: `plan: ${cut(path, 200)}`, expected, got: jsonText(got) });
  };
  planFields(value, "plan", refuse);
  const seen = new Set<string>([INPUT_ID]);
  for (const [i, { id }] of (value as Plan).nodes.entries()) {
    if (seen.has(id)) refuse(`plan.nodes[${i}].id`, "an id that no node before it has", id);
    seen.add(id);
  }
}
