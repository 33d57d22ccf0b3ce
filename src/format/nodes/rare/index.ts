/**
 * @file Kinds of nodes that few models hold. The packed runtime loads them when a model has one, with
 * src/infer/rare.ts; what packs, verifies and exports has them from the start.
 */
import { activation } from "./activation.js";
import { convTranspose } from "./conv-transpose.js";
import { layerNorm } from "./layer-norm.js";
import { multiply } from "./multiply.js";
import { resize } from "./resize.js";

/** What the format knows of each rare kind. */
export const RARE_NODES = { activation, convTranspose, layerNorm, multiply, resize };
