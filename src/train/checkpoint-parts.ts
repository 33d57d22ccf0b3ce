/**
 * @file What a checkpoint holds beside the state of network and optimizer where a run's result is not what it trains on
 * with: averages of weights, the best epoch's weights, what callbacks remember.
 */
import { listOf, record } from "../core/checks.js";
import type { SafeEntry, SafeTensor } from "../io/safetensors.js";
import { type HostArray, valuesOf } from "../nn/state.js";
import { type AverageState, averageRule } from "./average.js";
import { canonicalJson } from "./digest.js";

/** Parts of a checkpoint that most runs do not have. */
export interface CheckpointParts {
  /**
   * Parameters and buffers that training goes on with, where those of `model` are others: with an average of weights
   * `model` is the average, with a callback that keeps an epoch (`best()`) that epoch's.
   */
  readonly training?: ReadonlyMap<string, SafeTensor | HostArray>;
  /** The average of weights so far. */
  readonly average?: AverageState;
  /** What each callback remembers, in their order; null for those that remember nothing. */
  readonly callbacks?: readonly unknown[];
}

const PREFIXES = { training: "training.", average: "average." } as const;

/** Tensors `training.<key>` and `average.<key>`. */
export function partEntries({ training, average }: CheckpointParts): SafeEntry[] {
  const under = (prefix: string, arrays: ReadonlyMap<string, SafeTensor | HostArray> = new Map()): SafeEntry[] =>
    [...arrays].map(([key, array]) => ({
      name: `${prefix}${key}`,
      shape: array.shape,
      data: valuesOf(array as HostArray),
    }));
  return [...under(PREFIXES.training, training), ...under(PREFIXES.average, average?.arrays)];
}

/** The rest as JSON. */
export function partMetadata({ average, callbacks }: CheckpointParts): Record<string, string> {
  return {
    ...(average !== undefined && {
      average: canonicalJson({ options: average.options, updates: average.updates }),
    }),
    ...(callbacks?.some((state) => state !== null) && { callbacks: canonicalJson(callbacks) }),
  };
}

/** Reads a field of the metadata as JSON, and refuses what is not good. */
type ReadField = <T>(key: string, good: (value: unknown) => boolean) => T;

/** Takes them out of a file. @param under the tensors under a prefix */
export function readParts(
  metadata: Readonly<Record<string, string>>,
  read: ReadField,
  under: (prefix: string) => ReadonlyMap<string, SafeTensor>,
): CheckpointParts {
  const training = under(PREFIXES.training);
  const isAverage = (value: unknown): boolean => {
    if (record(value) !== null) return false;
    const { options, updates } = value as Partial<AverageState>;
    return averageRule(options) === null && Number.isSafeInteger(updates) && (updates as number) >= 0;
  };
  return {
    ...(training.size > 0 && { training }),
    ...(metadata.average !== undefined && {
      average: { ...read<AverageState>("average", isAverage), arrays: under(PREFIXES.average) },
    }),
    ...(metadata.callbacks !== undefined && {
      callbacks: read<unknown[]>("callbacks", (value) => listOf(() => null)(value) === null),
    }),
  };
}
