/**
 * @file All kinds of nodes by name. Rooms that treat each kind in a way of its own have a record with the same keys: a
 * forgotten one does not compile. Rare kinds are in a list of their own, ./rare/index.ts, which is added when a model
 * holds one.
 */
import { add } from "./add.js";
import { affine } from "./affine.js";
import { avgPool } from "./avg-pool.js";
import { channel } from "./channel.js";
import { concat } from "./concat.js";
import { conv } from "./conv.js";
import { dequantize } from "./dequantize.js";
import { flatten } from "./flatten.js";
import { floatConv } from "./float-conv.js";
import { floatLinear } from "./float-linear.js";
import type { AnyNode, Kind } from "./kind.js";
import { linear } from "./linear.js";
import { maxPool } from "./max-pool.js";
import { pad } from "./pad.js";
import { padChannels } from "./pad-channels.js";
import type { RARE_NODES } from "./rare/index.js";
import { relu } from "./relu.js";
import { slice } from "./slice.js";
import { staircase } from "./staircase.js";

/** What the format knows of each kind: the common ones, and the rare ones once they are loaded. */
export const NODES = {
  conv,
  linear,
  maxPool,
  avgPool,
  floatConv,
  floatLinear,
  staircase,
  add,
  channel,
  padChannels,
  pad,
  concat,
  slice,
  flatten,
  dequantize,
  affine,
  relu,
};

/** Name of a kind that is always there. */
export type CommonKind = keyof typeof NODES;
/** Name of a kind that is loaded when a model holds it. */
export type RareKind = keyof typeof RARE_NODES;
type Kinds = typeof NODES & typeof RARE_NODES;
/** Name of a kind; a node has it as `op`. */
export type NodeKind = keyof Kinds;
/** One step of a plan. */
export type PlanNode = { [K in NodeKind]: Kinds[K] extends Kind<infer Node> ? Node : never }[NodeKind];
/** A node of one kind. */
export type NodeOf<K extends NodeKind> = Extract<PlanNode, { readonly op: K }>;

/** What the format knows of a node's kind. */
export function kindOf(node: AnyNode): Kind<AnyNode> {
  return NODES[node.op as CommonKind] as unknown as Kind<AnyNode>;
}

/** Ids of the values that a node reads. */
export function inputsOf(node: AnyNode): readonly string[] {
  return "inputs" in node ? node.inputs : [node.input];
}
