/** @file Examples from CSV: numbers, targets and classes out of columns; a bad cell is named by line and column. */
import {
  anything,
  checkOptions,
  describe,
  either,
  flag,
  listOf,
  type OptionRules,
  oneOf,
  type Rule,
  real,
  refuse,
  text,
} from "../../core/checks.js";
import { FormatError } from "../../core/errors.js";
import { bytesIn } from "../../core/typed-arrays.js";
import { type CsvColumn, type CsvRow, type CsvTable, columnOf, refuseCell, tableOf } from "./table.js";

/** What {@link readCsv} is told. */
export interface CsvOptions {
  /** The column of the targets, by name or number (−1: the last); a list of columns for several numbers at once. */
  readonly target: CsvColumn | readonly CsvColumn[];
  /** Columns of the inputs, in this order. @default all others */
  readonly columns?: readonly CsvColumn[];
  /**
   * The target names classes: a list gives their order and refuses others; true takes those that occur, sorted.
   * @default false: the target is a number
   */
  readonly classes?: boolean | readonly string[];
  /** True: the first line holds names; a list: the names; false: columns are known by number. @default true */
  readonly header?: boolean | readonly string[];
  /** One character. @default that of `,` `;` tab `|` which divides the first lines evenly */
  readonly delimiter?: string;
  /** Decimal sign. @default "." */
  readonly decimal?: "." | ",";
  /** Empty input cells: an error, leave out their rows, or a number in their place. @default "refuse" */
  readonly missing?: "refuse" | "skip" | number;
  /** For messages. @default the file's name, or `csv` */
  readonly name?: string;
}

/** Examples of a table, as `fit`, `evaluate` and `exampleDataset` take them. */
export interface CsvExamples {
  /** [N, columns], f32. */
  readonly x: { readonly shape: readonly [number, number]; readonly data: Float32Array };
  /** Class numbers [N]; or numbers [N], [N, targets]. */
  readonly y: { readonly shape: readonly number[]; readonly data: Int32Array | Float32Array };
  /** Names of the inputs. */
  readonly names: readonly string[];
  /** Names of the classes in the order of their numbers; null for numbers. */
  readonly classes: readonly string[] | null;
}

const isDelimiter: Rule = (value) =>
  typeof value === "string" && value.length === 1 && !/["\r\n\ufeff]/.test(value) ? null : "one character, no quote";
const column = either(text, real);

/** Rules of {@link CsvOptions}; other doors' options may stand beside them. */
export const CSV_OPTIONS: OptionRules<CsvOptions> = {
  target: either(column, listOf(column)),
  columns: listOf(column),
  classes: either(flag, listOf(text)),
  header: either(flag, listOf(text)),
  delimiter: isDelimiter,
  decimal: oneOf(".", ","),
  missing: either(oneOf("refuse", "skip"), real),
  name: anything,
};

/** A decimal number, as people and programs write them. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Examples from a CSV file (RFC 4180): quoted cells, a byte order mark, any line ends; blank lines do not count, spaces
 * around cells neither.
 *
 * @param source the text; or a file: its bytes (UTF-8), or a `File` or `Blob`. In Node `readCsvFile` takes a path
 * @returns inputs f32 [N, columns], targets, names of columns and classes: what `fit` takes
 * @throws FormatError naming file, line and column for a cell that is no number (or none that f32 holds), an empty one,
 *   a class that is not among `classes`, a record of another length than the first, quotes that do not close, a column
 *   named twice; for bytes that are no UTF-8, and a file without records. ArgumentError on bad options, and a column
 *   that the file does not have
 * @example
 * const train = await readCsv(text, { target: "kind", classes: ["small", "large"] });
 * await fit(net, train, { epochs: 10, optimizer });
 */
export async function readCsv(
  source: string | Uint8Array | ArrayBufferLike | Blob,
  options: CsvOptions,
): Promise<CsvExamples> {
  const op = "readCsv";
  checkOptions<CsvOptions>(op, options, { ...CSV_OPTIONS, name: text }, ["target"]);
  const { header = true, delimiter = "" } = options;
  const name = options.name ?? fileName(source) ?? "csv";
  const plain = (await textOf(op, name, source)).replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  // Loaded by those who read tables.
  const { parseRecords } = await import("./library.js");
  const { records, fault } = parseRecords(plain, delimiter);
  if (fault !== null) {
    const before = plain.slice(0, fault.index).split("\n");
    const at = `line ${before.length}, character ${before[before.length - 1].length}`;
    throw new FormatError({
      op: name,
      what: `${at}: ${fault.message.toLowerCase()}`,
      expected: 'a cell in quotes that ends in a quote, with "" for a quote inside',
      got: describe(plain.slice(Math.max(0, fault.index - 1), fault.index + 40)),
    });
  }
  return examplesOf(op, tableOf(name, records, header), options);
}

function fileName(source: unknown): string | undefined {
  const { name } = (typeof source === "object" && source !== null ? source : {}) as { name?: unknown };
  return typeof name === "string" && name !== "" ? name : undefined;
}

async function textOf(op: string, name: string, source: unknown): Promise<string> {
  if (typeof source === "string") return source;
  const isBlob = typeof Blob === "function" && source instanceof Blob;
  const bytes = isBlob ? new Uint8Array(await source.arrayBuffer()) : bytesIn(source);
  if (bytes === null) return refuse(op, "source", "text, bytes or a File", source);
  try {
    // Decoders refuse shared memory: a copy.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice());
  } catch {
    throw new FormatError({
      op: name,
      what: "not UTF-8",
      expected: "a text file",
      got: "other bytes",
      hint: "save it as UTF-8",
    });
  }
}

function examplesOf(op: string, table: CsvTable, options: CsvOptions): CsvExamples {
  const { target, missing = "refuse", decimal = "." } = options;
  const several = Array.isArray(target);
  const targets = ((several ? target : [target]) as readonly CsvColumn[]).map((each) =>
    columnOf(op, "target", table, each),
  );
  const others = table.header.map((_, at) => at).filter((at) => !targets.includes(at));
  const inputs = options.columns?.map((each) => columnOf(op, "columns", table, each)) ?? others;
  if (targets.length === 0) refuse(op, "target", "at least one column", target);
  if (inputs.length === 0) refuse(op, "columns", "at least one column besides the target", options.columns);
  const leaked = inputs.find((at) => targets.includes(at));
  if (leaked !== undefined) refuse(op, "columns", "columns that are no targets", table.header[leaked]);
  const named = options.classes !== undefined && options.classes !== false;
  if (named && several) refuse(op, "classes", "one target column of class names", target);

  const isMissing = ({ cells }: CsvRow): boolean => inputs.some((at) => cells[at] === "");
  const rows = missing === "skip" ? table.rows.filter((row) => !isMissing(row)) : table.rows;
  if (rows.length === 0) {
    throw new FormatError({
      op: table.name,
      what: "every record lacks a cell",
      expected: "one that is complete",
      got: "none",
    });
  }
  const x = new Float32Array(rows.length * inputs.length);
  rows.forEach((row, n) => {
    inputs.forEach((at, i) => {
      const instead = typeof missing === "number" && row.cells[at] === "" ? missing : null;
      x[n * inputs.length + i] = instead ?? numberAt(table, row, at, decimal, false);
    });
  });
  const classes = named ? classesOf(rows, targets[0], options.classes as true | readonly string[]) : null;
  const data =
    classes === null
      ? Float32Array.from(rows.flatMap((row) => targets.map((at) => numberAt(table, row, at, decimal, true))))
      : classNumbers(table, rows, targets[0], classes);
  return {
    x: { shape: [rows.length, inputs.length], data: x },
    y: { shape: several ? [rows.length, targets.length] : [rows.length], data },
    names: inputs.map((at) => table.header[at]),
    classes,
  };
}

function numberAt(table: CsvTable, { line, cells }: CsvRow, at: number, decimal: "." | ",", isTarget: boolean): number {
  const cell = cells[at];
  const plain = decimal === "," ? cell.replace(",", ".") : cell;
  const value = NUMBER.test(plain) && !(decimal === "," && cell.includes(".")) ? Number(plain) : Number.NaN;
  if (Number.isFinite(Math.fround(value))) return value;
  const hint = cell.includes(",") && NUMBER.test(cell.replace(",", ".")) ? 'decimal: "," reads it' : undefined;
  if (cell === "") {
    const skip = isTarget ? undefined : 'missing: "skip" leaves such rows out; a number takes its place';
    refuseCell(table, line, at, isTarget ? "no target" : "no number", {
      expected: "a number",
      got: "an empty cell",
      hint: skip,
    });
  }
  const named = isTarget ? "classes: true reads names of classes" : undefined;
  const large = Number.isNaN(value) ? "no number" : "too large for f32";
  refuseCell(table, line, at, large, { expected: "a number", got: describe(cell), hint: hint ?? named });
}

function classesOf(rows: readonly CsvRow[], at: number, wanted: true | readonly string[]): readonly string[] {
  const twice = wanted === true ? -1 : wanted.findIndex((name, i) => wanted.indexOf(name) !== i);
  if (wanted !== true && (twice >= 0 || wanted.length === 0)) {
    refuse("readCsv", "classes", "names, each once", twice < 0 ? wanted : wanted[twice]);
  }
  // By code units: the same order on every machine.
  return wanted === true
    ? [...new Set(rows.map(({ cells }) => cells[at]))].filter((name) => name !== "").sort()
    : wanted;
}

function classNumbers(table: CsvTable, rows: readonly CsvRow[], at: number, classes: readonly string[]): Int32Array {
  const numbers = new Map(classes.map((name, i) => [name, i]));
  return Int32Array.from(rows, ({ line, cells }) => {
    const number = numbers.get(cells[at]);
    if (number !== undefined) return number;
    if (cells[at] === "") refuseCell(table, line, at, "no target", { expected: "a class", got: "an empty cell" });
    const known = classes.slice(0, 20).join(", ");
    return refuseCell(table, line, at, "unknown class", {
      expected: `one of ${known}${classes.length > 20 ? ", …" : ""}`,
      got: describe(cells[at]),
    });
  });
}
