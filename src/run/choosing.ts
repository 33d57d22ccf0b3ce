/** @file How a run's configuration chooses among epochs and averages weights. */
import type { AverageOptions } from "../train/average.js";
import { best, type Callback, earlyStop } from "../train/callbacks.js";
import type { EpochMetrics } from "../train/metrics.js";
import type { RunConfig } from "./config.js";

/** The figure that epochs are chosen by: of the images that are held out of the training images. */
const FIGURE = { monitor: "valAccuracy", mode: "max" } as const;

/** The average of weights that a run is to end with. */
export function averageOf({ ema, swa }: Pick<RunConfig, "ema" | "swa">): AverageOptions | undefined {
  if (ema !== undefined) return { ema };
  return swa === undefined ? undefined : { swa };
}

/** Ends the run, and keeps an epoch, as the configuration says. */
export function choosing({ patience, keep = "last" }: Pick<RunConfig, "patience" | "keep">): Callback[] {
  return [
    ...(patience === undefined ? [] : [earlyStop({ ...FIGURE, patience })]),
    ...(keep === "best" ? [best(FIGURE)] : []),
  ];
}

/** The epoch whose weights are the run's result: the last, or the first of the best ones. */
export function keptEpoch(
  { keep = "last" }: Pick<RunConfig, "keep">,
  metrics: readonly EpochMetrics[],
): EpochMetrics | undefined {
  if (keep === "last") return metrics.at(-1);
  return metrics.reduce<EpochMetrics | undefined>(
    (kept, row) => ((row.valAccuracy ?? -1) > (kept?.valAccuracy ?? -1) ? row : kept),
    undefined,
  );
}
