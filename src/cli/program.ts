/** @file The program: its commands, and what is said about a command line that cannot be understood. */
import { Command, CommanderError, Option } from "commander";
import { quoted, UsageError, unknownWord } from "../run/usage-error.js";
import { COMMANDS } from "./commands/index.js";
import { HELP_ALL, helpForm } from "./options/help.js";

function program(all: boolean): Command {
  const made = new Command("coarsegrad")
    .description("Trains fully quantized neural networks and ships them as tens of kilobytes.")
    // What follows a script's name belongs to the script.
    .enablePositionalOptions()
    .version(COARSEGRAD_VERSION, "--version", "print the version");
  for (const make of COMMANDS) made.addCommand(make());
  settle(made, all);
  return made;
}

/** Somebody asked for all of the help. */
class AllOfHelp extends Error {}

/** Commander must neither print errors nor end the process: both happen in one place. */
function settle(command: Command, all: boolean): void {
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp(helpForm(all))
    .helpOption("-h, --help", "show this help")
    .addOption(new Option(HELP_ALL).hideHelp())
    .on("option:help-all", () => {
      throw new AllOfHelp();
    })
    .allowExcessArguments(false);
  if (command.commands.length > 0) command.helpCommand(false);
  for (const child of command.commands) settle(child, all);
}

/**
 * Runs the command that the arguments name.
 *
 * @param argv arguments without node and the script
 * @throws UsageError for arguments that are not understood, and whatever the command throws
 */
export async function parse(argv: readonly string[]): Promise<void> {
  // `coarsegrad help train` is what many programs understand.
  if (argv[0] === "help") argv = [...argv.slice(1), "--help"];
  const root = program(false);
  const { named, next } = walk(root, argv);
  // Said before help is: help of something else would be no answer.
  if (named.commands.length > 0 && next !== undefined && !next.startsWith("-")) throw unknownCommand(named, next);
  if (named.commands.length > 0 && (argv.length === 0 || argv[argv.length - 1] === named.name())) {
    named.outputHelp();
    return;
  }
  try {
    await root.parseAsync(argv, { from: "user" });
  } catch (thrown) {
    if (thrown instanceof AllOfHelp) return walk(program(true), argv).named.outputHelp();
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode !== 0) throw usageError(thrown, named, argv);
  }
}

/** The innermost command that the arguments name, and the word after its name. */
function walk(root: Command, argv: readonly string[]): { named: Command; next: string | undefined } {
  let named = root;
  for (const word of argv) {
    const child = named.commands.find((each) => each.name() === word);
    if (child === undefined) return { named, next: word };
    named = child;
  }
  return { named, next: undefined };
}

function unknownCommand(command: Command, word: string): UsageError {
  const names = command.commands.map((child) => child.name());
  return unknownWord(command.parent === null ? "command" : command.name(), "unknown command", word, names);
}

function usageError(error: CommanderError, command: Command, argv: readonly string[]): UsageError {
  const op = command.parent === null ? "command" : command.name();
  const word = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const shown = command.options.filter(({ hidden }) => !hidden);
  const long = shown.map((option) => option.long ?? option.short ?? "");
  switch (error.code) {
    case "commander.unknownOption": {
      const [name] = word.split("=");
      if (word !== name && command.options.some((option) => option.long === name)) {
        return new UsageError({ op, what: "a value for an option that takes none", expected: name, got: quoted(word) });
      }
      return unknownWord(op, "unknown option", name, [...long, "--help", HELP_ALL]);
    }
    case "commander.unknownCommand":
    case "commander.help":
      return unknownCommand(command, argv.find((arg) => !arg.startsWith("-") && arg !== command.name()) ?? "");
    case "commander.optionMissingArgument":
      return new UsageError({ op, what: "option without a value", expected: word, got: "nothing after it" });
    case "commander.missingMandatoryOptionValue":
      return new UsageError({ op, what: "missing option", expected: word, got: "none", hint: help(command) });
    case "commander.missingArgument":
      return new UsageError({ op, what: "missing argument", expected: `<${word}>`, got: "none", hint: help(command) });
    case "commander.excessArguments":
      return new UsageError({
        op,
        what: "too many arguments",
        expected: command.usage(),
        got: quoted(argv.slice(1).join(" ")),
        hint: help(command),
      });
    default:
      return new UsageError({ op, what: error.message.replace(/^error: /, ""), hint: help(command) });
  }
}

function help(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name());
  return `see ${names.join(" ")} --help`;
}
