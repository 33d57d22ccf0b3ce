/**
 * @file `npm run check`: types, format and lint, generated files, architecture. Under a minute; every step runs even if
 * one fails.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runScript, runTool } from "./run.mjs";

/** The steps, each giving an exit code. */
const STEPS = {
  types: () => runTool("tsc", ["-p", "tsconfig.json"]),
  "declarations, without Node's types": () => runTool("tsc", ["-p", "tsconfig.browser.json"]),
  "types of the playground": () => runTool("tsc", ["-p", path.join("site", "playground", "tsconfig.json")]),
  "format and lint": () => runTool("biome", ["check"]),
  "generated files": async () =>
    (await runScript("build-wasm.mjs", ["--check"])) + (await runScript("build-module.mjs", ["--check"])),
  architecture: () => runTool("vitest", ["run", "test/architecture.test.ts", "--reporter=dot"]),
};

/**
 * Runs the steps and reports each.
 *
 * @param {readonly string[]} [skip] names of steps to leave out
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function check(skip = []) {
  const counts = { passed: 0, failed: 0 };
  for (const [name, step] of Object.entries(STEPS)) {
    if (skip.includes(name)) continue;
    const start = performance.now();
    const good = (await step()) === 0;
    counts[good ? "passed" : "failed"]++;
    console.log(`check: ${name}: ${good ? "ok" : "FAILED"} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  }
  return counts;
}

if (path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { failed } = await check();
  process.exitCode = failed === 0 ? 0 : 1;
}
