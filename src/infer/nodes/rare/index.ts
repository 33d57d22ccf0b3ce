/** @file The step of every rare kind of node: loaded when a model holds one. */
import type { NodeOf, RareKind } from "../../../format/nodes/index.js";
import type { StepMaker } from "../../step.js";
import { activation } from "./activation.js";
import { convTranspose } from "./conv-transpose.js";
import { layerNorm } from "./layer-norm.js";
import { multiply } from "./multiply.js";
import { resize } from "./resize.js";

/** Steps by kind: a kind without one does not compile. */
export const RARE_STEPS: { readonly [K in RareKind]: StepMaker<NodeOf<K>> } = {
  activation,
  convTranspose,
  layerNorm,
  multiply,
  resize,
};
