/** @file The ONNX operators of every kind of node. */
import { inputsOf, type NodeData, type NodeKind, type NodeOf, type PlanNode } from "../../format/index.js";
import type { Emitter, NodeEmitter } from "../emitter.js";
import { activation } from "./activation.js";
import { add } from "./add.js";
import { affine } from "./affine.js";
import { avgPool } from "./avg-pool.js";
import { channel } from "./channel.js";
import { concat } from "./concat.js";
import { conv } from "./conv.js";
import { convTranspose } from "./conv-transpose.js";
import { dequantize } from "./dequantize.js";
import { flatten } from "./flatten.js";
import { floatConv } from "./float-conv.js";
import { floatLinear } from "./float-linear.js";
import { layerNorm } from "./layer-norm.js";
import { linear } from "./linear.js";
import { maxPool } from "./max-pool.js";
import { multiply } from "./multiply.js";
import { pad } from "./pad.js";
import { padChannels } from "./pad-channels.js";
import { relu } from "./relu.js";
import { resize } from "./resize.js";
import { slice } from "./slice.js";
import { staircase } from "./staircase.js";

/** Emitters by kind: a kind without one does not compile. */
export const EMITTERS: { readonly [K in NodeKind]: NodeEmitter<NodeOf<K>> } = {
  activation,
  add,
  affine,
  avgPool,
  channel,
  concat,
  conv,
  convTranspose,
  dequantize,
  flatten,
  floatConv,
  floatLinear,
  layerNorm,
  multiply,
  linear,
  maxPool,
  multiply,
  pad,
  padChannels,
  relu,
  resize,
  slice,
  staircase,
};

/** Adds what stands for a node of the plan. */
export function emitNode(node: PlanNode, data: NodeData, emitter: Emitter): void {
  const emit = EMITTERS[node.op] as NodeEmitter<PlanNode>;
  emitter.set(node.id, ...emit({ node, data, emitter, x: emitter.value(inputsOf(node)[0]) }));
}
