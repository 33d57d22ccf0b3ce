/** @file The command line's entry: `coarsegrad <command>`. */
import { isLoaderWorker, serveBatches } from "./loading/worker.js";
import { run } from "./run.js";
import { watchStreams } from "./streams.js";

// Workers that prepare batches run this same file.
if (isLoaderWorker()) serveBatches();
else {
  const exitCode = watchStreams();
  process.exitCode = exitCode(await run(process.argv.slice(2)));
}
