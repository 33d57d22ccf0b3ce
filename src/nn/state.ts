/** @file State dicts: names as PyTorch writes them, what counts as an array in them, and the all-or-nothing copy. */
import { Variable } from "../autograd/graph.js";
import { describe, record, refuse } from "../core/checks.js";
import { isMap, isPlainObject } from "../core/containers.js";
import { isFloat, type TypedArray } from "../core/dtype.js";
import { DisposedError, StateError } from "../core/errors.js";
import { firstOf } from "../core/first-of.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { NDArray } from "../ndarray/ndarray.js";

/** An array outside the heap, as file readers give it. */
export interface HostArray {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Values, row by row, outside the heap. */
  readonly data: TypedArray | BigInt64Array | BigUint64Array | Int16Array | Uint16Array | Uint32Array;
}

/** Numbers nested as deep as an array's rank, as JSON brings them. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** What one array of a state may be: in the heap, outside of it, or what JSON makes of one. */
export type StateArray =
  | NDArray
  | HostArray
  | Variable
  | { readonly shape: Shape; readonly data: readonly number[] }
  | NestedNumbers;

/** What a network's state may be loaded from. */
export type StateSource = ReadonlyMap<string, StateArray> | Readonly<Record<string, StateArray>>;

/** What did not match; both empty after a strict load. */
export interface LoadReport {
  /** Keys of the network that the source lacks. */
  missing: string[];
  /** Keys of the source that the network lacks. */
  extra: string[];
}

/** One slot of a network's state: where values go, and whom to tell. */
export interface StateSlot {
  readonly data: NDArray;
  changed(): void;
}

/** `runningMean` → `running_mean`; names without capitals stay as they are. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** PyTorch's batch-norm counters: nothing here needs them, so they are neither required nor refused. */
const IGNORED = /(^|\.)num_batches_tracked$/;

/** Some of a list, on one line. */
export function listed(label: string, keys: readonly string[]): string {
  return keys.length === 0 ? "" : `${label}: ${firstOf(keys, 20)}`;
}

/**
 * Real numbers with their shape, read from an entry of a state. `array` is the heap's array that they are in, if they
 * are in one.
 */
export interface RealValues {
  readonly shape: Shape;
  readonly array: NDArray | null;
  /** A view, to be used at once. @throws DisposedError */
  read(): ArrayLike<number>;
}

const isShape = (value: unknown): value is Shape =>
  Array.isArray(value) && value.every((extent) => Number.isSafeInteger(extent) && extent >= 0);

/** Deeper nesting is a list that holds itself. */
const DEEPEST = 16;

/** Extents of nested lists, null if they are ragged or hold anything but numbers. */
function nestedShape(value: unknown, depth = 0): number[] | null {
  if (typeof value === "number") return [];
  if (!Array.isArray(value) || depth === DEEPEST) return null;
  const inner = value.length === 0 ? [] : nestedShape(value[0], depth + 1);
  if (inner === null) return null;
  for (let i = 1; i < value.length; i++) {
    const other = nestedShape(value[i], depth + 1);
    if (other === null || !sameShape(other, inner)) return null;
  }
  return [value.length, ...inner];
}

/**
 * What a state holds under a key, as real numbers: arrays and tensors of f32 or f64, `{ shape, data }` of Float32Array,
 * Float64Array or numbers, nested lists.
 *
 * @returns the values, or the words for what came instead
 */
export function realValues(entry: unknown): RealValues | string {
  const array = entry instanceof Variable ? entry.data : entry;
  if (array instanceof NDArray) {
    if (!array.alive) return `${array.dtype} ${shapeText(array.shape)} that was disposed of`;
    if (!isFloat(array.dtype)) return `${array.coded ? "codes" : array.dtype} ${shapeText(array.shape)}`;
    return { shape: array.shape, array, read: () => array.view() };
  }
  if (Array.isArray(entry) || typeof entry === "number") {
    const shape = nestedShape(entry);
    if (shape === null) return `${describe(entry)} that is ragged or holds more than numbers`;
    const flat = [entry].flat(Number.POSITIVE_INFINITY) as number[];
    return { shape, array: null, read: () => flat };
  }
  if (typeof entry !== "object" || entry === null) return describe(entry);
  const { shape, data } = entry as Partial<HostArray>;
  if (!isShape(shape)) return kindOf(entry) === null ? `${describe(entry)} without a shape` : describe(entry);
  const kind = kindOf(data);
  const numbers = Array.isArray(data)
    ? data.every((item) => typeof item === "number")
    : /^Float(32|64)/.test(kind ?? "");
  if (!numbers) return `${shapeText(shape)} of ${describe(data)}`;
  const values = data as ArrayLike<number>;
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (values.length !== size) return `${shapeText(shape)} with ${values.length} values`;
  return { shape: [...shape], array: null, read: () => values };
}

/** The entries of a state given as a map or as an object. @throws ArgumentError on anything else */
export function stateEntries(op: string, name: string, source: unknown): Map<string, unknown> {
  if (isMap(source)) return new Map(Map.prototype.entries.call(source) as Iterable<[string, unknown]>);
  const expected = "a map or an object of arrays by key";
  if (typeof (source as { stateDict?: unknown } | null | undefined)?.stateDict === "function") {
    refuse(op, name, expected, source, "give its stateDict()");
  }
  if (record(source) !== null || !isPlainObject(source)) refuse(op, name, expected, source);
  return new Map(Object.entries(source as object));
}

/** Keys by the array that they name. Several keys name one array where parameters are tied. */
function keysByArray(slots: ReadonlyMap<string, StateSlot>): Map<NDArray, string[]> {
  const keys = new Map<NDArray, string[]>();
  for (const [key, { data }] of slots) keys.set(data, [...(keys.get(data) ?? []), key]);
  return keys;
}

function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  for (let i = 0; i < a.length; i++) if (!Object.is(Math.fround(a[i]), Math.fround(b[i]))) return false;
  return true;
}

/**
 * Entries by a network's names. Imported networks kept their files' names in lower case once, and states that were
 * saved so fit still. Other networks have no capitals.
 */
function withOldNames<Value>(
  entries: ReadonlyMap<string, Value>,
  slots: ReadonlyMap<string, StateSlot>,
): ReadonlyMap<string, Value> {
  const current = new Map([...slots.keys()].map((key) => [key.toLowerCase(), key]));
  // Two names that were one: which was which cannot be told.
  if (current.size < slots.size) return entries;
  const named = [...entries].map(([key, value]) => [slots.has(key) ? key : (current.get(key) ?? key), value] as const);
  return new Map(named).size < entries.size ? entries : new Map(named);
}

/**
 * Compares a source with slots of the same names. Nothing is changed before the function that it returns is called,
 * which cannot fail any more.
 *
 * Where several keys name one array (tied parameters), one of them is enough, and several must agree.
 *
 * @param strict missing and extra keys are errors too; shape mismatches always are
 * @returns copies the values in, and gives the keys that did not match
 * @throws StateError that lists missing keys, extra keys, and mismatched shapes with expected and got; DisposedError if
 * the network was disposed of
 */
export function planState(
  op: string,
  slots: ReadonlyMap<string, StateSlot>,
  source: StateSource,
  strict: boolean,
): () => LoadReport {
  const entries = withOldNames(stateEntries(op, "state", source), slots);
  const groups = [...keysByArray(slots)];
  for (const [data, [key]] of groups) if (!data.alive) refuseDisposed(op, key);
  const missing = groups.flatMap(([, keys]) => (keys.some((key) => entries.has(key)) ? [] : keys));
  const extra = [...entries.keys()].filter((key) => !slots.has(key) && !IGNORED.test(key));
  const mismatched: string[] = [];
  const copies: { slot: StateSlot; values: RealValues }[] = [];
  for (const [data, keys] of groups) {
    let first: { key: string; values: RealValues } | null = null;
    for (const key of keys) {
      if (!entries.has(key)) continue;
      const values = realValues(entries.get(key));
      const wanted = shapeText(data.shape);
      if (typeof values === "string") mismatched.push(`${key} (expected f32 or f64 ${wanted}, got ${values})`);
      else if (!sameShape(values.shape, data.shape)) {
        mismatched.push(`${key} (expected ${wanted}, got ${shapeText(values.shape)})`);
      } else if (first === null) {
        first = { key, values };
        copies.push({ slot: slots.get(key) as StateSlot, values });
      } else if (!equal(first.values.read(), values.read())) {
        mismatched.push(`${key} (expected the values of ${first.key}, which is the same parameter, got others)`);
      }
    }
  }
  if (mismatched.length > 0 || (strict && missing.length + extra.length > 0)) {
    throw new StateError({
      op,
      what: "the state does not match the network",
      expected: `its ${slots.size} keys and shapes`,
      got: [
        listed("missing", strict ? missing : []),
        listed("extra", strict ? extra : []),
        listed("mismatched", mismatched),
      ]
        .filter(Boolean)
        .join("; "),
      hint: "nothing was changed",
    });
  }
  return () => {
    const own = new Set(copies.map(({ slot }) => slot.data.storage));
    // A source that lies in another slot (two layers that change places) is read before anything is written.
    const ready = copies.map(({ slot, values }) => {
      const { array } = values;
      const aside = array !== null && array.storage !== slot.data.storage && own.has(array.storage);
      return { slot, values, copy: aside ? (values.read() as TypedArray).slice() : null };
    });
    for (const { slot, values, copy } of ready) {
      slot.data.view().set(copy ?? values.read());
      slot.changed();
    }
    return { missing, extra };
  };
}

function refuseDisposed(op: string, key: string): never {
  throw new DisposedError({
    op,
    what: `${key} was disposed of`,
    expected: "a live network",
    got: "one that was disposed of",
    hint: "nothing was changed",
  });
}

/** The elements of a real array, wherever it lives: a view, to be used at once. */
export function valuesOf(entry: NDArray | HostArray): TypedArray {
  return entry instanceof NDArray ? entry.view() : (entry.data as TypedArray);
}
