/** @file Runs after `npm ci`: builds the package and puts its own command where `npx coarsegrad` looks. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { buildIsStale, root, runScript } from "./run.mjs";

if (buildIsStale()) process.exitCode = await runScript("build.mjs");

// npm links the commands of dependencies, not the project's own.
const bin = path.join(root, "node_modules", ".bin");
const link = path.join(bin, "coarsegrad");
mkdirSync(bin, { recursive: true });
rmSync(link, { force: true });
if (process.platform === "win32") {
  writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\dist\\cli\\main.js" %*\r\n');
} else {
  symlinkSync(path.join("..", "..", "dist", "cli", "main.js"), link);
}
