/** @file `--c`: a packed model as C files, in commands that write models. */
import path from "node:path";
import type { Command } from "commander";
import { cNameOf, isCName } from "../../export/c/text.js";
import { toC } from "../../export/index.js";
import { text } from "../../run/kinds.js";
import { UsageError } from "../../run/usage-error.js";
import { bytes, count } from "../ui/numbers.js";
import { option } from "./option.js";
import { saveOutput } from "./output.js";

/** What the options of {@link cOptions} gave. */
export interface COptionValues {
  c?: string;
  cName?: string;
  cMain?: boolean;
}

/** C files that were written. */
export interface WrittenC {
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
 * Writes a model as C files.
 * @param file the model's, for its name
 * @throws QuantError naming a layer that C cannot express; DataError if a file cannot be written
 */
export async function writeC(model: Uint8Array, file: string, { c, cName, cMain }: COptionValues): Promise<WrittenC> {
  const name = cName ?? cNameOf(path.basename(file).replace(/\.[^.]*$/, ""));
  const { files, ...sizes } = toC(model, { name, main: cMain === true, file });
  const written = Object.keys(files).map((made) => path.join(c as string, made));
  for (const [i, content] of Object.values(files).entries()) await saveOutput(written[i], content);
  const { constantBytes, ramBytes, arenaBytes, output } = sizes;
  return {
    answer: { c: written.map((made) => path.resolve(made)), ...sizes },
    line: `${written.join(", ")}: ${name}_run gives ${output}; ${bytes(constantBytes)} of constants, ${count(ramBytes)} bytes of static RAM (arena ${count(arenaBytes)})`,
  };
}
