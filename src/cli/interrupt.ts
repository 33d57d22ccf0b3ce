/** @file Ctrl-C: the first asks the work to stop at the next safe point, the second ends the process at once. */
import { EXIT } from "./failure.js";
import type { Terminal } from "./terminal.js";

/**
 * Runs `work` with a signal that the first SIGINT or SIGTERM aborts. A second one exits with code 130 without waiting.
 *
 * @param what told to the user when the first signal comes, such as "stopping after this step"
 */
export async function interruptible<T>(
  terminal: Terminal,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    terminal.note(`\n${what}; once more to quit at once`);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
