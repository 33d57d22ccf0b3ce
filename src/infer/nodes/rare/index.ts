/** @file The step of every rare kind of node: loaded when a model holds one. */
import type { NodeOf, RareKind } from "../../../format/nodes/index.js";
import type { StepMaker } from "../../step.js";
import { activation } from "./activation.js";

/** Steps by kind: a kind without one does not compile. */
export const RARE_STEPS: { readonly [K in RareKind]: StepMaker<NodeOf<K>> } = { activation };
