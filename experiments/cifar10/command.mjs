/** @file One command of `coarsegrad` in a process of its own, working in the study's folder. */
import { fork } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
/** The command line that `npm run build` makes. */
export const built = path.join(root, "dist", "cli", "main.js");

/** A command that was stopped on purpose. */
export class StoppedError extends Error {}

/**
 * @param {string} main the command line
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, signal: AbortSignal, onProgress?: (progress: { label: string, done:
 * number, total: number, details: string }) => void }} options
 * @returns {Promise<any>} what it printed with --json
 */
export function coarsegrad(main, args, { cwd, env, signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const child = fork(main, [...args, "--json"], {
      cwd,
      // Progress comes as messages, and the child ends with this process, however that ends.
      env: { ...env, COARSEGRAD_PROGRESS: "ipc" },
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    });
    let [out, err] = ["", ""];
    const stop = () => child.kill("SIGINT");
    child.stdout.setEncoding("utf8").on("data", (text) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      err += text;
    });
    child.on("message", (message) => onProgress?.(message.progress));
    child.on("error", reject);
    child.on("close", (code, killed) => {
      signal.removeEventListener("abort", stop);
      if (code === 0) resolve(JSON.parse(out));
      else if (signal.aborted) reject(new StoppedError("stopped"));
      else reject(new Error(err.trim().split("\n").at(-1) || `ended by ${killed ?? `code ${code}`}`));
    });
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}
