/** @file Small runs of sweeps: a plan of twelve, their results, the processes that are at them. */
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { SweepResult } from "../../src/sweep/results.js";
import type { Workbench } from "../cli/run.js";

/** What `sweep --json` prints. */
export interface SweepAnswer {
  readonly out: string;
  readonly results: readonly SweepResult[];
  readonly groups: readonly { group: string; seeds: number[]; top1: { mean: number; deviation: number } }[];
  readonly report: string | null;
}

/** Twelve quantized runs on generated digits: two ρ, two rates, three seeds. */
export const TWELVE = {
  settings: { model: "mlp", data: "digits", limit: 160, testLimit: 50, epochs: 4, batch: 32, bits: "1W4A" },
  runs: { blending: { grid: { rho: [0, 1e-5], lr: [0.01, 0.005] }, seeds: [1, 2, 3] } },
};

/** Writes a plan. @returns its name */
export function plan(bench: Workbench, name: string, content: unknown): string {
  writeFileSync(bench.file(name), JSON.stringify(content));
  return name;
}

/** Lines of `sweep-results.jsonl`. */
export function resultsIn(folder: string): SweepResult[] {
  const text = readFileSync(path.join(folder, "sweep-results.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The weights of each run by its name. */
export function weights(results: readonly SweepResult[]): Record<string, string | undefined> {
  return Object.fromEntries(results.map(({ name, summary }) => [name, summary?.weightsSha256]));
}

/** Processes that write a run in a sweep's folder, by the run's folder. */
export function writers(folder: string): Map<string, number> {
  const jobs = path.join(folder, "jobs");
  const found = new Map<string, number>();
  for (const name of existsSync(jobs) ? readdirSync(jobs) : []) {
    try {
      found.set(name, JSON.parse(readFileSync(path.join(jobs, name, "run.lock"), "utf8")).pid);
    } catch {
      // Nobody is at it, or its lock is half written.
    }
  }
  return found;
}

/** Epochs of a run that are on the disk. */
export function epochsIn(folder: string): number {
  const [metrics, checkpoint] = ["metrics.jsonl", "checkpoint.safetensors"].map((name) => path.join(folder, name));
  return existsSync(checkpoint) && existsSync(metrics) ? readFileSync(metrics, "utf8").trim().split("\n").length : 0;
}

/** Whether a process is gone; one that nobody has waited for yet is. */
export function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  try {
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** Waits until something holds. @throws Error that says what did not */
export async function until(what: string, holds: () => boolean, seconds = 60): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; !holds(); ) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits for the end of a process. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("close", () => resolve());
  });
}
