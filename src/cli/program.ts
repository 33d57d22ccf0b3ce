/** @file The program: its commands, and what is said about a command line that cannot be understood. */
import { Command, CommanderError } from "commander";
import { quoted, UsageError, unknownWord } from "../run/usage-error.js";
import { COMMANDS } from "./commands/index.js";

function program(): Command {
  const made = new Command("coarsegrad")
    .description("Trains fully quantized neural networks and ships them as tens of kilobytes.")
    // What follows a script's name belongs to the script.
    .enablePositionalOptions()
    .version(COARSEGRAD_VERSION, "--version", "print the version")
    .addHelpText("after", "\nEvery command explains itself: coarsegrad train --help\n");
  for (const make of COMMANDS) made.addCommand(make());
  settle(made);
  return made;
}

/** Commander must neither print errors nor end the process: both happen in one place. */
function settle(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({ sortOptions: false, showGlobalOptions: false })
    .helpOption("-h, --help", "show this help")
    .allowExcessArguments(false);
  if (command.commands.length > 0) command.helpCommand(false);
  for (const child of command.commands) settle(child);
}

/**
 * Runs the command that the arguments name.
 *
 * @param argv arguments without node and the script
 * @throws UsageError for arguments that are not understood, and whatever the command throws
 */
export async function parse(argv: readonly string[]): Promise<void> {
  const root = program();
  const named = walk(root, argv);
  if (named.commands.length > 0 && (argv.length === 0 || argv[argv.length - 1] === named.name())) {
    named.outputHelp();
    return;
  }
  try {
    await root.parseAsync(argv, { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode !== 0) throw usageError(thrown, named, argv);
  }
}

/** The innermost command that the arguments name. */
function walk(root: Command, argv: readonly string[]): Command {
  let found = root;
  for (const word of argv) {
    const next = found.commands.find((child) => child.name() === word);
    if (next === undefined) break;
    found = next;
  }
  return found;
}

function usageError(error: CommanderError, command: Command, argv: readonly string[]): UsageError {
  const op = command.parent === null ? "command" : command.name();
  const word = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  const long = command.options.map((option) => option.long ?? option.short ?? "");
  switch (error.code) {
    case "commander.unknownOption":
      return unknownWord(op, "unknown option", word, [...long, "--help"]);
    case "commander.unknownCommand":
    case "commander.help":
      return unknownWord(
        op,
        "unknown command",
        argv.find((arg) => !arg.startsWith("-") && arg !== command.name()) ?? "",
        command.commands.map((child) => child.name()),
      );
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
