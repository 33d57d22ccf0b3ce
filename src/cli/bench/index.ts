/** @file The families of benchmarks by name. */
import { benchConv } from "./conv.js";
import { benchElementwise } from "./elementwise.js";
import { benchGemm } from "./gemm.js";
import type { BenchOptions } from "./harness.js";
import { benchInfer } from "./infer.js";
import { benchOverhead } from "./overhead.js";
import { benchTrain } from "./train.js";

/** Each measures its rows one after the other and hands them over as they come. */
export const FAMILIES = {
  gemm: benchGemm,
  conv: benchConv,
  train: benchTrain,
  infer: benchInfer,
  elementwise: benchElementwise,
  overhead: benchOverhead,
} satisfies Record<string, (options: BenchOptions) => void>;

/** A family's name. */
export type Family = keyof typeof FAMILIES;

/** All names, in the order in which they run. */
export const FAMILY_NAMES = Object.keys(FAMILIES) as readonly Family[];
