/** @file The CSV parser, Papa Parse: the only file that imports it. The build puts it inside. */
import Papa from "papaparse";

/** A text as records. */
export interface CsvRecords {
  /** Cells of every record, blank lines included: `[""]`. */
  readonly records: readonly (readonly string[])[];
  readonly delimiter: string;
  /** Quotes that do not close, or close within a cell: the first of them, and the character where its cell begins. */
  readonly fault: { readonly message: string; readonly index: number } | null;
}

/**
 * Splits a text into records and cells (RFC 4180).
 *
 * @param text lines end in \n
 * @param delimiter one character; empty: the one of `,` `;` tab `|` that divides the first lines evenly
 */
export function parseRecords(text: string, delimiter: string): CsvRecords {
  const own = delimiter === "" ? guessed(text) : delimiter;
  const { data, errors } = Papa.parse<string[]>(text, { delimiter: own, newline: "\n", skipEmptyLines: false });
  const fault = errors.find(({ type }) => type === "Quotes");
  return {
    records: data,
    delimiter: own,
    fault: fault === undefined ? null : { message: fault.message, index: fault.index ?? 0 },
  };
}

/** By the first records, without blank lines: these divide into one cell by any delimiter. */
function guessed(text: string): string {
  const { meta } = Papa.parse<string[]>(text, {
    newline: "\n",
    delimitersToGuess: [",", ";", "\t", "|"],
    preview: 20,
    skipEmptyLines: "greedy",
  });
  return meta.delimiter;
}
