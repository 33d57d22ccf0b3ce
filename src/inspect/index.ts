/** @file Looking at networks while they are developed: summaries, gradients, codes, histograms, arrays that stay. */
export { activations, type LayerActivation } from "./activations.js";
export type { NetworkInput } from "./calls.js";
export { type GradientReport, type GradientRow, gradients } from "./gradients.js";
export { type Histogram, type HistogramSource, histogram } from "./histogram.js";
export type { LeakReport, LeakSite } from "./leak-report.js";
export type { Numbers } from "./numbers.js";
export { type ArrayStatistics, statistics } from "./statistics.js";
export { type InputSpec, type NetworkSummary, type SummaryRow, summary } from "./summary.js";
export { type ArrayWatch, type WatchOptions, watchArrays } from "./watch.js";
export { type LevelCount, type WeightCodes, weightCodes } from "./weight-codes.js";
