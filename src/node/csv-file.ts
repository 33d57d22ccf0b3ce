/** @file CSV files by their path. */
import { check } from "../core/checks.js";
import { type CsvExamples, type CsvOptions, readCsv } from "../data/index.js";
import { pathRule, readFileBytes } from "./files.js";

/**
 * Examples from a CSV file on disk; see `readCsv` of `coarsegrad/data`.
 *
 * @param path the file, UTF-8
 * @returns inputs, targets, and the names of columns and classes
 * @throws DataError if it cannot be read; FormatError naming path, line and column of a bad cell; ArgumentError on bad
 *   options
 * @example
 * const train = await readCsvFile("flowers.csv", { target: "kind", classes: true });
 */
export async function readCsvFile(path: string, options: CsvOptions): Promise<CsvExamples> {
  check("readCsvFile", "path", path, pathRule);
  const bytes = await readFileBytes(path);
  return readCsv(bytes, options?.name === undefined ? { ...options, name: path } : options);
}
