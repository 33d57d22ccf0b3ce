/** @file One command line from its arguments to its exit code: every failure ends as one line. */
import { provideKinds } from "../infer/kinds.js";
import { parse } from "./program.js";
import { followParent } from "./ui/child.js";
import { describeFailure, EXIT } from "./ui/failure.js";
import { writeText } from "./ui/terminal.js";

/**
 * Runs the command that the arguments name; what it writes goes to the process's stdout and stderr.
 *
 * @param argv arguments without node and the script
 * @returns the exit code; the process goes on
 */
export async function run(argv: readonly string[]): Promise<number> {
  const debug = argv.includes("--debug") || process.env["COARSEGRAD_DEBUG"] === "1";
  const leave = followParent();
  provideKinds();
  try {
    await parse(argv);
    return process.exitCode === undefined ? EXIT.ok : Number(process.exitCode);
  } catch (thrown) {
    const { code, line } = describeFailure(thrown);
    writeText(process.stderr, `coarsegrad: ${line}\n`);
    if (debug && thrown instanceof Error) writeText(process.stderr, `${thrown.stack}\n`);
    return code;
  } finally {
    leave();
  }
}
