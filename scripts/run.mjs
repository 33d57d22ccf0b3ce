/** @file Helpers of the scripts: the root, running a command, and knowing whether dist is older than its sources. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Where `scripts/install-nodes.mjs` puts another Node. */
const nodeIn = (name) =>
  path.join(root, "build", name, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
export const node22 = nodeIn("node22");
export const node24 = nodeIn("node24");

/** Where `scripts/install-frameworks.mjs` puts what the tests of frameworks run: Next.js, React, Jest. */
export const frameworks = path.join(root, "build", "frameworks");

/** Development dependencies whose commands are run, by command. */
const TOOLS = {
  attw: "@arethetypeswrong/cli",
  biome: "@biomejs/biome",
  publint: "publint",
  tsc: "typescript",
  vitest: "vitest",
};

/**
 * The JavaScript file behind a package's command. Node runs it everywhere; the links in node_modules/.bin are shell
 * scripts on Windows, which nothing can start but a shell.
 *
 * @param {string} folder the package's
 * @param {string} command
 * @returns {string}
 */
export function commandFile(folder, command) {
  const { bin } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  return path.join(folder, typeof bin === "string" ? bin : bin[command]);
}

/** The JavaScript file of a development dependency's command. */
export const tool = (name) => commandFile(path.join(root, "node_modules", ...TOOLS[name].split("/")), name);

/** Runs a development dependency's command. */
export const runTool = (name, args, options) => run(process.execPath, [tool(name), ...args], options);

/**
 * npm's JavaScript file: what started this process, or what stands beside this Node, or what the path leads to.
 *
 * @returns {string}
 * @throws Error if there is none
 */
export function npm() {
  const { npm_execpath: starter = "", PATH = "" } = process.env;
  const inside = path.join("node_modules", "npm", "bin", "npm-cli.js");
  const here = path.dirname(process.execPath);
  const linked = PATH.split(path.delimiter)
    .map((folder) => path.join(folder, "npm"))
    .filter((file) => existsSync(file))
    .map((file) => realpathSync(file));
  const found = [starter, path.join(here, inside), path.join(here, "..", "lib", inside), ...linked].find(
    (file) => path.basename(file) === "npm-cli.js" && existsSync(file),
  );
  if (found === undefined) throw new Error("npm is missing: it comes with Node");
  return found;
}

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
