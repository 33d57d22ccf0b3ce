/** @file Every kernel of the ABI against its TypeScript twin. A kernel without a check here does not compile. */
import { describe, expect, it } from "vitest";
import type { KernelName } from "../../src/kernels/abi.js";
import { ALL_KERNELS } from "../../src/kernels/all.js";
import { binary } from "./cases/binary.js";
import { channel } from "./cases/channel.js";
import { weightCodes } from "./cases/codes.js";
import { conv } from "./cases/conv.js";
import { convert } from "./cases/convert.js";
import { elementwise } from "./cases/elementwise.js";
import { gemm } from "./cases/gemm.js";
import { integer } from "./cases/integer.js";
import { lut } from "./cases/lut.js";
import { normActivation } from "./cases/norm-activation.js";
import { optim } from "./cases/optim.js";
import { reduce } from "./cases/reduce.js";
import { staircase } from "./cases/staircase.js";
import { window } from "./cases/window.js";
import { winograd } from "./cases/winograd.js";
import { type Check, twin } from "./harness.js";

const checks: Record<KernelName, Check> = {
  ...binary,
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

describe("WebAssembly kernels against their twins", () => {
  for (const [name, check] of Object.entries(checks)) it(name, check);
});

describe("completeness", () => {
  const names = Object.keys(checks).sort();
  it("the module exports exactly the kernels of the ABI", () => {
    const exported = WebAssembly.Module.exports(new WebAssembly.Module(ALL_KERNELS.bytes())).map((entry) => entry.name);
    expect(exported.sort()).toEqual(names);
  });
  it("every kernel has a twin", () => {
    expect(Object.keys(twin).sort()).toEqual(names);
  });
});
