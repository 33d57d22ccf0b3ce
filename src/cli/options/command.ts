/** @file How commands are declared: the options that all have, examples in the help, one place where failures end. */
import { Command } from "commander";
import { FIELDS } from "../../run/fields.js";
import { type CommonOptions, Terminal } from "../ui/terminal.js";
import { describeHelp } from "./help.js";
import { option } from "./option.js";
import type { CommandSpec } from "./spec.js";

/** A command's own code. */
export type Action<Options> = (options: Options, args: string[], terminal: Terminal) => Promise<void>;

/** A command with the common options; add its own, then {@link onRun}. */
export function command(spec: CommandSpec): Command {
  const made = new Command(spec.name).summary(spec.summary).description(spec.description);
  for (const [name, explanation] of spec.args ?? []) made.argument(name, explanation);
  describeHelp(made, spec);
  return made;
}

/** Adds --json, --quiet, --seed and --debug where the command has none of its own, and the code to run. */
export function onRun<Options extends CommonOptions>(made: Command, action: Action<Options>): Command {
  const has = (long: string): boolean => made.options.some((option) => option.long === long);
  if (!has("--seed")) {
    const { flags, help, kind } = FIELDS.seed;
    option(made, flags, help, kind, 1);
  }
  if (!has("--json")) made.option("--json", "print one JSON document on stdout, nothing else");
  made.option("--quiet", "no progress and no notes").option("--debug", "show the stack of an error");
  return made.action(async (...received: unknown[]) => {
    const self = received.pop() as Command;
    const options = self.opts<Options>();
    await action(options, self.args, new Terminal(options));
  });
}
