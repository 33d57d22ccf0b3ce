/** @file Extending a run: its configuration with more epochs. */
import type { RunConfig } from "./config.js";
import { UsageError } from "./usage-error.js";

/**
 * The configuration of a run that goes on to more epochs than it was to have. Its schedule is from there on that of a
 * run of so many epochs; `extended` says where that began.
 *
 * @param at epochs that have begun: what is left of the last one is on the schedule that it began on
 * @throws UsageError if there are no more of them, or the method spreads its own course over the epochs
 */
export function extendedConfig(config: RunConfig, at: number, epochs: number): RunConfig {
  if (epochs <= config.epochs) {
    const what = "a run is not made shorter";
    throw new UsageError({ op: "--epochs", what, expected: `more than its ${config.epochs} epochs`, got: `${epochs}` });
  }
  if (config.patience !== undefined) {
    throw new UsageError({
      op: "--epochs",
      what: "a run with --patience is not extended",
      expected: `its ${config.epochs} epochs, or fewer as it ended itself`,
      got: `${epochs}`,
      hint: "start another from it: --init RUN",
    });
  }
  if (config.quant?.method === "relax") {
    throw new UsageError({
      op: "--epochs",
      what: "a run with --method relax is not extended",
      expected: `its ${config.epochs} epochs, over which it goes from float to quantized weights`,
      got: `${epochs}`,
      hint: "start another from it: --init RUN",
    });
  }
  if (at === 0) return { ...config, epochs };
  return { ...config, epochs, extended: [...(config.extended ?? []), { at, epochs: config.epochs }] };
}
