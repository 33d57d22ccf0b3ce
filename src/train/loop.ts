/** @file The steps of an epoch, whatever is trained on. */
import { QuantError } from "../core/errors.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import { clipGradNorm } from "../optim/clip-gradients.js";
import { constant, type SchedulePoint } from "../optim/schedule/index.js";
import { BufferGuard, checkRate, checkWeights, GradientWatch, type LossGuard } from "./guard.js";
import { type LayerMetrics, LayerWatch } from "./metrics.js";
import type { CommonOptions, ProgressOptions } from "./options.js";
import type { Counted, Outcome, Tally, Task } from "./task.js";
import { some, warn } from "./warning.js";

/** What the steps of a run share. */
export interface Run<Item extends Counted> {
  readonly net: Module;
  readonly task: Task<Item>;
  readonly options: CommonOptions & ProgressOptions;
  readonly clock: RunClock;
  readonly losses: LossGuard;
  /** Modes of all modules as the last step began with. */
  readonly modes: Map<Module, boolean>;
  /** Parameters that a warning has named. */
  readonly warned: Set<string>;
}

/** Notes the modes that the next step begins with. */
export function keepModes({ modes }: Pick<Run<Counted>, "modes">, net: Module): void {
  modes.clear();
  for (const module of net.modules()) modes.set(module, module.training);
}

/** What an epoch's steps came to. */
export interface EpochSteps<Item extends Counted> {
  readonly tally: Tally<Item>;
  readonly layers: LayerMetrics;
  readonly withoutGradient: string[];
}

/** All steps of one epoch; null if the signal ended it early. */
export async function trainEpoch<Item extends Counted>(
  run: Run<Item>,
  epoch: number,
): Promise<EpochSteps<Item> | null> {
  const { net, task, options, clock, modes } = run;
  const { optimizer, epochs, schedule = constant() } = options;
  const tally = task.start();
  const started = performance.now();
  const watch = new LayerWatch(net);
  const guards: Guards = {
    losses: run.losses,
    buffers: new BufferGuard(net),
    gradients: new GradientWatch(net, optimizer),
  };
  try {
    for await (const batch of task.epoch(epoch)) {
      if (options.signal?.aborted) return null;
      task.check(batch);
      const step = epoch * task.batches + batch.index;
      const point: SchedulePoint = { step, stepsPerEpoch: task.batches, epochs };
      const factor = schedule(point);
      checkRate(optimizer, point.step, factor);
      optimizer.lrFactor = factor;
      checkRate(optimizer, step, optimizer.lrFactor);
      // Other code may have changed modes while this waited; what beforeStep froze stays frozen.
      for (const [module, training] of modes) module.training = training;
      if (options.beforeStep !== undefined) {
        options.beforeStep(point);
        checkRate(optimizer, step, optimizer.lrFactor);
        keepModes(run, net);
      }
      trainStep(net, batch, options, tally, guards);
      options.onProgress?.({
        epoch: epoch + 1,
        epochs,
        step: batch.index + 1,
        steps: task.batches,
        loss: tally.meanLoss,
        ...tally.figures(),
        [task.rate]: tally.count / secondsSince(started),
        etaSeconds: clock.secondsLeft(step + 1),
      } as never);
    }
    const place = `at the end of epoch ${epoch + 1}`;
    checkWeights(net, place);
    guards.buffers.check(place);
    const layers = watch.read();
    // At a loss of 0 nothing is left to learn, and all gradients are 0.
    const withoutGradient = tally.meanLoss > 0 ? guards.gradients.names() : [];
    warnOfSilence(run, withoutGradient, layers, epoch);
    return { tally, layers, withoutGradient };
  } finally {
    watch.stop();
  }
}

/** Names parameters that nothing reached, once each, with the activations that may be why. */
function warnOfSilence(
  { warned }: Pick<Run<Counted>, "warned">,
  names: readonly string[],
  { zeroShare, saturation }: LayerMetrics,
  epoch: number,
): void {
  const fresh = names.filter((name) => !warned.has(name));
  if (fresh.length === 0) return;
  for (const name of fresh) warned.add(name);
  const whole = (shares: Readonly<Record<string, number>> = {}): string[] =>
    Object.keys(shares).filter((name) => shares[name] === 1);
  const [dead, full] = [whole(zeroShare), whole(saturation)];
  const causes = [
    ...(dead.length > 0 ? [`all codes of ${some(dead)} were 0`] : []),
    ...(full.length > 0 ? [`all codes of ${some(full)} were the highest`] : []),
  ];
  const why = causes.length > 0 ? `: ${causes.join(", ")}; calibrate() finds activation steps` : "";
  warn(`no gradient reached ${some(fresh)} in epoch ${epoch + 1}${why}`);
}

/** What looks at every step. */
interface Guards {
  readonly losses: LossGuard;
  readonly buffers: BufferGuard;
  readonly gradients: GradientWatch;
}

/** Forward, backward, update; everything that it makes on the way is freed. */
function trainStep<Item extends Counted>(
  net: Module,
  batch: Item,
  { optimizer, clipGradNorm: maxNorm }: CommonOptions,
  tally: Tally<Item>,
  guards: Guards,
): void {
  const { epoch, index } = batch;
  const place = `in epoch ${epoch + 1}, step ${index + 1}`;
  scope(() => {
    optimizer.zeroGrad();
    const { loss, classes } = outcomeOf(net, batch, tally, place);
    const value = loss.item();
    guards.losses.check(value, classes, epoch + 1, place);
    guards.buffers.check(place);
    tally.add(value, batch);
    loss.backward();
    guards.gradients.look();
    if (maxNorm !== undefined) clipGradNorm(optimizer.parameters(), maxNorm);
    optimizer.step();
  });
}

/** The loss of a batch. Quantized layers refuse weights that are not finite: that is divergence too. */
function outcomeOf<Item extends Counted>(net: Module, batch: Item, tally: Tally<Item>, place: string): Outcome {
  try {
    return tally.outcome(net, batch);
  } catch (error) {
    if (error instanceof QuantError) checkWeights(net, place);
    throw error;
  }
}

/** Expected time to the end of a run, from the mean over the steps so far, evaluations included. */
export class RunClock {
  readonly #started = performance.now();
  readonly #first: number;
  readonly #last: number;
  constructor(firstEpoch: number, epochs: number, stepsPerEpoch: number) {
    this.#first = firstEpoch * stepsPerEpoch;
    this.#last = epochs * stepsPerEpoch;
  }
  secondsLeft(stepsDone: number): number {
    return (secondsSince(this.#started) * (this.#last - stepsDone)) / (stepsDone - this.#first);
  }
}

/** Seconds from a time of `performance.now()`, above 0. */
export function secondsSince(start: number): number {
  return Math.max(1e-6, (performance.now() - start) / 1000);
}
