/** @file Strict reading of the plan's JSON: every field known, typed and in range, before anything is made of it. */
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";
import { isRecord, jsonText, readJson } from "../io/json.js";
import { INPUT_ID, type Plan, type PlanNode } from "./plan.js";

/** Extents, kernels and strides stay below this, so that products stay exact. */
const MAX_EXTENT = 2 ** 24;
const MAX_NODES = 10_000;

type Check = (value: unknown, path: string) => void;

/** Reads the JSON text of a plan and checks each field by itself; how nodes fit together is checked by `planValues`. @throws FormatError */
export function parsePlan(text: string, file: string): Plan {
  const value = readJson(text, file, "plan");
  checkPlan(value, file);
  return value as Plan;
}

/** Checks a value against the plan's schema. @throws FormatError naming the path of the offending field */
export function checkPlan(value: unknown, file: string): void {
  const refuse = (path: string, expected: string, got: unknown): never => {
    throw new FormatError({ op: file, what: `plan: ${cut(path, 200)}`, expected, got: jsonText(got) });
  };

  const integer =
    (lo: number, hi: number): Check =>
    (v, path) => {
      if (!Number.isInteger(v) || (v as number) < lo || (v as number) > hi)
        refuse(path, `an integer in [${lo}, ${hi}]`, v);
    };
  const list =
    (item: Check, lo: number, hi = lo): Check =>
    (v, path) => {
      if (!Array.isArray(v) || v.length < lo || v.length > hi) {
        return refuse(path, lo === hi ? `a list of ${lo}` : `a list of ${lo} to ${hi}`, v);
      }
      v.forEach((element, i) => {
        item(element, `${path}[${i}]`);
      });
    };
  const oneOf =
    (...names: string[]): Check =>
    (v, path) => {
      if (typeof v !== "string" || !names.includes(v)) refuse(path, names.map((name) => `"${name}"`).join(" or "), v);
    };
  const boolean: Check = (v, path) => {
    if (typeof v !== "boolean") refuse(path, "true or false", v);
  };
  const label: Check = (v, path) => {
    if (typeof v !== "string" || v.length === 0 || v.length > 200) refuse(path, "a name of 1 to 200 characters", v);
  };
  const step: Check = (v, path) => {
    if (typeof v !== "number" || !(v > 0) || !Number.isFinite(v) || Math.fround(v) !== v) {
      refuse(path, "a positive finite f32 number", v);
    }
  };
  const record =
    (required: Record<string, Check>, optional: Record<string, Check> = {}): Check =>
    (v, path) => {
      if (!isRecord(v)) return refuse(path, "an object", v);
      for (const key of Object.keys(v)) {
        if (!Object.hasOwn(required, key) && !Object.hasOwn(optional, key)) {
          const known = [...Object.keys(required), ...Object.keys(optional)].join(", ");
          refuse(`${path}.${cut(key, 60)} is unknown`, `one of ${known}`, v[key]);
        }
      }
      for (const [key, check] of Object.entries(required)) check(v[key], `${path}.${key}`);
      for (const [key, check] of Object.entries(optional)) if (Object.hasOwn(v, key)) check(v[key], `${path}.${key}`);
    };

  const extent = integer(1, MAX_EXTENT);
  const count = integer(0, MAX_EXTENT);
  const bits = integer(1, 8);
  const activation = record({ bits, step, rounding: oneOf("ceil", "nearest") });
  const basic = { op: label, id: label, input: label };
  const window = {
    kernel: list(extent, 2),
    stride: list(extent, 2),
    padding: list(count, 4),
    dilation: list(extent, 2),
  };
  const quantized = { ...basic, out: extent, bits, granularity: oneOf("layer", "channel") };
  const then = { activation, bias: boolean };
  const shapes: Record<PlanNode["op"], Check> = {
    conv: record({ ...quantized, ...window, groups: extent }, then),
    linear: record(quantized, then),
    maxPool: record({ ...basic, ...window }),
    avgPool: record({ ...basic, ...window, includePad: boolean }),
    floatConv: record({ ...basic, ...window, out: extent, bias: boolean }, { groups: extent, bits }),
    floatLinear: record({ ...basic, out: extent, bias: boolean }, { bits }),
    staircase: record({ ...basic, activation }),
    add: record({ op: label, id: label, inputs: list(label, 2) }),
    channel: record({ ...basic, fn: oneOf("add", "sub", "mul", "div") }),
    padChannels: record({ ...basic, channels: list(count, 2) }),
    pad: record({ ...basic, padding: list(count, 4) }),
    concat: record({ op: label, id: label, inputs: list(label, 1, MAX_NODES) }),
    slice: record({
      ...basic,
      start: list(count, 1, 3),
      step: list(integer(1, MAX_EXTENT), 1, 3),
      count: list(extent, 1, 3),
    }),
    flatten: record(basic),
    dequantize: record(basic),
    affine: record(basic),
    relu: record(basic),
  };
  const node: Check = (v, path) => {
    const op = isRecord(v) ? v.op : refuse(path, "an object", v);
    if (typeof op !== "string" || !Object.hasOwn(shapes, op)) {
      return refuse(`${path}.op is unknown`, `one of ${Object.keys(shapes).join(", ")}`, op);
    }
    shapes[op as PlanNode["op"]](v, path);
  };
  const input: Check = (v, path) => {
    record({ shape: list(extent, 1, 3), dtype: oneOf("u8", "f32") }, { step })(v, path);
    const { dtype, step: given } = v as { dtype: string; step?: number };
    if ((dtype === "u8") !== (given !== undefined)) refuse(`${path}.step`, "for u8, and for u8 alone", given);
  };
  record({ input, nodes: list(node, 1, MAX_NODES), output: label }, { classes: list(label, 1, MAX_EXTENT) })(
    value,
    "plan",
  );

  const seen = new Set<string>([INPUT_ID]);
  for (const [i, { id }] of (value as Plan).nodes.entries()) {
    if (seen.has(id)) refuse(`plan.nodes[${i}].id`, "an id that no node before it has", id);
    seen.add(id);
  }
}
