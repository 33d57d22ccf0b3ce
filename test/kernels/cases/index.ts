/** @file A check of every kernel against its twin. A kernel without one does not compile. */
import type { KernelName } from "../../../src/kernels/abi.js";
import type { Check } from "../harness.js";
import { binary } from "./binary.js";
import { byteConv } from "./byte-conv.js";
import { channel } from "./channel.js";
import { weightCodes } from "./codes.js";
import { conv } from "./conv.js";
import { convert } from "./convert.js";
import { elementwise } from "./elementwise.js";
import { gemm } from "./gemm.js";
import { integer } from "./integer.js";
import { lut } from "./lut.js";
import { normActivation } from "./norm-activation.js";
import { optim } from "./optim.js";
import { reduce } from "./reduce.js";
import { staircase } from "./staircase.js";
import { window } from "./window.js";
import { winograd } from "./winograd.js";

/** The checks by the kernels' names. */
export const checks: Record<KernelName, Check> = {
  ...binary,
  ...byteConv,
  ...channel,
  ...weightCodes,
  ...convert,
  ...elementwise,
  ...gemm,
  ...integer,
  ...lut,
  ...normActivation,
  ...optim,
  ...reduce,
  ...staircase,
  ...window,
  ...conv,
  ...winograd,
};
