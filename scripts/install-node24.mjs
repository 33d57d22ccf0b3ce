/**
 * @file Puts Node 24 into build/node24 for the determinism test, which skips by name without it. Too big for a
 * dependency.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { node24, npm, root, run } from "./run.mjs";

const VERSION = "24.21.0";

if (!existsSync(node24)) {
  const prefix = path.join(root, "build", "node24");
  const platform = process.platform === "win32" ? "win" : process.platform;
  const spec = `node24@npm:node-${platform}-${process.arch}@${VERSION}`;
  process.exitCode = await run(process.execPath, [
    npm(),
    "install",
    "--prefix",
    prefix,
    "--no-save",
    "--ignore-scripts",
    spec,
  ]);
}
