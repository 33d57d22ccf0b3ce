/** @file The command line's entry: `coarsegrad <command>`. */
import { isLoaderWorker } from "../node/loading/worker.js";
import { run } from "./run.js";
import { watchStreams } from "./ui/streams.js";

// Workers that prepare batches run this same file: in them it does nothing else.
if (!isLoaderWorker()) {
  const exitCode = watchStreams();
  process.exitCode = exitCode(await run(process.argv.slice(2)));
}
