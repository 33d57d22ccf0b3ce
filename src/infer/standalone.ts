/**
 * @file What a self-contained module runs (see coarsegrad/export's `toModule`): a model given as text, loaded when it
 * is first asked.
 */
import { largestAt } from "../codes/ranking.js";
import { sizeOf } from "../core/shape.js";
import { NODES } from "../format/nodes/index.js";
import { createSession } from "./create-session.js";
import type { SessionInput } from "./input.js";
import { STEPS } from "./nodes/index.js";
import type { Session } from "./session.js";

/** What the model says of one image. */
export interface Prediction {
  /** Index of the largest output; the first of equals. */
  readonly index: number;
  /** Name of the class, or its index as text if the model names none. */
  readonly label: string;
  /** All outputs. */
  readonly logits: Float32Array;
}

/** A model that loads itself. */
export interface Standalone {
  /** One image: an `ImageData` of the model's size, or its values. */
  predict(image: SessionInput): Prediction;
  /** Outputs for any number of images, one after the other. */
  run(images: SessionInput): Float32Array;
  /** The session behind both. */
  session(): Session;
}

/** Adds kinds of nodes: those of src/infer/rare.ts, for a model that holds some. */
export function admit(addKinds: (nodes: object, steps: object) => void): void {
  addKinds(NODES, STEPS);
}

/** Opens a packed model from base64. Nothing is decoded before the first call. */
export function standalone(base64: string): Standalone {
  let opened: Session | null = null;
  const session = (): Session => {
    opened ??= createSession(
      Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)),
      { file: "embedded model" },
    );
    return opened;
  };
  return {
    session,
    run: (images) => session().run(images),
    predict(image) {
      const { outputShape, classes } = session();
      const logits = session().run(image).subarray(0, sizeOf(outputShape));
      const index = largestAt(logits);
      return { index, label: classes?.[index] ?? `${index}`, logits };
    },
  };
}
