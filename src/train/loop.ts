/** @file The steps of an epoch, whatever is trained on. */
import { QuantError } from "../core/errors.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import { clipGradNorm } from "../optim/clip-gradients.js";
import { constant, type SchedulePoint } from "../optim/schedule/index.js";
import type { WeightAverage } from "./average.js";
import { BufferGuard, checkRate, checkWeights, GradientWatch, type LossGuard } from "./guard.js";
import { type LayerMetrics, LayerWatch } from "./metrics.js";
import type { CommonOptions, ProgressOptions } from "./options.js";
import { addOthers, type PartialEpoch, partialOf, takeUpEpoch } from "./partial.js";
import type { ShardSums } from "./shards.js";
import type { Counted, Outcome, Tally, Task } from "./task.js";
import type { Together } from "./together.js";
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
  readonly together: Together<Item>;
  /** The average of weights that is gathered. */
  readonly average: WeightAverage | null;
  /** Takes what is needed to go on within an epoch. */
  readonly onStep?: (step: number, partial: PartialEpoch) => Promise<void>;
}

/** Notes the modes that the next step begins with. */
export function keepModes({ modes }: Pick<Run<Counted>, "modes">, net: Module): void {
  modes.clear();
  for (const module of net.modules()) modes.set(module, module.training);
}

/** What an epoch's steps came to. */
export interface EpochSteps {
  readonly tally: Tally;
  /** Images of these steps, without those of the epoch's earlier part. */
  readonly trained: number;
  readonly layers: LayerMetrics;
  readonly withoutGradient: string[];
}

/**
 * All steps of one epoch; null if the signal ended it early.
 *
 * @param from the first of them
 * @param earlier figures of the steps before it
 */
export async function trainEpoch<Item extends Counted>(
  run: Run<Item>,
  epoch: number,
  from = 0,
  earlier?: PartialEpoch,
): Promise<EpochSteps | null> {
  const { net, task, options, clock, modes, together } = run;
  const { optimizer, epochs, schedule = constant() } = options;
  const tally = task.start(earlier?.sums);
  const before = tally.count;
  const started = performance.now();
  const watch = new LayerWatch(net);
  const guards: Guards = {
    losses: run.losses,
    buffers: new BufferGuard(net),
    gradients: new GradientWatch(net, optimizer),
  };
  if (earlier !== undefined) takeUpEpoch(earlier, watch, guards.gradients, together.reports);
  try {
    const range = together.alone ? undefined : together.sums?.range;
    for await (const batch of task.epoch(epoch, from, range)) {
      if (together.alone ? options.signal?.aborted : together.stopping) {
        const done = batch.index;
        if (done > from) {
          await run.onStep?.(epoch * task.batches + done, await partialOf(together, tally, watch, guards.gradients));
        }
        return null;
      }
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
      if (together.sums === null) trainStep(run, batch, tally, guards);
      else await trainShards(run, together.sums, batch, step, tally, guards);
      run.average?.stepped();
      const done = batch.index + 1;
      if (done < task.batches && wantsCheckpoint(options.checkpointEvery, done, step + 1))
        await run.onStep?.(step + 1, await partialOf(together, tally, watch, guards.gradients));
      if (!together.reports) continue;
      options.onProgress?.({
        epoch: epoch + 1,
        epochs,
        step: batch.index + 1,
        steps: task.batches,
        loss: tally.meanLoss,
        ...tally.figures(),
        [task.rate]: (tally.count - before) / secondsSince(started),
        etaSeconds: clock.secondsLeft(step + 1),
      } as never);
    }
    const place = `at the end of epoch ${epoch + 1}`;
    checkWeights(net, place);
    guards.buffers.check(place);
    await together.compare(net, place);
    if (!together.alone) await addOthers(together, watch);
    const layers = watch.read();
    // At a loss of 0 nothing is left to learn, and all gradients are 0.
    const withoutGradient = tally.meanLoss > 0 ? guards.gradients.names() : [];
    if (together.reports) warnOfSilence(run, withoutGradient, layers, epoch);
    return { tally, trained: tally.count - before, layers, withoutGradient };
  } finally {
    watch.stop();
  }
}

/** Whether a checkpoint follows the step that makes `done` in this epoch and `step` in all. */
function wantsCheckpoint(every: ProgressOptions["checkpointEvery"], done: number, step: number): boolean {
  if (every === undefined) return false;
  return typeof every === "function" ? every(step) : done % every === 0;
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
  { net, task, options: { optimizer, clipGradNorm: maxNorm } }: Run<Item>,
  batch: Item,
  tally: Tally,
  guards: Guards,
): void {
  const { epoch, index } = batch;
  const place = `in epoch ${epoch + 1}, step ${index + 1}`;
  scope(() => {
    optimizer.zeroGrad();
    const { loss, classes, seen } = outcomeOf(net, batch, task, place);
    const value = loss.item();
    guards.losses.check(value, classes, epoch + 1, place);
    guards.buffers.check(place);
    tally.add(value, seen);
    loss.backward();
    guards.gradients.look();
    if (maxNorm !== undefined) clipGradNorm(optimizer.parameters(), maxNorm);
    optimizer.step();
  });
}

/** The same over the shards of a batch, with whatever other ranks compute of them. */
async function trainShards<Item extends Counted>(
  { net, task, options, together }: Run<Item>,
  sums: ShardSums<Item>,
  batch: Item,
  step: number,
  tally: Tally,
  guards: Guards,
): Promise<void> {
  const { optimizer, clipGradNorm: maxNorm, signal } = options;
  const { epoch, index } = batch;
  const place = `in epoch ${epoch + 1}, step ${index + 1}`;
  optimizer.zeroGrad();
  const wantsStop = signal?.aborted ?? false;
  const { loss, classes, seen, stop } = await sums.add(batch, step, wantsStop, (shard) =>
    outcomeOf(net, shard, task, place),
  );
  together.stopping ||= stop;
  guards.losses.check(loss, classes, epoch + 1, place);
  guards.buffers.check(place);
  tally.add(loss, seen);
  guards.gradients.look();
  scope(() => {
    if (maxNorm !== undefined) clipGradNorm(optimizer.parameters(), maxNorm);
    optimizer.step();
  });
}

/** The loss of a batch. Quantized layers refuse weights that are not finite: that is divergence too. */
function outcomeOf<Item extends Counted>(net: Module, batch: Item, task: Task<Item>, place: string): Outcome {
  try {
    return task.outcome(net, batch);
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
