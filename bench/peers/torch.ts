/** @file PyTorch in a process of its own, which torch.py serves: it works only while we wait. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Contender } from "./alternate.js";
import { here } from "./libraries.js";

/** The program to run Python with. */
export const python = process.env["PYTHON"] ?? "python3";
/** The script that has the works in PyTorch. */
export const torchScript = path.join(here, "torch_steps.py");

/** A running torch.py. */
export interface Torch {
  readonly version: string;
  contender(work: string): Contender;
  close(): void;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Starts PyTorch with one thread. @returns null if this Python has none */
export async function startTorch(): Promise<Torch | null> {
  const child: Child = spawn(python, [torchScript, "--serve"], { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout });
  const waiting: ((line: string | null) => void)[] = [];
  const said: string[] = [];
  lines.on("line", (line) => {
    const next = waiting.shift();
    if (next === undefined) said.push(line);
    else next(line);
  });
  const over = (): void => {
    for (const next of waiting.splice(0)) next(null);
  };
  child.on("error", over);
  child.on("close", over);
  const answer = (): Promise<string | null> =>
    new Promise((resolve) => {
      const line = said.shift();
      if (line !== undefined) resolve(line);
      else if (child.exitCode !== null) resolve(null);
      else waiting.push(resolve);
    });
  const hello = await answer();
  if (hello === null) return null;
  return {
    version: (JSON.parse(hello) as { version: string }).version,
    contender: (work) => ({
      name: "PyTorch",
      async sample(calls) {
        child.stdin.write(`${JSON.stringify({ work, calls })}\n`);
        const line = await answer();
        if (line === null) throw new Error("PyTorch's process ended");
        const { ms, error } = JSON.parse(line) as { ms: number; error?: string };
        if (error !== undefined) throw new Error(`PyTorch: ${error}`);
        return ms;
      },
    }),
    close: () => child.stdin.end(),
  };
}
