/** @file What the JSON files of a run may hold, field by field: asked once, when a file is read. */
import { describe, type Rule, record } from "../core/checks.js";
import { FormatError } from "../core/errors.js";

/** Rules by field; a field that is undefined is not asked. */
export interface Fields {
  readonly [name: string]: Rule | Fields;
}

/**
 * Asks the rules of all fields that are there.
 *
 * @param file for messages
 * @param where path of the object within the file, such as `quant.`
 * @param known refuse fields that have no rule
 * @throws FormatError that names file and field
 */
export function checkFields(file: string, value: unknown, fields: Fields, where = "", known = false): void {
  const refuse = (name: string, expected: string, got: unknown): never => {
    throw new FormatError({ op: file, what: `bad ${name}`, expected, got: describe(got) });
  };
  if (record(value) !== null) refuse(where === "" ? "content" : where.slice(0, -1), "an object", value);
  const own = value as Readonly<Record<string, unknown>>;
  if (known) {
    const other = Object.keys(own).find((name) => !Object.hasOwn(fields, name));
    if (other !== undefined) {
      throw new FormatError({
        op: file,
        what: "unknown field",
        expected: Object.keys(fields).join(", "),
        got: `${where}${describe(other).slice(1, -1)}`,
        hint: "it was edited, or comes from a later version",
      });
    }
  }
  for (const [name, rule] of Object.entries(fields)) {
    const field = Object.hasOwn(own, name) ? own[name] : undefined;
    if (field === undefined) continue;
    if (typeof rule !== "function") checkFields(file, field, rule, `${where}${name}.`, known);
    else {
      const expected = rule(field);
      if (expected !== null) refuse(`${where}${name}`, expected, field);
    }
  }
}

/** SHA-256 as text. */
export const hashRule: Rule = (value) =>
  typeof value === "string" && /^[0-9a-f]{64}$/.test(value) ? null : "64 hexadecimal digits";
