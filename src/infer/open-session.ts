/** @file Loading a packed model whatever kinds of nodes it holds: rare ones come with a module of their own. */
import { FormatError } from "../core/errors.js";
import type { PackedModel } from "../format/model.js";
import { NODES } from "../format/nodes/index.js";
import { createSession } from "./create-session.js";
import { STEPS } from "./nodes/index.js";
import type { Session, SessionOptions } from "./session.js";

/**
 * Loads the kinds of nodes that few models hold (activations other than ReLU): `createSession` and `readPacked` take
 * models with them from then on.
 */
export async function loadKinds(): Promise<void> {
  (await import("./rare.js")).addRareKinds(NODES, STEPS);
}

/**
 * Loads a packed model as {@link createSession} does, and before it the kinds of nodes that it needs, where they are
 * not there yet.
 *
 * @throws as createSession
 * @example
 * using session = await openSession(bytes);
 */
export async function openSession(
  model: Uint8Array | ArrayBufferLike | PackedModel,
  options?: SessionOptions,
): Promise<Session> {
  try {
    return createSession(model, options);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    await loadKinds();
    return createSession(model, options);
  }
}
