/** @file Helpers of the scripts: the root, running a command, and knowing whether dist is older than its sources. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Where `scripts/install-node24.mjs` puts Node 24. */
export const node24 = path.join(root, "build", "node24", "node_modules", "node24", "bin", "node");

/** The command of a development dependency, as a path. */
export const tool = (name) => path.join(root, "node_modules", ".bin", name);

/**
 * Runs a command in the project's root with this process's terminal.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<number>} its exit code; 1 if a signal ended it or it could not start
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** Runs one of the scripts of this folder. */
export const runScript = (name, args = []) => run(process.execPath, [path.join(root, "scripts", name), ...args]);

function newest(file) {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(file).map((name) => newest(path.join(file, name))));
}

const SOURCES = ["src", "assembly", "scripts", "package.json", "asconfig.json", "tsconfig.json", "tsconfig.build.json"];

/** True if there is no build, or a source is newer than it. */
export function buildIsStale() {
  const built = path.join(root, "dist", "cli", "main.js");
  if (!existsSync(built)) return true;
  const time = statSync(built).mtimeMs;
  return SOURCES.some((name) => newest(path.join(root, name)) > time);
}
