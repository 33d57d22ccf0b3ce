/** @file Handing memory over to the other side of a worker instead of copying it. */

import { check, record } from "../core/checks.js";
import { isMap, isPlainObject, isSet } from "../core/containers.js";
import { ArgumentError } from "../core/errors.js";
import { bufferIn } from "../core/typed-arrays.js";
import { OWNED } from "../memory/scope.js";

/** Values whose memory goes over with them. */
const marked = new WeakSet<object>();

/**
 * Marks a value to be handed over, not copied, when it is sent as an argument or a result: the memory of its typed
 * arrays belongs to the receiver then, and the sender's are empty. Shared memory stays shared.
 *
 * @param value a typed array, a buffer, or lists and plain objects of them
 * @returns value itself
 * @throws ArgumentError for what is no object, and for tensors
 * @example
 * await worker.call("predict", transfer(pixels));
 */
export function transfer<T extends object>(value: T): T {
  if (OWNED in Object(value)) refuseOwner("transfer");
  if (bufferIn(value) === null && !Array.isArray(value)) check("transfer", "value", value, record);
  marked.add(value);
  return value;
}

/**
 * Buffers that go over with `values`.
 *
 * @throws ArgumentError for arrays and tensors of the library: their memory is the heap of one side
 */
export function transferred(op: string, values: readonly unknown[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const value of values) collect(op, value, false, buffers, new Set());
  return [...buffers];
}

function refuseOwner(op: string): never {
  throw new ArgumentError({
    op,
    what: "an array of the library cannot leave its side",
    expected: "typed arrays, numbers, lists and plain objects",
    got: "an array or a tensor",
    hint: "send toTypedArray() and the shape",
  });
}

function collect(op: string, value: unknown, inMarked: boolean, buffers: Set<ArrayBuffer>, seen: Set<unknown>): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  if (OWNED in value) refuseOwner(op);
  const goes = inMarked || marked.has(value);
  const buffer = bufferIn(value);
  if (buffer !== null) {
    if (goes && Object.prototype.toString.call(buffer) === "[object ArrayBuffer]") buffers.add(buffer as ArrayBuffer);
    return;
  }
  const items = Array.isArray(value) || isSet(value) ? value : isMap(value) ? value.values() : null;
  if (items === null && !isPlainObject(value)) return;
  for (const item of items ?? Object.values(value)) collect(op, item, goes, buffers, seen);
}
