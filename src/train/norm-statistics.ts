/** @file Running statistics at the end of a run: do they stand for the network that training ended with? */
import { noGrad } from "../autograd/graph.js";
import type { Tensor } from "../autograd/tensor.js";
import { DivergenceError } from "../core/errors.js";
import type { Batch, BatchLoader } from "../data/loader.js";
import { scope } from "../memory/scope.js";
import { BatchNorm } from "../nn/batch-norm.js";
import { inEvaluation } from "../nn/evaluation.js";
import type { Module } from "../nn/module.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import { Staircase } from "../quant/staircase.js";
import { hitRows, imageTensor } from "./input.js";
import { percent, warn } from "./warning.js";

/** What becomes of running statistics at the end of a run. */
export type Recalibrate = "auto" | boolean;

/** Images that are looked at, as far as there are so many. */
const IMAGES = 1024;
/** The same for an average of weights, after every epoch. */
const AVERAGE_IMAGES = 2048;
/** Standard errors that a gain must have. */
const ERRORS = 3;
/** What evaluation may lose against training, as a share of the images. */
const GAP = 0.05;

/**
 * What was found about a network's running statistics after the last step: shares of the same training images (as
 * training saw them, the first of the last epoch) that are classified right.
 *
 * "auto" takes the new statistics if the difference of hits b − c exceeds three standard errors √(b + c), with b images
 * right by the new ones alone and c by the old ones alone (McNemar's test): what chance does leaves the bits of a run
 * alone.
 */
export interface NormStatistics {
  /** Images that were looked at. */
  images: number;
  /** With each batch's own statistics, as in training. */
  batch: number;
  /** With the running statistics that training left. */
  running: number;
  /** With the means of all batches' statistics. */
  estimated: number;
  /** Whether the network has the estimated ones now. */
  taken: boolean;
}

/** The two vectors of every batch norm. */
type Values = ReadonlyMap<BatchNorm, readonly [mean: Float32Array, variance: Float32Array]>;

function valuesOf(norms: readonly BatchNorm[]): Values {
  const copy = ({ runningMean, runningVar }: BatchNorm) =>
    [runningMean.data.toTypedArray() as Float32Array, runningVar.data.toTypedArray() as Float32Array] as const;
  return new Map(norms.map((norm) => [norm, copy(norm)]));
}

function put(values: Values): void {
  for (const [{ runningMean, runningVar }, [mean, variance]] of values) {
    runningMean.set(mean);
    runningVar.set(variance);
  }
}

/** True if some layer's weights or activations are quantized. */
export function isQuantized(net: Module): boolean {
  return net
    .modules()
    .some((module) => module instanceof Staircase || ("weight" in module && module.weight instanceof QuantParameter));
}

/** Which of a batch are right. */
function hitsOf(net: Module, { images, shape, labels }: Batch): boolean[] {
  return scope(() => noGrad(() => hitRows(net.forward(imageTensor(images, shape)) as Tensor, labels)));
}

/** The first batches of an epoch, until they hold enough images. */
async function* firstBatches(
  loader: BatchLoader,
  epoch: number,
  most = IMAGES,
): AsyncGenerator<Batch, void, undefined> {
  let images = 0;
  for await (const batch of loader.epoch(epoch)) {
    yield batch;
    images += batch.count;
    if (images >= most) return;
  }
}

/** Runs `fn` in evaluation mode, then puts the running statistics back: between batches nobody sees others. */
function onLoan<T>(net: Module, running: Values, fn: () => T): T {
  try {
    return inEvaluation(net, fn);
  } finally {
    put(running);
  }
}

/**
 * The means of the batches' statistics, weighted by their images, in f64; and how many images each batch's own
 * statistics classify right.
 */
async function estimate(net: Module, norms: readonly BatchNorm[], running: Values, batches: AsyncIterable<Batch>) {
  const sums = [...running].map(([norm, pair]) => ({ norm, sums: pair.map((part) => new Float64Array(part.length)) }));
  let [images, hits] = [0, 0];
  for await (const batch of batches) {
    images += batch.count;
    onLoan(net, running, () => {
      const momenta = norms.map((norm) => norm.momentum);
      try {
        for (const norm of norms) {
          // Only the norms see the batch's own statistics: dropout would draw from its stream.
          norm.training = true;
          norm.momentum = 1;
        }
        hits += hitsOf(net, batch).filter(Boolean).length;
      } finally {
        norms.forEach((norm, i) => {
          norm.momentum = momenta[i];
        });
      }
      const now = valuesOf(norms);
      for (const { norm, sums: into } of sums) {
        now.get(norm)?.forEach((part, i) => {
          for (let c = 0; c < part.length; c++) into[i][c] += batch.count * part[c];
        });
      }
    });
  }
  const estimated: Values = new Map(
    sums.map(({ norm, sums: [mean, variance] }) => [
      norm,
      [Float32Array.from(mean, (sum) => sum / images), Float32Array.from(variance, (sum) => sum / images)],
    ]),
  );
  return { estimated, images, hits };
}

/** Images that are right in evaluation mode: by either statistics, and by one of them alone. */
async function compare(net: Module, running: Values, estimated: Values, batches: AsyncIterable<Batch>) {
  const counts = { running: 0, estimated: 0, gained: 0, lost: 0 };
  for await (const batch of batches) {
    onLoan(net, running, () => {
      const before = hitsOf(net, batch);
      put(estimated);
      const after = hitsOf(net, batch);
      before.forEach((hit, i) => {
        if (hit) counts.running++;
        if (after[i]) counts.estimated++;
        if (after[i] && !hit) counts.gained++;
        if (hit && !after[i]) counts.lost++;
      });
    });
  }
  return counts;
}

/** Batch norms whose running statistics training moves. */
function trained(net: Module): BatchNorm[] {
  return net
    .modules()
    .filter((module) => module instanceof BatchNorm && module.training && module.momentum > 0) as BatchNorm[];
}

/**
 * Estimates the running statistics of the batch norms that are in training mode anew and takes them: an average of
 * weights has none of its own. Weights, modes, random streams and gradients stay as they are.
 *
 * @param epoch whose images are taken, from 0
 * @returns images that were looked at; 0 without such batch norms
 * @throws DivergenceError if the new statistics are not finite; nothing is changed then
 */
export async function renewStatistics(net: Module, loader: BatchLoader, epoch: number): Promise<number> {
  const norms = trained(net);
  if (norms.length === 0) return 0;
  const batches = firstBatches(loader, epoch, AVERAGE_IMAGES);
  const { estimated, images } = await estimate(net, norms, valuesOf(norms), batches);
  if (images === 0) return 0;
  refuseNonFinite(net, estimated);
  put(estimated);
  return images;
}

/**
 * Estimates the running statistics of the batch norms that are in training mode anew, and keeps or takes them; frozen
 * ones stay. Weights, modes, random streams and gradients stay as they are. Warns if new statistics were taken, and if
 * evaluation is far below training on the same images.
 *
 * @param epoch whose images are taken, from 0
 * @param warns false on ranks that do not report
 * @returns null if the network has no such batch norms, or neither is quantized nor asked for
 * @throws DivergenceError if the new statistics are not finite; nothing is changed then
 */
export async function settleStatistics(
  net: Module,
  loader: BatchLoader,
  epoch: number,
  recalibrate: Recalibrate,
  warns = true,
): Promise<NormStatistics | null> {
  const norms = trained(net);
  if (norms.length === 0 || !(recalibrate === true || isQuantized(net))) return null;
  const running = valuesOf(norms);
  const { estimated, images, hits } = await estimate(net, norms, running, firstBatches(loader, epoch));
  if (images === 0) return null;
  refuseNonFinite(net, estimated);
  const counts = await compare(net, running, estimated, firstBatches(loader, epoch));
  const better = counts.gained - counts.lost > ERRORS * Math.sqrt(counts.gained + counts.lost);
  const taken = recalibrate === true || (recalibrate === "auto" && better);
  if (taken) put(estimated);
  const statistics: NormStatistics = {
    images,
    batch: hits / images,
    running: counts.running / images,
    estimated: counts.estimated / images,
    taken,
  };
  if (warns) report(statistics, recalibrate, better);
  return statistics;
}

function report(
  { images, batch, running, estimated, taken }: NormStatistics,
  recalibrate: Recalibrate,
  better: boolean,
): void {
  const of = `of ${images} training images`;
  if (taken && better && recalibrate === "auto") {
    warn(
      `the running statistics of batch norms stood for another network than the one that training ended with: ${percent(running)} ${of} right, ` +
        `${percent(estimated)} with statistics estimated anew, which were taken (recalibrate: false keeps the old ones)`,
    );
  }
  const evaluated = taken ? estimated : running;
  if (batch - evaluated > GAP) {
    warn(
      `evaluation is far below training: ${percent(evaluated)} ${of} right in evaluation mode, ${percent(batch)} with each batch's own statistics, as in ` +
        `training; ${better && !taken ? `recalibrate: "auto" gives ${percent(estimated)}` : "try larger batches, or a lower rate at the end"}`,
    );
  }
}

function refuseNonFinite(net: Module, values: Values): void {
  for (const [name, module] of net.namedModules()) {
    const pair = values.get(module as BatchNorm);
    if (pair === undefined) continue;
    for (const [i, field] of ["running_mean", "running_var"].entries()) {
      const bad = pair[i].filter((value) => !Number.isFinite(value)).length;
      if (bad === 0) continue;
      throw new DivergenceError({
        op: "fit",
        what: "statistics of batch norms left the finite numbers",
        expected: "finite numbers",
        got: `${bad} NaN or infinite in ${name === "" ? field : `${name}.${field}`}`,
        hint: "nothing was changed",
      });
    }
  }
}
