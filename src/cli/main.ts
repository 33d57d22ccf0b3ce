/** @file The command line's entry: `coarsegrad <command>`. */
import { isLoaderWorker } from "../node/loading/worker.js";
import { isDecodeWorker } from "../node/tiny-imagenet/decode.js";
import { isRankWorker } from "../node/world/train-rank.js";
import { isBenchWorker } from "./bench/ranks.js";
import { run } from "./run.js";
import { watchStreams } from "./ui/streams.js";

// Workers that prepare batches or decode pictures, and those that are ranks, run this same file: in them it does nothing else.
if (!isLoaderWorker() && !isDecodeWorker() && !isRankWorker() && !isBenchWorker()) {
  const exitCode = watchStreams();
  process.exitCode = exitCode(await run(process.argv.slice(2)));
}
