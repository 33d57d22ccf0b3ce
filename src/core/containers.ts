/** @file Maps, sets and plain objects told apart by what they are, those of other realms too. Imports nothing. */

/**
 * True if the built-in getter of `size` takes a value for one of its own kind; it looks at what the value is. The tag is
 * asked first: a throw costs more.
 */
function takes(prototype: object, tag: string, value: unknown): boolean {
  if (typeof value !== "object" || value === null || Object.prototype.toString.call(value) !== tag) return false;
  try {
    Object.getOwnPropertyDescriptor(prototype, "size")!.get!.call(value);
    return true;
  } catch {
    return false;
  }
}

/** True for a Map of any realm. */
export function isMap(value: unknown): value is Map<unknown, unknown> {
  return value instanceof Map || takes(Map.prototype, "[object Map]", value);
}

/** True for a Set of any realm. */
export function isSet(value: unknown): value is Set<unknown> {
  return value instanceof Set || takes(Set.prototype, "[object Set]", value);
}

/** True for an object literal, of any realm, and for one without a prototype; false for instances of classes. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || isRoot(prototype);
}

/** True for the `Object.prototype` of another realm. */
function isRoot(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}
