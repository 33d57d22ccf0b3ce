/** @file Callbacks of a run as values: ending early, keeping the best weights, your own. */
import { atLeast, checkOptions, integer, type OptionRules, oneOf, refuse, text } from "../core/checks.js";
import type { Module } from "../nn/module.js";
import type { RunMetrics } from "./metrics.js";

/** What looks on while a network is trained. Every method is awaited. */
export interface Callback<Metrics extends RunMetrics = RunMetrics> {
  /** Before the first step. */
  onStart?(run: { readonly net: Module }): void | Promise<void>;
  /** After every epoch. @param run `stop()` ends the run after this epoch */
  onEpoch?(run: { readonly net: Module; readonly metrics: Metrics; stop(): void }): void | Promise<void>;
  /** After the last epoch, or when the run was ended. */
  onEnd?(run: { readonly net: Module; readonly metrics: readonly Metrics[] }): void | Promise<void>;
}

/** Which figure is watched. */
export interface MonitorOptions {
  /**
   * A figure of the epoch, such as `valLoss`, `valAccuracy`, or of its metrics, such as `valMetrics.mae`. Default:
   * `valLoss` where there is validation data, else `loss`.
   */
  readonly monitor?: string;
  /** Whether less is better. Default: `min` for names that end in loss, mse or mae, else `max`. */
  readonly mode?: "min" | "max";
}

/** Options of {@link earlyStop}. */
export interface EarlyStopOptions extends MonitorOptions {
  /** Epochs without an improvement after which the run ends. Default 5. */
  readonly patience?: number;
  /** What an improvement must exceed. Default 0. */
  readonly minDelta?: number;
}

const MONITOR_RULES: OptionRules<MonitorOptions> = { monitor: text, mode: oneOf("min", "max") };

/** Tells improvements of a figure. */
class Monitor {
  readonly #op: string;
  readonly #options: MonitorOptions;
  readonly #delta: number;
  #best: number | null = null;

  constructor(op: string, options: MonitorOptions, minDelta: number) {
    this.#op = op;
    this.#options = options;
    this.#delta = minDelta;
  }
  reset(): void {
    this.#best = null;
  }
  /**
   * @returns true if the epoch is better than all before. NaN never is.
   * @throws ArgumentError if the epoch has no such figure
   */
  improves(metrics: RunMetrics): boolean {
    const { monitor = metrics.valLoss === undefined ? "loss" : "valLoss", mode } = this.#options;
    const figure = monitor
      .split(".")
      .reduce<unknown>((at, key) => (Object(at) as Record<string, unknown>)[key], metrics);
    if (typeof figure !== "number") {
      const known = Object.entries(metrics).flatMap(([key, value]) =>
        typeof value === "number"
          ? [key]
          : /etrics$/.test(key)
            ? Object.keys(value as object).map((name) => `${key}.${name}`)
            : [],
      );
      return refuse(this.#op, "monitor", `a figure of the epoch: ${known.join(", ")}`, monitor);
    }
    const less = mode === undefined ? /(loss|mse|mae)$/i.test(monitor) : mode === "min";
    const gain = this.#best === null ? Number.POSITIVE_INFINITY : less ? this.#best - figure : figure - this.#best;
    if (Number.isNaN(figure) || !(gain > this.#delta)) return false;
    this.#best = figure;
    return true;
  }
}

/**
 * Ends a run when a figure has not improved for some epochs. Counts anew in every call of `fit`.
 *
 * @throws ArgumentError on options out of range; in the run, on a figure that its epochs do not have
 * @example
 * await fit(net, train, { epochs: 100, optimizer, validation, callbacks: [earlyStop({ patience: 3 }), best()] });
 */
export function earlyStop(options: EarlyStopOptions = {}): Callback {
  checkOptions<EarlyStopOptions>("earlyStop", options, {
    ...MONITOR_RULES,
    patience: integer(1),
    minDelta: atLeast(0),
  });
  const { patience = 5, minDelta = 0 } = options;
  const monitor = new Monitor("earlyStop", options, minDelta);
  let waited = 0;
  return {
    onStart: () => {
      monitor.reset();
      waited = 0;
    },
    onEpoch: ({ metrics, stop }) => {
      waited = monitor.improves(metrics) ? 0 : waited + 1;
      if (waited >= patience) stop();
    },
  };
}

/**
 * Keeps the weights and buffers of the best epoch, and puts them back at the end of the run. The optimizer's state
 * stays that of the last epoch.
 *
 * @throws ArgumentError on unknown options; in the run, on a figure that its epochs do not have
 */
export function best(options: MonitorOptions = {}): Callback & { readonly epoch: number | null } {
  checkOptions<MonitorOptions>("best", options, MONITOR_RULES);
  const monitor = new Monitor("best", options, 0);
  let kept: Map<string, { shape: readonly number[]; data: Float32Array }> | null = null;
  let epoch: number | null = null;
  return {
    /** The best epoch so far, from 1. */
    get epoch() {
      return epoch;
    },
    onStart: () => {
      monitor.reset();
      kept = null;
      epoch = null;
    },
    onEpoch: ({ net, metrics }) => {
      if (!monitor.improves(metrics)) return;
      epoch = metrics.epoch;
      kept = new Map(
        [...net.stateDict()].map(([key, array]) => [
          key,
          { shape: array.shape, data: array.toTypedArray() as Float32Array },
        ]),
      );
    },
    onEnd: ({ net }) => {
      if (kept !== null) net.loadStateDict(kept);
      kept = null;
    },
  };
}
