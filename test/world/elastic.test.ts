/**
 * @file A run that is killed goes on with another number of ranks, from a checkpoint within an epoch, and ends with the
 * bytes of an uninterrupted one.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleCli } from "../../scripts/bundle-cli.mjs";
import { root } from "../../scripts/run.mjs";
import { runs } from "../../src/node/run/process.js";
import { loadCheckpoint } from "../../src/train/index.js";
import { MPI_ENV, MPIS, type Mpi } from "./mpi-tools.js";

let folder = "";
let cli = "";
let whole: Buffer;

const RUN = ["--model", "lenet5", "--data", "digits", "--limit", "480", "--test-limit", "40", "--bits", "1W4A"];
const HOW = [...RUN, "--epochs", "2", "--batch", "32", "--shards", "8", "--checkpoint-every", "3", "--quiet"];

beforeAll(async () => {
  // Below node_modules, where koffi is found.
  mkdirSync(path.join(root, "build"), { recursive: true });
  folder = mkdtempSync(path.join(root, "build", "elastic-"));
  cli = path.join(folder, "coarsegrad.mjs");
  await bundleCli(cli);
  await ended(start([process.execPath, cli, "train", ...HOW, "--ranks", "1", "--out", "whole"]));
  whole = readFileSync(path.join(folder, "whole", "checkpoint.safetensors"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const children = new Set<ChildProcess>();

function start([command, ...args]: readonly string[]): ChildProcess {
  const env = { PATH: process.env.PATH, HOME: folder, NODE_OPTIONS: "", ...MPI_ENV };
  const child = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
  children.add(child);
  child.on("close", () => children.delete(child));
  return child;
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on("close", (code) => resolve(code)));
}

/** Processes whose command line holds some text; where there is no /proc, the children of this one. */
function processes(text: string): number[] {
  if (!existsSync("/proc/self/cmdline")) return [...children].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text);
      } catch {
        return false; // It ended meanwhile.
      }
    })
    .map(Number);
}

/** Kills all processes of a run once its checkpoint has changed `times` times. */
async function killAfter(child: ChildProcess, out: string, times: number): Promise<void> {
  const done = ended(child);
  const file = path.join(folder, out, "checkpoint.safetensors");
  const written = (): number => (existsSync(file) ? statSync(file).mtimeMs : 0);
  let last = written();
  for (let seen = 0; seen < times && child.exitCode === null; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (written() !== last) {
      last = written();
      seen++;
    }
  }
  // The launcher and all ranks, wherever it put them.
  const found = processes(`${cli}\0train`);
  for (const pid of found) process.kill(pid, "SIGKILL");
  while (found.some(runs)) await new Promise((resolve) => setTimeout(resolve, 20));
  await done;
}

const stepOf = (out: string): number =>
  loadCheckpoint(new Uint8Array(readFileSync(path.join(folder, out, "checkpoint.safetensors")))).step;

describe("elastic runs", () => {
  const go = (out: string, ...more: readonly string[]) => ["train", ...more, "--quiet", "--out", out];

  it("4 threads, killed, 3, killed, 2: the bytes of one process", async () => {
    const train = (...args: readonly string[]) => start([process.execPath, cli, ...args]);
    await killAfter(train("train", ...HOW, "--ranks", "4", "--out", "threads"), "threads", 2);
    const first = stepOf("threads");
    await killAfter(train(...go("threads", "--resume", "--checkpoint-every", "2", "--ranks", "3")), "threads", 3);
    expect(stepOf("threads")).toBeGreaterThan(first);
    expect(await ended(train(...go("threads", "--resume", "--ranks", "2")))).toBe(0);
    expect(readFileSync(path.join(folder, "threads", "checkpoint.safetensors")).equals(whole)).toBe(true);
  });

  const make = (mpi: Mpi) => async () => {
    const out = mpi.name.replace(" ", "");
    const mpirun = (size: number, ...args: readonly string[]) =>
      start([mpi.command, ...mpi.options, "-np", `${size}`, process.execPath, cli, ...args, "--distributed", "mpi"]);
    await killAfter(mpirun(4, "train", ...HOW, "--out", out), out, 2);
    await killAfter(mpirun(3, ...go(out, "--resume", "--checkpoint-every", "2")), out, 3);
    expect(await ended(start([process.execPath, cli, ...go(out, "--resume", "--ranks", "2")]))).toBe(0);
    expect(readFileSync(path.join(folder, out, "checkpoint.safetensors")).equals(whole)).toBe(true);
  };
  for (const mpi of MPIS) {
    it.skipIf(mpi.missing)(`4 processes of ${mpi.name}, killed, 3, killed, then 2 threads`, make(mpi));
  }
});
