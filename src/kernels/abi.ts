/**
 * @file The kernel ABI: every family's lines. WebAssembly exports and their TypeScript twins have these names and
 * signatures.
 */
import { CODES } from "./codes/abi.js";
import type { KernelsOf } from "./contract.js";
import { CONV } from "./conv/abi.js";
import { CONVERT } from "./convert/abi.js";
import { ELEMENTWISE } from "./elementwise/abi.js";
import { NORM } from "./norm/abi.js";
import { OPTIM } from "./optim/abi.js";
import { POOL } from "./pool/abi.js";
import { PRODUCTS } from "./products/abi.js";
import { REDUCE } from "./reduce/abi.js";
import { STAIRCASE } from "./staircase/abi.js";
import { WINOGRAD } from "./winograd/abi.js";

/** Every kernel's line. */
export const ABI = {
  ...CONVERT,
  ...ELEMENTWISE,
  ...REDUCE,
  ...PRODUCTS,
  ...CONV,
  ...WINOGRAD,
  ...POOL,
  ...NORM,
  ...STAIRCASE,
  ...CODES,
  ...OPTIM,
};

/** A kernel's name. */
export type KernelName = keyof typeof ABI;

/** All kernels, or their twins. */
export interface Kernels extends KernelsOf<typeof ABI> {}

export type { Ptr } from "./contract.js";
