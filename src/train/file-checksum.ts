/** @file Files whose metadata holds a checksum of all that they hold. */
import { describe } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import { contentChecksum } from "../io/checksum.js";
import type { SafeTensor } from "../io/safetensors.js";

/** Compares the checksum, if there is one: earlier versions wrote none. @throws FormatError that names both */
export function checkContent(
  tensors: ReadonlyMap<string, SafeTensor>,
  { checksum, ...metadata }: Readonly<Record<string, string>>,
  file: string,
): void {
  if (checksum === undefined) return;
  const own = contentChecksum(
    [...tensors].map(([name, { shape, data }]) => ({ name, shape, data })),
    metadata,
  );
  if (checksum === own) return;
  throw new FormatError({
    op: file,
    what: "damaged: its content is not what was written",
    expected: `checksum ${quoted(checksum)}`,
    got: own,
    hint: "the disk or a transfer changed it; take it from a copy",
  });
}

/** Text of a file as messages show it. */
export function quoted(text: string | undefined): string {
  if (text === undefined) return "none";
  return /^[0-9a-f]{64}$/.test(text) ? text : describe(text).slice(1, -1);
}
