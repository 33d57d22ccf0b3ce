/** @file Another command of ours in a process of its own: its progress, its result, its failure. */
import { fork } from "node:child_process";
import { CoarsegradError } from "../../core/errors.js";
import { EXIT, InterruptedError } from "./failure.js";
import { signalOf } from "./interrupt.js";
import type { Progress, ProgressBoard, ProgressMessage } from "./progress.js";

/** A command that ran in a child process and failed; its message is the child's. */
export class ChildError extends CoarsegradError {}

/** How a child runs, and whom it tells. */
export interface ChildOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ProgressMessage["progress"]) => void;
  /** Its working folder. */
  readonly cwd?: string;
  /** Variables besides those of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The same with its progress on a board, a bar for each label. */
export function runChild<Result>(args: readonly string[], board: ProgressBoard, signal: AbortSignal): Promise<Result> {
  const bars = new Map<string, Progress>();
  return childResult<Result>(args, {
    signal,
    onProgress({ label, done, total, details }) {
      const bar = bars.get(label) ?? board.add(label, total);
      bars.set(label, bar);
      bar.update(done, details);
    },
  }).finally(() => {
    for (const bar of bars.values()) bar.stop();
  });
}

/**
 * Runs `coarsegrad …args --json` in a child process, which ends with this one however that ends.
 *
 * @param options its signal asks the child to stop as Ctrl-C does
 * @returns what the command printed
 * @throws ChildError with the child's message; InterruptedError if it was stopped
 */
export function childResult<Result>(
  args: readonly string[],
  { signal, onProgress, cwd, env }: ChildOptions,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(process.argv[1], [...args, "--json"], {
      cwd,
      env: { ...process.env, ...env, COARSEGRAD_PROGRESS: "ipc" },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // A process group of its own: the terminal's Ctrl-C reaches the parent alone, which passes it on once.
      detached: true,
    });
    const output = { out: "", err: "" };
    const stop = (): void => {
      child.kill("SIGINT");
    };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output.out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output.err += text;
    });
    child.on("message", (message) => onProgress((message as ProgressMessage).progress));
    child.on("error", reject);
    child.on("close", (code, killed) => {
      signal.removeEventListener("abort", stop);
      if (code === EXIT.ok) resolve(JSON.parse(output.out) as Result);
      else if (code === EXIT.interrupted || signal.aborted) {
        reject(new InterruptedError({ op: args[0], what: "interrupted" }, signalOf(signal)));
      } else {
        const line =
          output.err
            .trim()
            .split("\n")
            .findLast((text) => text.startsWith("coarsegrad: ")) ?? output.err;
        const what = line.replace(/^coarsegrad: /, "").trim() || `ended by ${killed ?? `code ${code}`}`;
        reject(new ChildError({ op: args[0], what }));
      }
    });
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** In a child: ends with its parent, and lets go of the channel when the command is done. */
export function followParent(): () => void {
  if (process.env["COARSEGRAD_PROGRESS"] !== "ipc" || process.send === undefined) return () => undefined;
  const end = (): never => process.exit(EXIT.failure);
  process.on("disconnect", end);
  return () => {
    process.off("disconnect", end);
    process.disconnect?.();
  };
}
