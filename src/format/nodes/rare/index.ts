/**
 * @file Kinds of nodes that few models hold. The packed runtime loads them when a model has one, with
 * src/infer/rare.ts; what packs, verifies and exports has them from the start.
 */
import { activation } from "./activation.js";

/** What the format knows of each rare kind. */
export const RARE_NODES = { activation };
