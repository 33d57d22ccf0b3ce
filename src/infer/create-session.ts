/** @file Loading a packed model. */
import { checkOptions, flag, integer, record, text } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { type PackedModel, workOf } from "../format/model.js";
import { openPacked } from "../format/read.js";
import { provideRuntime } from "./init.js";
import { PackedSession, WARM_UPS } from "./packed-session.js";
import type { Session, SessionOptions } from "./session.js";

/**
 * Loads a packed model.
 *
 * @param model the file's bytes, or the object that `readPacked` made of them; not kept: edits of either change nothing
 * @returns a session, to be disposed of by the caller
 * @throws FormatError if the bytes are not a packed model, or hold rare kinds of nodes that are not loaded
 * (`openSession` loads them); ArgumentError on another object, on a bad option or work beyond its limit; MemoryError
 * beyond that of memory. Nothing is kept then
 * @example
 * using session = createSession(bytes);
 * const logits = session.run(pixels); // Uint8Array of N·H·W·C
 */
export function createSession(
  model: Uint8Array | ArrayBufferLike | PackedModel,
  options: SessionOptions = {},
): Session {
  checkOptions("createSession", options, {
    maxBatch: integer(1),
    warmUp: WARM_UPS,
    fuse: flag,
    file: text,
    limits: record,
  });
  const { maxBatch, warmUp = 0, fuse = true, file, limits = {} } = options;
  checkOptions("createSession", limits, { memory: integer(1, 2 ** 32), work: integer(1) });
  const opened = openPacked("createSession", model, file);
  const { memory = 2 ** 31, work = 2 ** 40 } = limits;
  const asked = opened.plan.nodes.reduce((sum, node) => sum + workOf(node, opened.values), 0);
  if (asked > work) {
    throw new ArgumentError({
      op: file ?? "createSession",
      what: "work for one image is beyond the limit",
      expected: `at most ${work} multiply-accumulates`,
      got: `${asked}`,
      hint: "raise limits.work of createSession",
    });
  }
  provideRuntime();
  const session = new PackedSession(opened, maxBatch, fuse, memory);
  try {
    session.warmUp(warmUp);
    return session;
  } catch (error) {
    session.dispose();
    throw error;
  }
}
