/**
 * @file All kinds of nodes by name. Rooms that treat each kind in a way of its own have a record with the same keys: a
 * forgotten one does not compile.
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
import { relu } from "./relu.js";
import { slice } from "./slice.js";
import { staircase } from "./staircase.js";

/** What the format knows of each kind. */
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

/** Name of a kind; a node has it as `op`. */
export type NodeKind = keyof typeof NODES;
/** One step of a plan. */
export type PlanNode = { [K in NodeKind]: (typeof NODES)[K] extends Kind<infer Node> ? Node : never }[NodeKind];
/** A node of one kind. */
export type NodeOf<K extends NodeKind> = Extract<PlanNode, { readonly op: K }>;

/** What the format knows of a node's kind. */
export function kindOf(node: AnyNode): Kind<AnyNode> {
  return NODES[node.op as NodeKind] as unknown as Kind<AnyNode>;
}

/** Ids of the values that a node reads. */
export function inputsOf(node: AnyNode): readonly string[] {
  return "inputs" in node ? node.inputs : [node.input];
}
