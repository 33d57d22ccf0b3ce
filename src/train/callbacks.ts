/** @file Callbacks of a run as values: ending early, keeping the best weights, your own. */
import {
  atLeast,
  checkOptions,
  describe,
  either,
  integer,
  type OptionRules,
  oneOf,
  type Rule,
  real,
  record,
  refuse,
  text,
} from "../core/checks.js";
import { StateError } from "../core/errors.js";
import type { Module } from "../nn/module.js";
import type { HostArray } from "../nn/state.js";
import type { RunMetrics } from "./metrics.js";

/** What a run begins with, as callbacks are told. */
export interface CallbackStart {
  /** The network that is trained. */
  readonly net: Module;
  /** Of a resumed run: what the callback's `save` gave when the checkpoint was written; null if it saved nothing. */
  readonly saved?: unknown;
  /** Of a resumed run: the weights that it had come to. */
  readonly model?: ReadonlyMap<string, HostArray>;
  /** Ends the run before its first step. */
  stop(): void;
}

/** What a callback is told after an epoch. */
export interface CallbackEpoch<Metrics extends RunMetrics = RunMetrics> {
  /** What is trained, with the weights of its average if there is one. */
  readonly net: Module;
  /** The epoch's figures. */
  readonly metrics: Metrics;
  /** False in an epoch that `validateEvery` passes over: its figures have no validation. */
  readonly looked: boolean;
  /** Ends the run after this epoch. */
  stop(): void;
}

/** What looks on while a network is trained. Every method is awaited, but for `save` and `result`. */
export interface Callback<Metrics extends RunMetrics = RunMetrics> {
  /** Before the first step. */
  onStart?(run: CallbackStart): void | Promise<void>;
  /** What goes into every checkpoint, as plain JSON: a resumed run hands it to `onStart`. */
  save?(): unknown;
  /** Weights and buffers that the run would end with if it ended now; null: those of the network. */
  result?(): ReadonlyMap<string, HostArray> | null;
  /** Takes the checkpoint of every epoch, on every rank. */
  onCheckpoint?(bytes: Uint8Array): void | Promise<void>;
  /** After every epoch. */
  onEpoch?(run: CallbackEpoch<Metrics>): void | Promise<void>;
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
  /**
   * Epochs without an improvement after which the run ends, of those that have the figure: `validateEvery` leaves some
   * without. Default 5.
   */
  readonly patience?: number;
  /** What an improvement must exceed. Default 0. */
  readonly minDelta?: number;
}

const MONITOR_RULES: OptionRules<MonitorOptions> = { monitor: text, mode: oneOf("min", "max") };

/** What a callback of a monitor saves. */
type Saved<Fields> = { readonly best: number | null } & { readonly [Name in keyof Fields]: number | null };

/** An object with exactly these fields. */
function objectRule(rules: Readonly<Record<string, Rule>>): Rule {
  const names = Object.keys(rules);
  return (value) => {
    const own = Object(value) as Record<string, unknown>;
    const good = record(value) === null && names.every((name) => rules[name](own[name]) === null);
    return good && Object.keys(own).length === names.length ? null : `{ ${names.join(", ")} }`;
  };
}

/** What an epoch has under a name such as `valLoss` or `valMetrics.mae`. */
function figureOf(metrics: RunMetrics, monitor: string): unknown {
  return monitor.split(".").reduce<unknown>((at, key) => (Object(at) as Record<string, unknown>)[key], metrics);
}

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
  /** The best figure so far. */
  get best(): number | null {
    return this.#best;
  }
  /** Begins anew, or where an earlier part of the run ended. */
  reset(best: number | null = null): void {
    this.#best = best;
  }
  /** What a callback saved, if it is that. @throws StateError */
  saved<Fields extends Readonly<Record<string, Rule>>>(state: unknown, rules: Fields): Saved<Fields> | null {
    if (state == null) return null;
    const expected = objectRule({ best: either(real, oneOf(null)), ...rules })(state);
    if (expected === null) return state as Saved<Fields>;
    throw new StateError({
      op: this.#op,
      what: "the checkpoint holds the state of another callback",
      expected,
      got: describe(state),
      hint: "resume with the first part's callbacks, in their order",
    });
  }
  /** True in an epoch that `validateEvery` passes over, if the figure is one of validation. */
  waits({ metrics, looked }: Pick<CallbackEpoch, "metrics" | "looked">): boolean {
    const { monitor } = this.#options;
    return !looked && (monitor === undefined || typeof figureOf(metrics, monitor) !== "number");
  }
  /**
   * @returns true if the epoch is better than all before. NaN never is.
   * @throws ArgumentError if the epoch has no such figure
   */
  improves(metrics: RunMetrics): boolean {
    const { monitor = metrics.valLoss === undefined ? "loss" : "valLoss", mode } = this.#options;
    const figure = figureOf(metrics, monitor);
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
 * Ends a run when a figure has not improved for some epochs. Counts anew in every call of `fit`, and goes on counting
 * in one that resumes from a checkpoint.
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
    onStart: ({ saved, stop }) => {
      const before = monitor.saved(saved, { waited: integer(0) });
      monitor.reset(before?.best);
      waited = before?.waited ?? 0;
      if (waited >= patience) stop();
    },
    save: () => ({ best: monitor.best, waited }),
    onEpoch: (run) => {
      if (monitor.waits(run)) return;
      waited = monitor.improves(run.metrics) ? 0 : waited + 1;
      if (waited >= patience) run.stop();
    },
  };
}

/**
 * Keeps the weights and buffers of the best epoch, and puts them back at the end of the run. The optimizer's state
 * stays that of the last epoch. Checkpoints hold both: `model` is the best epoch's state, `training` the last one's.
 *
 * @throws ArgumentError on unknown options; in the run, on a figure that its epochs do not have
 */
export function best(options: MonitorOptions = {}): Callback & { readonly epoch: number | null } {
  checkOptions<MonitorOptions>("best", options, MONITOR_RULES);
  const monitor = new Monitor("best", options, 0);
  let kept: ReadonlyMap<string, HostArray> | null = null;
  let epoch: number | null = null;
  return {
    /** The best epoch so far, from 1. */
    get epoch() {
      return epoch;
    },
    onStart: ({ saved, model }) => {
      const before = monitor.saved(saved, { epoch: either(integer(1), oneOf(null)) });
      monitor.reset(before?.best);
      epoch = before?.epoch ?? null;
      kept = epoch === null ? null : (model ?? null);
    },
    save: () => ({ best: monitor.best, epoch }),
    result: () => kept,
    onEpoch: ({ net, metrics, looked }) => {
      if (monitor.waits({ metrics, looked }) || !monitor.improves(metrics)) return;
      epoch = metrics.epoch;
      kept = new Map(
        [...net.stateDict()].map(([key, array]) => [key, { shape: array.shape, data: array.toTypedArray() }]),
      );
    },
    onEnd: ({ net }) => {
      if (kept !== null) net.loadStateDict(kept);
      kept = null;
    },
  };
}
