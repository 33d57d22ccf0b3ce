/** @file `flatten`: the elements as they lie. */
import type { PlanFlatten } from "../../format/nodes/flatten.js";
import { ALIAS, type StepMaker } from "../step.js";

export const flatten: StepMaker<PlanFlatten> = () => ALIAS;
