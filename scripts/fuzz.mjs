/**
 * @file `npm run fuzz -- [FORMAT|kills|elastic|disk] [--count N] [--seed S]`: damaged files of one format, or of all; killed
 * runs; failing disks. See test/fuzz.
 */
import { parseArgs } from "node:util";
import { runTool } from "./run.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } },
});
for (const [name, value] of [
  ["COUNT", values.count],
  ["SEED", values.seed],
  ["FORMAT", positionals[0]],
]) {
  if (value !== undefined) process.env[`COARSEGRAD_FUZZ_${name}`] = value;
}
process.exitCode = await runTool("vitest", [
  "run",
  "test/fuzz/fuzz.test.ts",
  "--reporter=verbose",
  "--testTimeout=3600000",
]);
