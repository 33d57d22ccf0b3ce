/** @file How every kind of node is lowered to C. A kind that is not here is refused by its name. */
import type { NodeKind, NodeOf } from "../../../format/nodes/index.js";
import type { CLowering } from "../lowering.js";
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

/** Lowerings by kind. */
export const C_LOWERINGS: { readonly [K in NodeKind]?: CLowering<NodeOf<K>> } = {
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
