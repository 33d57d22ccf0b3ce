/**
 * @file Puts Next.js, React and Jest into build/frameworks, in the versions of test/frameworks/package-lock.json, for
 * the tests of that folder, which skip by name without them. Too big for dependencies.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { frameworks, npm, root, run } from "./run.mjs";

const wanted = path.join(root, "test", "frameworks");
const lock = "package-lock.json";

const isThere =
  existsSync(path.join(frameworks, "node_modules", ".package-lock.json")) &&
  readFileSync(path.join(frameworks, lock), "utf8") === readFileSync(path.join(wanted, lock), "utf8");
if (!isThere) {
  mkdirSync(frameworks, { recursive: true });
  for (const name of ["package.json", lock]) copyFileSync(path.join(wanted, name), path.join(frameworks, name));
  const options = ["--ignore-scripts", "--no-audit", "--no-fund"];
  process.exitCode = await run(process.execPath, [npm(), "ci", ...options], { cwd: frameworks });
}
