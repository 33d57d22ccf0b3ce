/** @file The command line's entry: `coarsegrad <command>`. Ends every failure as one line and an exit code. */
import { followParent } from "./child.js";
import { describeFailure, EXIT } from "./failure.js";
import { isLoaderWorker, serveBatches } from "./loading/worker.js";
import { parse } from "./program.js";
import { watchStreams } from "./streams.js";
import { writeText } from "./terminal.js";

async function main(argv: readonly string[]): Promise<number> {
  const debug = argv.includes("--debug") || process.env["COARSEGRAD_DEBUG"] === "1";
  const leave = followParent();
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

// Workers that prepare batches run this same file.
if (isLoaderWorker()) serveBatches();
else {
  const exitCode = watchStreams();
  process.exitCode = exitCode(await main(process.argv.slice(2)));
}
