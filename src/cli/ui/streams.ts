/** @file Streams that break: a reader that closes its pipe early, a disk that is full. */
import { EXIT } from "./failure.js";

/** Codes of a reader that is gone: a closed pipe, a terminal that was hung up. */
const READER_GONE = ["EPIPE", "EIO", "ECONNRESET", "ERR_STREAM_DESTROYED"];

/**
 * Watches stdout and stderr. A reader of stdout that closes the pipe (`| head`) ends the command with code 0: its
 * output was cut, no work of it was. Anything else that stdout cannot take is a failure, told on stderr. Progress and
 * notes on stderr are given up where nobody takes them, and the work goes on.
 *
 * @returns the exit code of a command that would end with `code`
 */
export function watchStreams(): (code: number) => number {
  let failed = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (READER_GONE.includes(error.code ?? "")) process.exit(process.exitCode ?? EXIT.ok);
    if (failed) return;
    failed = true;
    process.exitCode = EXIT.failure;
    const reason = error.code === "ENOSPC" ? "no space left on the disk" : error.message;
    process.stderr.write(`coarsegrad: standard output: cannot be written; got ${reason}\n`);
  });
  process.stderr.on("error", () => undefined);
  return (code) => (failed && code === EXIT.ok ? EXIT.failure : code);
}
