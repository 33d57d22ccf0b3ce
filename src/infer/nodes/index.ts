/** @file The step of every common kind of node; rare ones are added when they are loaded. */
import type { CommonKind, NodeOf } from "../../format/nodes/index.js";
import type { StepMaker } from "../step.js";
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
import { linear } from "./linear.js";
import { maxPool } from "./max-pool.js";
import { pad } from "./pad.js";
import { padChannels } from "./pad-channels.js";
import { relu } from "./relu.js";
import { slice } from "./slice.js";
import { staircase } from "./staircase.js";

/** Steps by kind: a kind without one does not compile. */
export const STEPS: { readonly [K in CommonKind]: StepMaker<NodeOf<K>> } = {
  add,
  affine,
  avgPool,
  channel,
  concat,
  conv,
  dequantize,
  flatten,
  floatConv,
  floatLinear,
  linear,
  maxPool,
  pad,
  padChannels,
  relu,
  slice,
  staircase,
};
