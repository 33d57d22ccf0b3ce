/**
 * @file What a run has come to, where that is not the state that it trains on with: an average of weights, or what a
 * callback keeps.
 */
import { ArgumentError, StateError } from "../core/errors.js";
import type { BatchLoader } from "../data/loader.js";
import type { Module } from "../nn/module.js";
import type { HostArray } from "../nn/state.js";
import { WeightAverage } from "./average.js";
import type { Callback } from "./callbacks.js";
import type { Checkpoint, CheckpointSource } from "./checkpoint.js";
import { canonicalJson } from "./digest.js";
import type { AverageMetrics } from "./metrics.js";
import { renewStatistics } from "./norm-statistics.js";
import type { CommonOptions } from "./options.js";

type State = ReadonlyMap<string, HostArray>;
/** What a validation found. */
export type Validation = AverageMetrics["last"];

/** Options that it depends on. */
type StandingOptions = Pick<CommonOptions, "average" | "recalibrate" | "epochs" | "resume">;

function copied(net: Module): State {
  return new Map([...net.stateDict()].map(([key, array]) => [key, { shape: array.shape, data: array.toTypedArray() }]));
}

/** Follows a run from epoch to epoch. */
export class Standing {
  /** The average that is gathered, if one is. */
  readonly average: WeightAverage | null;
  readonly #net: Module;
  readonly #callbacks: readonly Callback<never>[];
  readonly #resume: Checkpoint | undefined;
  readonly #takeUp: () => void;
  /** The average as it was evaluated after the last epoch. */
  #averaged: State | null = null;
  #epochs = 0;

  /**
   * Changes nothing yet.
   * @throws ArgumentError on options that do not go together; StateError if the checkpoint is of another average
   */
  constructor(net: Module, options: StandingOptions, callbacks: readonly Callback<never>[]) {
    const { average, recalibrate, epochs, resume } = options;
    this.#net = net;
    this.#callbacks = callbacks;
    this.#resume = resume;
    this.average = average === undefined ? null : new WeightAverage(net, average, epochs);
    if (average !== undefined && recalibrate === false) {
      throw new ArgumentError({
        op: "fit",
        what: "an average of weights with the statistics of other weights",
        expected: 'recalibrate "auto" or true',
        got: "recalibrate false",
        hint: "an average's batch norms have no running statistics of their own",
      });
    }
    if (average === undefined && resume?.average !== undefined) {
      throw new StateError({
        op: "fit",
        what: "the checkpoint is of a run with an average of weights",
        expected: `average ${canonicalJson(resume.average.options)}`,
        got: "none",
        hint: "resume with the first part's options",
      });
    }
    this.#takeUp = resume === undefined ? () => {} : (this.average?.checkState(resume.average) ?? (() => {}));
  }

  /** Goes on where the checkpoint was written. */
  takeUp(): void {
    this.#takeUp();
  }
  /** Tells callbacks that the run begins. @param stop ends it before its first step */
  async start(stop: () => void): Promise<void> {
    const { callbacks: saved = [], model } = this.#resume ?? {};
    for (const [i, callback] of this.#callbacks.entries()) {
      const earlier = this.#resume === undefined ? {} : { saved: saved[i] ?? null, model };
      await callback.onStart?.({ net: this.#net, stop, ...earlier });
    }
  }

  /**
   * After the steps of an epoch: puts the average into the network, if there is one by now, with statistics of batch
   * norms that are its own, and validates it.
   *
   * @param epoch from 0
   * @param images to estimate the statistics on; null: what is trained on is no images
   * @returns what was found, and what puts the weights of training back; null without an average
   */
  async evaluate(
    epoch: number,
    images: BatchLoader | null,
    validation: () => Promise<Validation>,
  ): Promise<{ figures: Validation & { average: AverageMetrics }; putBack: () => void } | null> {
    this.#epochs++;
    const { average } = this;
    average?.epochEnded(epoch + 1);
    if (average === null || average.updates === 0) return null;
    const last = await validation();
    const putBack = average.exchange();
    const seen = images === null ? 0 : await renewStatistics(this.#net, images, epoch);
    this.#averaged = copied(this.#net);
    const figures = { ...(await validation()), average: { updates: average.updates, images: seen, last } };
    return { figures, putBack };
  }

  /** What a checkpoint holds besides the state of training. @param within an epoch, after some of its steps */
  parts(within = false): Pick<CheckpointSource, "model" | "average" | "callbacks"> {
    const kept = this.#callbacks.reduce<State | null>((state, callback) => callback.result?.() ?? state, null);
    const model = kept ?? (within ? this.#mixed() : this.#averaged);
    const callbacks = this.#callbacks.map((callback) => callback.save?.() ?? null);
    return {
      ...(model !== null && { model }),
      ...(this.average !== null && { average: this.average.state() }),
      ...(callbacks.length > 0 && { callbacks }),
    };
  }
  /** The average between two epochs' ends: running statistics are averages too. */
  #mixed(): State | null {
    if (this.average === null || this.average.updates === 0) return null;
    return new Map([...copied(this.#net), ...(this.average.state().arrays as State)]);
  }

  /** Leaves in the network what the run has come to. */
  finish(): void {
    const { training, model } = this.#resume ?? {};
    if (this.#averaged !== null) this.#net.loadStateDict(this.#averaged);
    else if (this.#epochs === 0 && training !== undefined && model !== undefined) this.#net.loadStateDict(model);
  }
}
