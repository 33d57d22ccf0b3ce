/** @file The command line in an empty folder: bundled, in child processes, as users run it, or in this process. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { BUNDLE_VARIABLE } from "../global-setup.js";
import { runInside } from "./inside.js";

/** What a command did. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A bundle of the command line and an empty folder to run it in. */
export class Workbench {
  readonly folder: string;
  readonly #bundle: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#bundle = path.join(folder, "bin", "coarsegrad.mjs");
  }

  /** Takes the bundle that was made of the sources for the whole run, as the build makes it. */
  static async open(): Promise<Workbench> {
    const bench = new Workbench(mkdtempSync(path.join(tmpdir(), "coarsegrad-cli-")));
    const bundle = process.env[BUNDLE_VARIABLE];
    if (bundle === undefined) throw new Error("no bundle of the command line: test/global-setup.ts did not run");
    cpSync(path.dirname(bundle), path.dirname(bench.#bundle), { recursive: true });
    return bench;
  }

  /** Path of a file in the folder. */
  file(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** Starts a command; its home is the folder, so that it finds no data sets. */
  start(...args: string[]) {
    const env = { PATH: process.env.PATH, HOME: this.folder, NODE_OPTIONS: "" };
    return spawn(process.execPath, [this.#bundle, ...args], {
      cwd: this.folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /**
   * Runs a command to its end, in this process. Use {@link child} for what needs a process: signals, streams, workers,
   * ends.
   */
  run(...args: string[]): Promise<Outcome> {
    return runInside({ folder: this.folder, script: this.#bundle }, args);
  }

  /** Runs a command to its end in a process of its own. */
  child(...args: string[]): Promise<Outcome> {
    return outcomeOf(this.start(...args));
  }

  /** As {@link child}, with bytes on its standard input. */
  fed(bytes: Uint8Array, ...args: string[]): Promise<Outcome> {
    const env = { PATH: process.env.PATH, HOME: this.folder, NODE_OPTIONS: "" };
    const child = spawn(process.execPath, [this.#bundle, ...args], { cwd: this.folder, env });
    child.stdin.end(bytes);
    return outcomeOf(child);
  }

  /** Runs a command that has to succeed, in this process, with --json. @returns what it printed */
  async json<T>(...args: string[]): Promise<T> {
    return resultOf(args, await this.run(...args, "--json"));
  }

  /** As {@link json}, in a process of its own. */
  async childJson<T>(...args: string[]): Promise<T> {
    return resultOf(args, await this.child(...args, "--json"));
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function resultOf<T>(args: readonly string[], { code, stdout, stderr }: Outcome): T {
  if (code !== 0) throw new Error(`coarsegrad ${args.join(" ")}: code ${code}\n${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Waits for the end of a command. */
export function outcomeOf(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Waits until a file is there. @throws Error after half a minute */
export async function appears(file: string): Promise<void> {
  for (let waited = 0; !existsSync(file); waited += 20) {
    if (waited > 30_000) throw new Error(`${file} did not appear`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
