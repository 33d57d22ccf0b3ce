/** @file Options of commands from their flags, their help and their kind; errors name the option by its flags. */
import { type Command, Option } from "commander";
import { optionOf } from "../../run/field.js";
import { type Kind, text } from "../../run/kinds.js";

/** Adds an option with a value. @param initial its default, shown in the help */
export function option<T>(made: Command, flags: string, help: string, kind: Kind<T>, initial?: T): Command {
  const read = readerOf(flags, kind);
  // A default is handed over like a word before.
  const own = new Option(flags, help).argParser((word, before: T | undefined) =>
    read(word, before === initial ? undefined : before),
  );
  return made.addOption(initial === undefined ? own : own.default(initial, kind.write(initial)));
}

/** Reads a word of an option; one that takes a list adds to what it was given before. */
export function readerOf<T>(flags: string, kind: Kind<T>): (word: string, before: T | undefined) => T {
  return (word, before) => {
    const own = kind.read(word, optionOf({ flags }));
    return before === undefined || kind.join === undefined ? own : kind.join(before, own);
  };
}

/** Adds --data-dir. */
export function dataDirOption(made: Command): Command {
  return option(made, "--data-dir <dir>", "the data directory to look in, and in no other", text);
}

/** Adds --output. */
export function outputOption(made: Command): Command {
  return option(made, "--output <name>", "the output to take from an ONNX file that has several", text);
}

/** Reads an argument of a command. @param name of the command, for errors */
export function argument<T>(name: string, kind: Kind<T>): (word: string) => T {
  return (word) => kind.read(word, name);
}
