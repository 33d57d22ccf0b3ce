/**
 * @file Help: one screen of what is used most; all of it with --help-all. A command says in `brief` which of its
 * options are on that screen, in a line each; one whose help fits on it anyway is shown whole.
 */
import { type Command, Help, type HelpConfiguration, Option } from "commander";
import type { CommandSpec } from "./spec.js";

/** Lines of the help that is shown without being asked for all. */
export const SCREEN = 28;
/** Examples on it. */
const EXAMPLES = 2;
/** What shows all. */
export const HELP_ALL = "--help-all";

const specs = new WeakMap<Command, CommandSpec>();

/** Notes what belongs into the help of a command besides its options. */
export function describeHelp(made: Command, spec: CommandSpec): void {
  specs.set(made, spec);
}

/** How commander forms help. @param all every option, with its notes and examples */
export function helpForm(all: boolean): HelpConfiguration {
  const common: HelpConfiguration = {
    sortOptions: false,
    showGlobalOptions: false,
    subcommandTerm: (command) => command.name(),
  };
  const whole = (command: Command, helper: Help): string => {
    const own = Object.assign(new Help(), common, { helpWidth: helper.helpWidth });
    return formed(command, own, Number.POSITIVE_INFINITY);
  };
  return {
    ...common,
    formatHelp(command, helper) {
      const full = whole(command, helper);
      if (all || full.trimEnd().split("\n").length <= SCREEN) return full;
      return formed(command, Object.assign(new Help(), common, briefly, { helpWidth: helper.helpWidth }), EXAMPLES);
    },
  };
}

/** Options of every command, which need no place on a screen. */
const EVERYWHERE = ["--seed", "--quiet", "--debug"];

const briefly: HelpConfiguration = {
  commandDescription: (command) => command.description().split(/(?<=\.) (?=[A-Z])/)[0],
  visibleOptions(command) {
    const brief = specs.get(command)?.brief;
    const shown = command.options.filter(({ long, hidden }) =>
      hidden ? false : brief === undefined ? !EVERYWHERE.includes(long ?? "") : Object.hasOwn(brief, long ?? ""),
    );
    return [...shown, new Option(HELP_ALL, "all options, notes and examples")];
  },
};

function formed(command: Command, helper: Help, examples: number): string {
  const spec = specs.get(command);
  const short = Number.isFinite(examples);
  const { brief } = spec ?? {};
  if (short && brief !== undefined) {
    helper.optionDescription = (option) => brief[option.long ?? ""] ?? option.description;
  }
  const parts = [Help.prototype.formatHelp.call(helper, command, helper).trimEnd()];
  if (spec?.notes !== undefined && !short) parts.push(wrapped(spec.notes.trim(), helper.helpWidth ?? 80));
  if (spec !== undefined) {
    const lines = spec.examples.slice(0, examples).map((line) => `  $ ${line}`);
    parts.push(["Examples:", ...lines].join("\n"));
  }
  if (command.parent === null) parts.push("Every command explains itself: coarsegrad train --help");
  return `${parts.join("\n\n")}\n`;
}

/** Lines as they are, longer ones wrapped under their second column, or under their indentation. */
export function wrapped(text: string, width: number): string {
  return text
    .split("\n")
    .flatMap((line) => {
      const indent = /^( +(?:\S+ {2,})?)?/.exec(line)?.[0].length ?? 0;
      const out: string[] = [];
      let at = line.slice(0, indent);
      let filled = false;
      for (const word of line.slice(indent).split(" ")) {
        if (filled && at.length + 1 + word.length > width) {
          out.push(at);
          [at, filled] = [" ".repeat(indent), false];
        }
        at += filled ? ` ${word}` : word;
        filled = true;
      }
      return [...out, at];
    })
    .join("\n");
}
