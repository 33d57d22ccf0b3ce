/** @file A check of every kernel against its twin. A kernel without one does not compile. */
import type { KernelName } from "../../src/kernels/abi.js";
import { weightCodes } from "./codes/cases.js";
import { byteConv } from "./conv/bytes.js";
import { depthwise } from "./conv/depthwise.js";
import { conv } from "./conv/direct.js";
import { window } from "./conv/window.js";
import { convert } from "./convert/cases.js";
import { binary } from "./elementwise/binary.js";
import { elementwise } from "./elementwise/cases.js";
import type { Check } from "./harness.js";
import { normActivation } from "./norm/activation.js";
import { channel } from "./norm/channel.js";
import { optim } from "./optim/cases.js";
import { pool } from "./pool/cases.js";
import { gemm } from "./products/gemm.js";
import { integer } from "./products/integer.js";
import { lut } from "./products/lut.js";
import { reduce } from "./reduce/cases.js";
import { staircase } from "./staircase/cases.js";
import { codesOfSums } from "./staircase/sums.js";
import { winograd } from "./winograd/cases.js";

/** The checks by the kernels' names. */
export const checks: Record<KernelName, Check> = {
  ...binary,
  ...byteConv,
  ...channel,
  ...weightCodes,
  ...convert,
  ...depthwise,
  ...elementwise,
  ...gemm,
  ...integer,
  ...lut,
  ...normActivation,
  ...codesOfSums,
  ...optim,
  ...pool,
  ...reduce,
  ...staircase,
  ...window,
  ...conv,
  ...winograd,
};
