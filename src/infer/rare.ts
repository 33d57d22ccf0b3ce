/**
 * @file Rare kinds of nodes: how files say them and how they run. `loadKinds` imports this module late; what packs and
 * verifies has it from the start. Both give it the tables, so that it needs nothing that a page has loaded before it.
 */
import { RARE_NODES } from "../format/nodes/rare/index.js";
import { RARE_STEPS } from "./nodes/rare/index.js";

/** Adds the rare kinds to the tables of all kinds. */
export function addRareKinds(nodes: object, steps: object): void {
  Object.assign(nodes, RARE_NODES);
  Object.assign(steps, RARE_STEPS);
}
