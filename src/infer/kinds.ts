/** @file Every kind of node at once, for those who have them from the start: packing, verification, the command line. */
import { NODES } from "../format/nodes/index.js";
import { STEPS } from "./nodes/index.js";
import { addRareKinds } from "./rare.js";

/** From now on all kinds of nodes are read and run. */
export function provideKinds(): void {
  addRareKinds(NODES, STEPS);
}
