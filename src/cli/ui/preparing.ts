/** @file The progress of decoding a data set's pictures, which happens once. */
import type { PrepareOptions } from "../../node/tiny-imagenet/open.js";
import { interruptible } from "./interrupt.js";
import { type Progress, startProgress } from "./progress.js";
import type { Terminal } from "./terminal.js";

/** Work that may have to decode pictures first: shows how far that is, and ends it when it is interrupted. */
export async function preparing<T>(
  terminal: Terminal,
  work: (options: Pick<PrepareOptions, "onPrepare" | "signal">) => Promise<T>,
): Promise<T> {
  let bar: Progress | undefined;
  const onPrepare: PrepareOptions["onPrepare"] = ({ done, total }) => {
    bar ??= startProgress(terminal, "decode pictures", total);
    bar.update(done);
  };
  try {
    return await interruptible(terminal, "stopping", (signal) => work({ onPrepare, signal }));
  } finally {
    bar?.stop();
  }
}
