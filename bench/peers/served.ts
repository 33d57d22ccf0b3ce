/**
 * @file A process of its own that does works when it is told to: one request a line, one answer a line. PyTorch, and
 * ourselves on several threads.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Contender } from "./alternate.js";

/** A running process. It works only while we wait. */
export interface Served {
  readonly version: string;
  contender(work: string): Contender;
  close(): void;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Starts a program that says `{"version"}` first, then answers `{"work","calls"}` with `{"ms"}`.
 * @returns null if it does not come up
 */
export async function startServed(name: string, command: string, args: readonly string[]): Promise<Served | null> {
  const child: Child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"] });
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
      name,
      async sample(calls) {
        child.stdin.write(`${JSON.stringify({ work, calls })}\n`);
        const line = await answer();
        if (line === null) throw new Error(`${name}'s process ended`);
        const { ms, error } = JSON.parse(line) as { ms: number; error?: string };
        if (error !== undefined) throw new Error(`${name}: ${error}`);
        return ms;
      },
    }),
    close: () => child.stdin.end(),
  };
}
