/** @file What a worker runs: the small run, from its configuration to its result. */
import { smallResult } from "./small.js";

smallResult().then(
  (result) => postMessage(result),
  (error: unknown) => postMessage(String(error)),
);
