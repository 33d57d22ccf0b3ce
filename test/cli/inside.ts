/** @file The command line in this process, of the sources: as a child process would run it, without starting one. */
import { run } from "../../src/cli/run.js";
import { init } from "../../src/kernels/index.js";
import type { Outcome } from "./run.js";

/** Commands of one process run one after the other: working folder, environment and engine are the process's. */
let before: Promise<unknown> = Promise.resolve();

/** Where a command runs, and what it is started as. */
export interface Place {
  /** Its working folder and its home. */
  readonly folder: string;
  /** The script that it would be in a process of its own. */
  readonly script: string;
}

/**
 * Runs a command in this process. It has the working folder, the home, the arguments and an engine of its own, as a
 * child has, and no variable of ours; afterwards all is as before, with the default engine. No array may be alive,
 * before or after.
 */
export function runInside(place: Place, args: readonly string[]): Promise<Outcome> {
  const mine = before.then(() => runNow(place, args));
  before = mine.catch(() => undefined);
  return mine;
}

async function runNow({ folder, script }: Place, args: readonly string[]): Promise<Outcome> {
  const { argv, exitCode, env } = process;
  const cwd = process.cwd();
  const own = Object.keys(env).filter((name) => name.startsWith("COARSEGRAD_"));
  const variables = new Map([...own, "HOME", "TERM"].map((name) => [name, env[name]]));
  for (const name of own) delete env[name];
  // A dumb terminal: progress as lines, as in a child's pipe.
  // One rank: there is no file that workers could run.
  Object.assign(env, { HOME: folder, TERM: "dumb", COARSEGRAD_RANKS: "1" });
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write, text: "" }));
  for (const taken of streams) {
    taken.stream.write = ((text: string | Uint8Array) => {
      taken.text += typeof text === "string" ? text : Buffer.from(text).toString("utf8");
      return true;
    }) as typeof taken.write;
  }
  // A browser's, which onnxruntime-web brings along, is none of Node's.
  const { Worker } = globalThis;
  Reflect.deleteProperty(globalThis, "Worker");
  process.argv = [process.execPath, script, ...args];
  process.exitCode = undefined;
  process.chdir(folder);
  init();
  try {
    const code = await run(args);
    return { code, stdout: streams[0].text, stderr: streams[1].text };
  } finally {
    for (const { stream, write } of streams) stream.write = write;
    process.chdir(cwd);
    process.exitCode = exitCode;
    process.argv = argv;
    delete env.COARSEGRAD_RANKS;
    for (const [name, value] of variables) {
      if (value === undefined) delete env[name];
      else env[name] = value;
    }
    if (Worker !== undefined) globalThis.Worker = Worker;
    init();
  }
}
