/**
 * @file Ctrl-C and its like: the first asks the work to stop at the next safe point, the second ends the process at
 * once.
 */
import { exitCodeOf, InterruptedError, type StopSignal } from "./failure.js";
import type { Terminal } from "./terminal.js";

/** From the keyboard, from a process manager, and from a terminal that closes. */
const SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs `work` with an abort signal that the first SIGINT, SIGTERM or SIGHUP aborts; the reason is an InterruptedError.
 * A second one exits without waiting. The exit code is 128 and the signal's number.
 *
 * @param what told to the user when the first signal comes, such as "stopping after this step"
 */
export async function interruptible<T>(
  terminal: Terminal,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    const signal = name as StopSignal;
    if (controller.signal.aborted) process.exit(exitCodeOf(signal));
    terminal.note(`\n${what}; once more to quit at once`);
    controller.abort(new InterruptedError({ op: signal, what: "interrupted" }, signal));
  };
  for (const name of SIGNALS) process.on(name, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}

/** Which signal stopped the work. */
export function signalOf({ reason }: AbortSignal): StopSignal {
  return reason instanceof InterruptedError ? reason.signal : "SIGINT";
}
