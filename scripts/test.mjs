/**
 * @file `npm test`: build, check, then every test; the last line says `N passed, N failed`, and the skipped if there
 * are any.
 */
import { randomInt } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { check } from "./check.mjs";
import { buildIsStale, root, runScript, runTool } from "./run.mjs";

const results = path.join(root, "build", "test-results.json");
const total = { passed: 0, failed: 0, skipped: 0 };

function add({ passed = 0, failed = 0, skipped = 0 }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/**
 * Counts of a vitest run; a file that could not be loaded or set up, or an error outside any test, counts as one
 * failure.
 */
function countsOf(code) {
  let report;
  try {
    report = JSON.parse(readFileSync(results, "utf8"));
  } catch {
    return { failed: 1 };
  }
  const failsItself = (file) =>
    file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed");
  const files = report.testResults.filter(failsItself);
  const failed = report.numFailedTests + files.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const built = buildIsStale() ? await runScript("build.mjs") : 0;
add(built === 0 ? { passed: 1 } : { failed: 1 });
// The architecture test is in the suite.
add(await check(["architecture"]));
// In CI a red run must be red again; elsewhere every run looks at other cases.
const inCI = !["", "false", undefined].includes(process.env.CI);
process.env.COARSEGRAD_SEED ??= String(inCI ? 1808_05240 : randomInt(2 ** 31));
console.log(`property tests: COARSEGRAD_SEED=${process.env.COARSEGRAD_SEED}`);
rmSync(results, { force: true });
mkdirSync(path.dirname(results), { recursive: true });
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
add(countsOf(await runTool("vitest", ["run", ...reporters, ...process.argv.slice(2)])));

console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed === 0 ? 0 : 1;
