/** @file Options that were typed, and those that have an effect beside certain others alone. */
import type { Command, Option } from "commander";
import { UsageError } from "../../run/usage-error.js";

/** The options of a command that were typed: not those that have their default. */
export function typedOptions(made: Command): Option[] {
  return made.options.filter((option) => made.getOptionValueSource(option.attributeName()) === "cli");
}

/** Where an option has an effect. */
export interface Use {
  /** Whether it has one in this call. */
  readonly used: boolean;
  /** What it goes with, in words. */
  readonly expected: string;
}

/**
 * Refuses options that were typed and change nothing in this call.
 *
 * @param made the command
 * @param uses by the option's name in the code; others go with everything
 * @throws UsageError
 */
export function checkUsed(made: Command, uses: Readonly<Record<string, Use>>): void {
  for (const option of typedOptions(made)) {
    const own = uses[option.attributeName()];
    if (own === undefined || own.used) continue;
    const what = "does not go with the other options";
    throw new UsageError({ op: `${option.long}`, what, expected: own.expected });
  }
}
