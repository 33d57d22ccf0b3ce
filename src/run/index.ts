/**
 * @file The run room: from a configuration to trained, tested and packed weights, in Node, in a page or in a worker.
 */
export { type BitWidths, bitsText, parseBits } from "./bits.js";
export {
  type InitConfig,
  parseConfig,
  type QuantConfig,
  type RunConfig,
  type Settings,
  type TeacherConfig,
} from "./config.js";
export { createRun, type PackedResult, type RunOptions, type RunResult } from "./create.js";
export type { ImageInfo, ImagesInfo } from "./images.js";
export type { RunData, RunLoaders } from "./loaders.js";
export { METHODS, type Method } from "./methods.js";
export { networkOf } from "./network.js";
export type { Accuracy } from "./packed.js";
export type { RunPart } from "./parts.js";
export { PRESET_NAMES, type PresetName, withPreset } from "./presets.js";
export { runConfig, type SettingsContext, settingsOf } from "./settings.js";
export {
  type CheckpointSource,
  type ModelSource,
  type OnnxSource,
  type PackedSource,
  readModel,
  type WeightsSource,
} from "./source.js";
export type { StartFiles } from "./start.js";
export { type LayerRow, type PackedSummary, type RunAccount, type RunSummary, summaryOf } from "./summary.js";
export { UsageError } from "./usage-error.js";
