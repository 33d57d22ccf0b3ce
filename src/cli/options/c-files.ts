/** @file `--c`: a packed model as C files, in commands that write models. */
import path from "node:path";
import type { Command } from "commander";
import { cNameOf, isCName } from "../../export/c/text.js";
import { toC } from "../../export/index.js";
import { text } from "../../run/kinds.js";
import { UsageError } from "../../run/usage-error.js";
import { bytes, count } from "../ui/numbers.js";
import { option } from "./option.js";
import type { Output } from "./output.js";

/** What the options of {@link cOptions} gave. */
export interface COptionValues {
  c?: string;
  cName?: string;
  cMain?: boolean;
}

/** C files to be written. */
export interface CFiles {
  /** The files, none of which is written yet. */
  readonly outputs: readonly Output[];
  /** For JSON. */
  readonly answer: Readonly<Record<string, unknown>>;
  /** For people. */
  readonly line: string;
}

/** Adds --c, --c-name and --c-main. @param also says what else is written */
export function cOptions(made: Command, also: string): Command {
  option(made, "--c <dir>", `${also} C99 into this folder: NAME.h and NAME.c`, text);
  option(made, "--c-name <name>", "NAME of files and functions (default: the model's)", text);
  return made.option("--c-main", "also NAME_main.c, which reads standard input");
}

/** @throws UsageError for --c-name or --c-main without --c, and for what is no name */
export function checkC({ c, cName, cMain }: COptionValues): void {
  const asked = cName !== undefined ? "--c-name" : cMain === true ? "--c-main" : undefined;
  if (c === undefined && asked !== undefined) {
    throw new UsageError({ op: asked, what: "does not go with the other options", expected: "--c DIR", got: "none" });
  }
  if (cName === undefined || isCName(cName)) return;
  const expected = "letters, digits and _, a letter first, at most 40, not a standard header's";
  throw new UsageError({ op: "--c-name", what: "not a name of C", expected, got: cName });
}

/**
 * A model as C files, for `saveOutputs`.
 * @param file the model's, for its name
 * @throws QuantError naming a layer that C cannot express
 */
export function cFiles(model: Uint8Array, file: string, { c, cName, cMain }: COptionValues): CFiles {
  const name = cName ?? cNameOf(path.basename(file).replace(/\.[^.]*$/, ""));
  const { files, ...sizes } = toC(model, { name, main: cMain === true, file });
  const outputs = Object.entries(files).map(([made, content]) => [path.join(c as string, made), content] as const);
  const written = outputs.map(([made]) => made);
  const { constantBytes, ramBytes, arenaBytes, output } = sizes;
  return {
    outputs,
    answer: { c: written.map((made) => path.resolve(made)), ...sizes },
    line: `${written.join(", ")}: ${name}_run gives ${output}; ${bytes(constantBytes)} of constants, ${count(ramBytes)} bytes of static RAM (arena ${count(arenaBytes)})`,
  };
}
