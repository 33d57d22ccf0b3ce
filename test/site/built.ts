/** @file The site as `npm run site` builds it, once for all tests that look at it. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { root, run } from "../../scripts/run.mjs";

/** Where the site is. */
export const SITE = path.join(root, "build", "site");
const LOCK = `${SITE}.lock`;
/** What the site is made of; a build that is older than any of it is made anew. */
const SOURCES = ["site", "docs", "examples", "src", "FEATURES.md", "CHANGELOG.md", "README.md", "scripts/site.mjs"];

function newest(file: string): number {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || path.basename(file) === "node_modules") return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(file).map((name) => newest(path.join(file, name))));
}

function isStale(): boolean {
  const built = path.join(SITE, "..", "site-reference.json");
  if (!existsSync(built)) return true;
  return SOURCES.some((name) => newest(path.join(root, name)) > statSync(built).mtimeMs);
}

/**
 * Builds the site unless it is there and younger than its sources. Test files that ask at the same time wait for one.
 *
 * @throws Error if it cannot be built
 */
export async function buildSite(): Promise<void> {
  for (;;) {
    try {
      mkdirSync(LOCK, { recursive: false });
      break;
    } catch {
      // Who was killed leaves its lock.
      const age = Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > 280_000) rmSync(LOCK, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  try {
    if (!isStale()) return;
    const code = await run(process.execPath, [path.join(root, "scripts", "site.mjs")], { stdio: "ignore" });
    // 1 also means that something lacks its docstring: the test of the reference says what.
    if (code !== 0 && isStale()) throw new Error("npm run site failed");
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}
