/** @file ONNX files with one of their outputs. */
import { check, text } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import { decodeModel, encodeModel } from "./codec.js";

/**
 * The file with one of its outputs alone, for what takes files of one.
 *
 * @param output the output's name
 * @throws FormatError that lists the outputs, if there is none of that name
 */
export function withOutput(bytes: Uint8Array, output: string, file = "ONNX file"): Uint8Array {
  check("withOutput", "output", output, text);
  const model = decodeModel(bytes, file);
  const all = model.graph?.output ?? [];
  const kept = all.filter(({ name }) => name === output);
  if (model.graph === undefined || kept.length !== 1) {
    const names = all.map(({ name }) => name).join(" or ");
    throw new FormatError({ op: file, what: "output", expected: names || "a graph with outputs", got: output });
  }
  if (all.length === 1) return bytes;
  model.graph.output = kept;
  return encodeModel(model);
}
