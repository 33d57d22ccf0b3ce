/** @file ONNX files on disk, made whole: with the values that lie in files beside them, and with one output. */
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import { FormatError } from "../core/errors.js";
import { externalFiles, withExternalData, withOutput } from "../onnx/index.js";
import { readFileBytes } from "./files.js";

/**
 * The bytes of an ONNX file as one file.
 *
 * @param output the only output to keep, of those that the file has
 * @throws DataError if it, or a file beside it, cannot be read; FormatError if it names files elsewhere, or has no such
 *   output
 */
export async function readOnnxFile(path: string, output?: string): Promise<Uint8Array> {
  const bytes = await readFileBytes(path);
  const parts: [string, Uint8Array][] = [];
  for (const name of externalFiles(bytes, path)) {
    const beside = normalize(name.split("/").join(sep));
    // A file that is downloaded must not read what else is there.
    if (isAbsolute(beside) || beside.split(sep).includes("..")) {
      throw new FormatError({ op: path, what: "external data", expected: "files beside it or below", got: name });
    }
    parts.push([name, await readFileBytes(join(dirname(path), beside))]);
  }
  const whole = withExternalData(bytes, new Map(parts), path);
  return output === undefined ? whole : withOutput(whole, output, path);
}
