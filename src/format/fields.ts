/** @file Checks of the plan's JSON, field by field: what each kind of node says of its own fields is made of these. */
import { cut } from "../core/printable.js";
import { isRecord } from "../io/json.js";

/** Refuses a value, naming its path. */
export type Refuse = (path: string, expected: string, got: unknown) => never;

/** Looks at one value, and refuses it unless it is right. */
export type Check = (value: unknown, path: string, refuse: Refuse) => void;

/** A field that may be left out. */
export interface Optional {
  readonly optional: Check;
}

/** A check for every field of `Type`, optional where the field is: a forgotten one does not compile. */
export type Fields<Type, Known extends PropertyKey = never> = {
  readonly [Field in Exclude<keyof Type, Known>]-?: Record<never, never> extends Pick<Type, Field> ? Optional : Check;
};

/** Extents, kernels and strides stay below this, so that products stay exact. */
export const MAX_EXTENT = 2 ** 24;
/** Nodes of a plan, and values that one node reads. */
export const MAX_NODES = 10_000;

/** Says that a field may be left out. */
export function optional(check: Check): Optional {
  return { optional: check };
}

/** An integer from `lo` to `hi`. */
export function integer(lo: number, hi: number): Check {
  return (v, path, refuse) => {
    if (!Number.isInteger(v) || (v as number) < lo || (v as number) > hi)
      refuse(path, `an integer in [${lo}, ${hi}]`, v);
  };
}

/** A list of `lo` to `hi` items. */
export function list(item: Check, lo: number, hi: number = lo): Check {
  return (v, path, refuse) => {
    if (!Array.isArray(v) || v.length < lo || v.length > hi) {
      return refuse(path, lo === hi ? `a list of ${lo}` : `a list of ${lo} to ${hi}`, v);
    }
    v.forEach((element, i) => {
      item(element, `${path}[${i}]`, refuse);
    });
  };
}

/** One of some words. */
export function oneOf(...names: string[]): Check {
  return (v, path, refuse) => {
    if (typeof v !== "string" || !names.includes(v)) refuse(path, names.map((name) => `"${name}"`).join(" or "), v);
  };
}

/** An object with these fields and no others. */
export function record(fields: Readonly<Record<string, Check | Optional>>): Check {
  return (v, path, refuse) => {
    if (!isRecord(v)) return refuse(path, "an object", v);
    for (const key of Object.keys(v)) {
      if (!Object.hasOwn(fields, key)) {
        refuse(`${path}.${cut(key, 60)} is unknown`, `one of ${Object.keys(fields).join(", ")}`, v[key]);
      }
    }
    for (const [key, field] of Object.entries(fields)) {
      if (typeof field === "function") field(v[key], `${path}.${key}`, refuse);
      else if (Object.hasOwn(v, key)) field.optional(v[key], `${path}.${key}`, refuse);
    }
  };
}

/** True or false. */
export const boolean: Check = (v, path, refuse) => {
  if (typeof v !== "boolean") refuse(path, "true or false", v);
};
/** A finite f32 number. */
export const real: Check = (v, path, refuse) => {
  if (typeof v !== "number" || !Number.isFinite(v) || Math.fround(v) !== v) refuse(path, "a finite f32 number", v);
};
/** A positive finite number. */
export const positive: Check = (v, path, refuse) => {
  if (typeof v !== "number" || !(v > 0) || !Number.isFinite(v)) refuse(path, "a positive finite number", v);
};
/** An id or a class. */
export const label: Check = (v, path, refuse) => {
  if (typeof v !== "string" || v.length === 0 || v.length > 200) refuse(path, "a name of 1 to 200 characters", v);
};
/** The value of code 1. */
export const step: Check = (v, path, refuse) => {
  if (typeof v !== "number" || !(v > 0) || !Number.isFinite(v) || Math.fround(v) !== v) {
    refuse(path, "a positive finite f32 number", v);
  }
};
export const extent: Check = integer(1, MAX_EXTENT);
export const count: Check = integer(0, MAX_EXTENT);
/** Width of codes. */
export const bits: Check = integer(1, 8);
