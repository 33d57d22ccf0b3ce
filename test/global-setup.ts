/** @file Runs once before all test files: bundles the command line, which a dozen of them run in child processes. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Data for tests that want public data sets, where nobody names them: beside the repository. */
const DATA = path.join(import.meta.dirname, "..", "..", "shared", "data");

/** Where {@link Workbench} of test/cli/run.ts finds the bundle. */
export const BUNDLE_VARIABLE = "COARSEGRAD_TEST_CLI";

export default async function setup(): Promise<() => void> {
  if (process.env.COARSEGRAD_DATA === undefined && existsSync(DATA)) process.env.COARSEGRAD_DATA = DATA;
  const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-bundle-"));
  const bundle = path.join(folder, "coarsegrad.mjs");
  const script = new URL("../scripts/bundle-cli.mjs", import.meta.url).href;
  const { bundleCli } = (await import(script)) as { bundleCli(outfile: string): Promise<void> };
  await bundleCli(bundle);
  process.env[BUNDLE_VARIABLE] = bundle;
  return () => rmSync(folder, { recursive: true, force: true });
}
