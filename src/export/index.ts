/** @file The export room: packing, summaries, verification and self-contained modules of packed models. */
export { type CFiles, type COptions, toC } from "./c/to-c.js";
export { type PackOptions, pack } from "./pack.js";
export { type LayerSummary, type MacSummary, type ModelSummary, summarize } from "./summary.js";
export { toModule } from "./to-module.js";
export {
  type Difference,
  type LayerComparison,
  type Verification,
  type VerifyData,
  type VerifyOptions,
  verify,
} from "./verify.js";
