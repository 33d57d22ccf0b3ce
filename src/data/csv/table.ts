/** @file A CSV text as a table whose cells know their line: header, records, columns by name or number. */
import { describe, integer, refuse, refuseUnknown } from "../../core/checks.js";
import { FormatError } from "../../core/errors.js";

/** A column by its name in the header, or by its place: 0 is the first, −1 the last. */
export type CsvColumn = string | number;

/** One record and the line that it begins in, counted from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A table in text. */
export interface CsvTable {
  /** For messages: the file. */
  readonly name: string;
  readonly header: readonly string[];
  readonly rows: readonly CsvRow[];
}

/** Refuses a cell. @throws FormatError naming file, line and column */
export function refuseCell(
  { name, header }: Pick<CsvTable, "name" | "header">,
  line: number,
  column: number,
  what: string,
  fields: { readonly expected: string; readonly got: string; readonly hint?: string },
): never {
  const title = header[column] === undefined || header[column] === `${column}` ? "" : ` (${header[column]})`;
  throw new FormatError({ op: name, what: `line ${line}, column ${column + 1}${title}: ${what}`, ...fields });
}

/**
 * Records with their lines, less blank ones.
 *
 * @param header true: the first record holds the names; false: names are numbers from 0; or the names themselves
 * @throws FormatError on records of different lengths, no records, or a header that names a column twice
 */
export function tableOf(
  name: string,
  records: readonly (readonly string[])[],
  header: boolean | readonly string[],
): CsvTable {
  const rows: CsvRow[] = [];
  let line = 1;
  for (const cells of records) {
    if (cells.length > 1 || cells[0].trim() !== "") rows.push({ line, cells: cells.map((cell) => cell.trim()) });
    // Quoted cells may hold line breaks.
    line += cells.reduce((breaks, cell) => breaks + (cell.split("\n").length - 1), 1);
  }
  const first = rows[0];
  if (first === undefined)
    throw new FormatError({ op: name, what: "no records", expected: "lines of cells", got: "none" });
  const names = header === true ? first.cells : header === false ? first.cells.map((_, i) => `${i}`) : header;
  const twice = names.findIndex((column, i) => column !== "" && names.indexOf(column) !== i);
  if (twice >= 0) {
    const got = describe(names[twice]);
    refuseCell({ name, header: [] }, first.line, twice, "a second column of this name", {
      expected: "other names",
      got,
    });
  }
  const own = header === true ? rows.slice(1) : rows;
  const bad = own.find(({ cells }) => cells.length !== names.length);
  if (bad !== undefined) {
    const at = Math.min(bad.cells.length, names.length);
    refuseCell({ name, header: names }, bad.line, at, bad.cells.length < names.length ? "no cell" : "a cell too many", {
      expected: `${names.length} cells, as ${header === true ? `line ${first.line}` : "the names"}`,
      got: `${bad.cells.length}`,
    });
  }
  if (own.length === 0)
    throw new FormatError({ op: name, what: "no records", expected: "lines after the header", got: "none" });
  return { name, header: names, rows: own };
}

/** The place of a column. @throws ArgumentError, with the nearest name where it looks like a slip */
export function columnOf(op: string, option: string, { header }: CsvTable, column: CsvColumn): number {
  if (typeof column === "string") {
    const at = header.indexOf(column);
    return at >= 0 ? at : refuseUnknown(op, column, header, `column in ${option}`);
  }
  const words = integer(-header.length, header.length - 1)(column);
  if (words !== null) refuse(op, option, `a name, or ${words}`, column);
  return column < 0 ? header.length + column : column;
}
