/** @file State dicts: names as PyTorch writes them, the comparison with a network, and the all-or-nothing copy. */
import type { TypedArray } from "../core/dtype.js";
import { StateError } from "../core/errors.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { NDArray } from "../ndarray/ndarray.js";

/** An array outside the heap, as file readers give it. */
export interface HostArray {
  readonly shape: Shape;
  readonly data: TypedArray | BigInt64Array;
}

/** What a network's state may be loaded from. */
export type StateSource = ReadonlyMap<string, NDArray | HostArray> | Readonly<Record<string, NDArray | HostArray>>;

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

function listed(label: string, keys: readonly string[]): string {
  if (keys.length === 0) return "";
  const shown = keys.slice(0, 20).join(", ");
  return `${label}: ${shown}${keys.length > 20 ? ` and ${keys.length - 20} more` : ""}`;
}

/**
 * Copies a source into slots of the same names. Nothing is changed if anything fails.
 *
 * @param strict missing and extra keys are errors too; shape mismatches always are
 * @throws StateError that lists missing keys, extra keys, and mismatched shapes with expected and got
 */
export function loadState(
  op: string,
  slots: ReadonlyMap<string, StateSlot>,
  source: StateSource,
  strict: boolean,
): LoadReport {
  const entries = new Map(source instanceof Map ? source : Object.entries(source)) as Map<string, NDArray | HostArray>;
  const missing = [...slots.keys()].filter((key) => !entries.has(key));
  const extra = [...entries.keys()].filter((key) => !slots.has(key) && !IGNORED.test(key));
  const mismatched: string[] = [];
  for (const [key, slot] of slots) {
    const entry = entries.get(key);
    if (entry === undefined) continue;
    if (!sameShape(entry.shape, slot.data.shape)) {
      mismatched.push(`${key} (expected ${shapeText(slot.data.shape)}, got ${shapeText(entry.shape)})`);
    } else if (!isReal(entry)) {
      mismatched.push(`${key} (expected f32 or f64 values, got integers)`);
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
  for (const [key, slot] of slots) {
    const entry = entries.get(key);
    if (entry === undefined) continue;
    slot.data.view().set(valuesOf(entry));
    slot.changed();
  }
  return { missing, extra };
}

/** The elements of a real array, wherever it lives: a view, to be used at once. */
export function valuesOf(entry: NDArray | HostArray): TypedArray {
  return entry instanceof NDArray ? entry.view() : (entry.data as TypedArray);
}

function isReal(entry: NDArray | HostArray): boolean {
  if (entry instanceof NDArray) return entry.dtype === "f32" || entry.dtype === "f64";
  return entry.data instanceof Float32Array || entry.data instanceof Float64Array;
}
