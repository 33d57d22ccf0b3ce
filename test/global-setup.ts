/** @file Runs once before all test files: bundles the command line, which a dozen of them run in child processes. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { leftBehind } from "./temporary-root.js";

/** Data for tests that want public data sets, where nobody names them: beside the repository. */
const DATA = path.join(import.meta.dirname, "..", "..", "shared", "data");

/** Where {@link Workbench} of test/cli/run.ts finds the bundle. */
export const BUNDLE_VARIABLE = "COARSEGRAD_TEST_CLI";

export default async function setup(): Promise<() => void> {
  if (process.env.COARSEGRAD_DATA === undefined && existsSync(DATA)) process.env.COARSEGRAD_DATA = DATA;
  // A run inside a run takes the bundle that is there.
  if (process.env[BUNDLE_VARIABLE] !== undefined) return () => undefined;
  const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-bundle-"));
  const bundle = path.join(folder, "coarsegrad.mjs");
  const script = new URL("../scripts/bundle-cli.mjs", import.meta.url).href;
  const { bundleCli } = (await import(script)) as { bundleCli(outfile: string): Promise<void> };
  await bundleCli(bundle);
  process.env[BUNDLE_VARIABLE] = bundle;
  return () => {
    const left = leftBehind([path.basename(folder)]);
    rmSync(folder, { recursive: true, force: true });
    if (left.length === 0) return;
    // An error here is only printed.
    process.exitCode = 1;
    throw new Error(`tests left temporary folders behind: ${left.join(", ")}`);
  };
}
