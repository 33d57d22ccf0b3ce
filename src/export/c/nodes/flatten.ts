/** @file `flatten` in C: the elements as they lie. */
import type { PlanFlatten } from "../../../format/nodes/flatten.js";
import { type CLowering, SAME } from "../lowering.js";

export const flatten: CLowering<PlanFlatten> = () => SAME;
