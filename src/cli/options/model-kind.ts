/** @file Options that go with some kinds of models alone. */
import type { Command } from "commander";
import { KIND_NAMES, type ModelSource } from "../../run/source.js";
import { UsageError } from "../../run/usage-error.js";
import { typedOptions } from "./used.js";

/** What a command was given: a file of a kind, or the name of a network. */
export type GivenModel = ModelSource["kind"] | "name";

const NAMES: Readonly<Record<GivenModel, string>> = { ...KIND_NAMES, name: "the name of a network" };

/**
 * Refuses options that were typed and say nothing about a model of this kind.
 *
 * @param made the command
 * @param given what it was given
 * @param kinds of models that an option goes with, by its name in the code; options that are not listed go with all
 * @param hints what to tell of an option that is refused, by the same name
 * @throws UsageError
 */
export function checkKind(
  made: Command,
  given: GivenModel,
  kinds: Readonly<Record<string, readonly GivenModel[]>>,
  hints: Readonly<Record<string, string>> = {},
): void {
  for (const option of typedOptions(made)) {
    const own = kinds[option.attributeName()];
    if (own === undefined || own.includes(given)) continue;
    const expected = own.map((kind) => NAMES[kind]).join(", or ");
    throw new UsageError({
      op: `${option.long}`,
      what: "not for this kind of model",
      expected,
      got: NAMES[given],
      hint: hints[option.attributeName()],
    });
  }
}
