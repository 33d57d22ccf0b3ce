/**
 * @file Plain text tables: numbers flush right, words flush left, a rule under the head; every cell is one line of
 * printable text.
 */
import { printableLine } from "./printable.js";

/** One column: its head and whether its cells are numbers (flush right). */
export interface Column {
  readonly head: string;
  readonly right?: boolean;
}

/**
 * Lines of a table.
 *
 * @param rows cells as text, one list per row, as many as there are columns
 * @param footer rows under a second rule, such as totals
 */
export function table(columns: readonly Column[], rows: readonly string[][], footer: readonly string[][] = []): string {
  const shown = (list: readonly string[][]) => list.map((row) => row.map(printableLine));
  return aligned(columns, shown(rows), shown(footer));
}

function aligned(columns: readonly Column[], rows: readonly string[][], footer: readonly string[][]): string {
  // Not by spreading rows into Math.max: a file may hold more of them than a call takes arguments.
  const widths = columns.map((column, i) =>
    [...rows, ...footer].reduce((most, row) => Math.max(most, (row[i] ?? "").length), column.head.length),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map((column, i) => {
        const cell = cells[i] ?? "";
        return column.right ? cell.padStart(widths[i]) : cell.padEnd(widths[i]);
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  const out = [line(columns.map((column) => column.head)), rule, ...rows.map(line)];
  if (footer.length > 0) out.push(rule, ...footer.map(line));
  return out.join("\n");
}

/** Aligned `name  value` lines. */
export function fields(pairs: readonly (readonly [string, string])[]): string {
  const shown = pairs.map((pair) => pair.map(printableLine));
  const width = shown.reduce((most, [name]) => Math.max(most, name.length), 0);
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join("\n");
}
