/** @file A packed model as C99: one header, one source file, nothing else. */
import { checkOptions, flag, text } from "../../core/checks.js";
import type { PackedModel } from "../../format/model.js";
import { openPacked } from "../../format/read.js";
import { provideKinds } from "../../infer/kinds.js";
import { headerOf, mainOf } from "./header.js";
import { outputOf } from "./output.js";
import { sourceOf } from "./source.js";
import { checkCName } from "./text.js";

/** Choices of {@link toC}. */
export interface COptions {
  /** What functions, macros and files are called: letters, digits and _, a letter first. */
  name: string;
  /** Also a program that reads inputs from standard input and prints outputs. Default false. */
  main?: boolean;
  /** The model's name for messages. Default "packed model". */
  file?: string;
}

/** A packed model in C. */
export interface CFiles {
  /** Texts by file name: `NAME.h`, `NAME.c`, and `NAME_main.c` if it was asked for. */
  readonly files: Readonly<Record<string, string>>;
  /** Static bytes for values between layers, which is `NAME_ARENA_BYTES`. */
  readonly arenaBytes: number;
  /** All static bytes: the arena, and bit planes; `NAME_RAM_BYTES`. */
  readonly ramBytes: number;
  /** Bytes of constants: weights, thresholds, scales. */
  readonly constantBytes: number;
  /** Type of the outputs: codes, int32 sums of one scale, or floats. */
  readonly output: "uint8_t" | "int32_t" | "float";
}

/**
 * Writes a packed model as C99 for microcontrollers: no allocation, no library but `stdint.h`, weights as bits in
 * constants, one static arena. `NAME_run(input, output)` gives the runtime's numbers: every layer's codes are equal, and
 * the outputs are its bits (sums and codes are whole numbers that stand for themselves times `NAME_OUTPUT_SCALE`).
 * There is no float where the packed network has none.
 *
 * @param model the file's bytes, or the object that `readPacked` made of them
 * @returns texts by file name; the same model gives the same texts
 * @throws FormatError if the bytes are not a packed model; ArgumentError on a bad option; QuantError that names a layer
 * which C cannot express
 * @see docs/microcontrollers.md
 * @example
 * const { files, ramBytes } = toC(pack(net, { inputShape: [28, 28, 1] }), { name: "digits" });
 * for (const [name, text] of Object.entries(files)) await writeFile(name, text); // digits.h, digits.c
 */
export function toC(model: Uint8Array | ArrayBufferLike | PackedModel, options: COptions): CFiles {
  checkOptions("toC", options, { name: text, main: flag, file: text }, ["name"]);
  const { name, main = false, file } = options;
  checkCName("toC", name);
  // All kinds are read, so that one which C has not is refused by its layer's name.
  provideKinds();
  const opened = openPacked("toC", model, file);
  const output = outputOf(opened);
  const source = sourceOf(opened, output);
  // Longest first: `@@@` is the name itself, `@@` the prefix of macros, `@` that of functions.
  const named = (body: string): string =>
    body.replaceAll("@@@", name).replaceAll("@@", `${name.toUpperCase()}_`).replaceAll("@", `${name}_`);
  const files: Record<string, string> = {
    [`${name}.h`]: named(headerOf(opened, output, source)),
    [`${name}.c`]: named(source.text),
    ...(main && { [`${name}_main.c`]: named(mainOf(opened, output)) }),
  };
  const { arenaBytes, planeBytes, flashBytes } = source;
  return { files, arenaBytes, ramBytes: arenaBytes + planeBytes, constantBytes: flashBytes, output: output.type };
}
