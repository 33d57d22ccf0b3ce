/**
 * @file `metrics.jsonl`: evidence of a run. What can be read of it is kept, what cannot is told, and nothing depends on
 * it.
 */
import { isRecord, readJson } from "../../io/json.js";
import type { EpochMetrics } from "../../train/metrics.js";
import { exists, readFileBytes } from "../files.js";

/** What a metrics file holds. */
export interface MetricsFile {
  /** Rows by rising epoch; epochs may be missing. */
  readonly rows: EpochMetrics[];
  /** What is wrong with it, in words, or null. */
  readonly damage: string | null;
}

/** Bytes that are read: what a string can hold, and some hundred thousand epochs take. */
const MOST_BYTES = 2 ** 28;

/** Reads what can be read. A file that is not there holds nothing. Never throws. */
export async function readMetrics(path: string): Promise<MetricsFile> {
  if (!(await exists(path))) return { rows: [], damage: null };
  let text: string;
  try {
    text = new TextDecoder().decode(await readFileBytes(path, { maxBytes: MOST_BYTES }));
  } catch (error) {
    return { rows: [], damage: (error as Error).message.slice(`${path}: `.length) };
  }
  const rows: EpochMetrics[] = [];
  const unreadable: number[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const row = rowOf(line);
    if (row === null || row.epoch <= (rows.at(-1)?.epoch ?? 0)) unreadable.push(index + 1);
    else rows.push(row);
  }
  const which = unreadable.slice(0, 5).join(", ") + (unreadable.length > 5 ? " …" : "");
  return {
    rows,
    damage:
      unreadable.length === 0
        ? null
        : `${unreadable.length === 1 ? "line" : "lines"} ${which} cannot be read or ${unreadable.length === 1 ? "is" : "are"} out of order`,
  };
}

/** Names of epochs up to `last` that have no row: `2, 5 to 7`; null if all are there. */
export function missingEpochs(rows: readonly EpochMetrics[], last: number): string | null {
  const present = new Set(rows.map((row) => row.epoch));
  const parts: string[] = [];
  let before = 0;
  // From row to row, not from epoch to epoch: a file may say that quadrillions are complete.
  for (const epoch of [...present].filter((epoch) => epoch <= last).concat(last + 1)) {
    const [first, until] = [before + 1, epoch - 1];
    if (first <= until) parts.push(first === until ? `${first}` : `${first} to ${until}`);
    before = epoch;
  }
  return parts.length === 0 ? null : parts.join(", ");
}

const FIGURES = ["loss", "accuracy", "lr", "imagesPerSecond", "seconds"] as const;
const OPTIONAL_FIGURES = ["valAccuracy", "valLoss"] as const;
const PER_LAYER = ["flipRatio", "alpha", "saturation"] as const;

const isFigure = (value: unknown): boolean => Number.isFinite(value);
/** JSON has no infinity: such a figure was written as null. */
const isFigureOrNone = (value: unknown): boolean => value === undefined || value === null || isFigure(value);

/** A row, if the line is one. Fields that are not known here stay. */
function rowOf(line: string): EpochMetrics | null {
  try {
    const value: unknown = readJson(line, "metrics", "");
    if (!isRecord(value) || !Number.isSafeInteger(value.epoch) || (value.epoch as number) < 1) return null;
    const good =
      FIGURES.every((name) => isFigure(value[name])) &&
      OPTIONAL_FIGURES.every((name) => isFigureOrNone(value[name])) &&
      PER_LAYER.every((name) => isTable(value[name]));
    return good ? (value as unknown as EpochMetrics) : null;
  } catch {
    return null;
  }
}

function isTable(value: unknown): boolean {
  return value === undefined || (isRecord(value) && Object.values(value).every(isFigureOrNone));
}
