/**
 * @file COMQ over a network: layer by layer, each on inputs from the layers before it as they are quantized by then.
 */

import type { Tensor } from "../autograd/tensor.js";
import { channelsLast } from "../codes/rows.js";
import { PIXEL_STEP } from "../codes/scales.js";
import { check, checkOptions, flag, instanceOf, integer } from "../core/checks.js";
import { untrack } from "../memory/scope.js";
import { patchesAt } from "../ndarray/convolve/direct.js";
import { addGram } from "../ndarray/linear.js";
import { NDArray } from "../ndarray/ndarray.js";
import { type Convolution, positions } from "../ndarray/window.js";
import { BatchNorm } from "../nn/batch-norm.js";
import { type AroundCall, aroundCalls } from "../nn/calls.js";
import { Module } from "../nn/module.js";
import { convolution } from "../ops/conv.js";
import { convolution1d } from "../ops/conv1d.js";
import { type CalibrationSource, run, STATISTICS_RULES, type StatisticsOptions, take, withModes } from "./calibrate.js";
import { COMQ_RULES, type ComqOptions, comqLayer } from "./comq.js";
import { isQuantLayer, QuantConv1d, type QuantConv2d, type QuantLayer, QuantLinear } from "./layers.js";
import { onGrid } from "./projection/index.js";

/** What {@link comq} did to one layer. */
export interface ComqLayer {
  /** Path of the layer. */
  readonly name: string;
  /** ‖X W − X W_q‖² of the projection that it had, and of what was found. */
  readonly before: number;
  /** The same after it. */
  readonly after: number;
}

/** Choices of {@link comq}. */
export interface ComqNetworkOptions extends ComqOptions, StatisticsOptions {
  /**
   * Rows of inputs (patches, for convolutions) that a layer's Gram matrix is made of, from all batches alike. Default
   * 8192.
   */
  readonly samples?: number;
  /**
   * For layers that a batch norm follows (the next module, with as many features): leave out of the error what that
   * batch norm takes away once its statistics are estimated anew, which is the mean of each output and its scale. Codes
   * are then not spent on matching means, and a row whose weights are smaller than the layer's shared δ keeps its
   * direction instead of cancelling itself. Needs `recalibrateBatchNorm` afterwards. Default false, as in the paper.
   */
  readonly normalized?: boolean;
}

/**
 * Rows of inputs that are taken together: neighbouring patches are much alike, so that a few runs from everywhere say
 * more than one long one.
 */
const RUN_ROWS = 64;

/** The convolution that a layer is of its input. */
function convolutionOf(layer: QuantConv2d | QuantConv1d, x: NDArray): Convolution {
  const { groups, weight } = layer;
  if (layer instanceof QuantConv1d) {
    const { stride, padding, dilation } = layer;
    return convolution1d("comq", x.shape, weight.shape, { stride, padding, dilation, groups });
  }
  const { stride, padding, dilation } = layer;
  return convolution("comq", x.shape, weight.shape, { stride, padding, dilation, groups });
}

/**
 * About `most` of a layer's input rows (patches of one group, for convolutions), in runs spread evenly over all; a new
 * array [rows, columns].
 */
function rowsOf(layer: QuantLayer, x: NDArray, group: number, most: number): NDArray {
  if (layer instanceof QuantLinear) return x.reshape([x.size / layer.inFeatures, layer.inFeatures]);
  const conv = convolutionOf(layer, x);
  const rows = positions(conv.geometry);
  const length = rows <= most ? rows : Math.min(most, RUN_ROWS);
  const runs = rows <= most ? 1 : Math.floor(most / length);
  const starts = Array.from({ length: runs }, (_, run) =>
    runs === 1 ? 0 : Math.round((run * (rows - length)) / (runs - 1)),
  );
  return patchesAt(x, conv, group, starts, length);
}

/** Σ of outer products of rows, for every group, of what a layer is given. */
class Gram {
  readonly sums: NDArray[];
  readonly #layer: QuantLayer;
  /** Sums of each group's columns, and of rows. */
  readonly #totals: Float64Array[];
  #count = 0;
  /** Rows to take of each batch. */
  readonly #share: number;

  constructor(layer: QuantLayer, share: number) {
    this.#layer = layer;
    this.#share = share;
    const { shape } = layer.weight;
    const columns = shape.slice(1).reduce((product, extent) => product * extent, 1);
    const groups = layer instanceof QuantLinear ? 1 : layer.groups;
    this.sums = Array.from({ length: groups }, () => NDArray.zeros([columns, columns]));
    for (const sum of this.sums) untrack(sum);
    this.#totals = this.sums.map(() => new Float64Array(columns));
  }
  /** The Gram matrix of a group; of inputs less their means if `centered`. */
  matrix(group: number, centered: boolean): Float64Array {
    const total = this.#totals[group];
    const out = Float64Array.from(this.sums[group].view() as Float32Array);
    if (!centered || this.#count === 0) return out;
    for (let i = 0; i < total.length; i++) {
      for (let j = 0; j < total.length; j++) out[i * total.length + j] -= (total[i] * total[j]) / this.#count;
    }
    return out;
  }
  add(x: Tensor): void {
    let used = 0;
    this.sums.forEach((sum, group) => {
      const rows = rowsOf(this.#layer, x.value, group, this.#share);
      const [count, columns] = rows.shape;
      used = Math.min(count, this.#share);
      addGram(sum, rows, used);
      const values = rows.view();
      for (let at = 0; at < used * columns; at++) this.#totals[group][at % columns] += Number(values[at]);
    });
    this.#count += used;
  }
  dispose(): void {
    for (const sum of this.sums) sum.dispose();
  }
}

/** Index in [O,I,Kh,Kw] of each element of rows [O,Kh,Kw,I]. */
function placesOf({ weight }: QuantLayer): Int32Array {
  const [O, , kh = 1, kw = 1] = weight.shape;
  const places = Int32Array.from({ length: weight.size }, (_, at) => at);
  return channelsLast(places, O, kh * kw);
}

/** True if the module after a layer takes away means and scales of its outputs. */
function isNormalizedBy({ weight }: QuantLayer, next: Module | undefined): boolean {
  return next instanceof BatchNorm && next.features === weight.shape[0];
}

/** Solves one layer and puts δ·q in the place of its weights. */
function solve(
  layer: QuantLayer,
  gram: Gram,
  normalized: boolean,
  options: ComqOptions,
): { before: number; after: number } {
  const { weight } = layer;
  const places = placesOf(layer);
  const latent = weight.data.view().slice() as Float32Array;
  const { codes, delta, bits } = weight.quantized();
  const codesNow = codes.view().slice() as Int8Array;
  const start = delta.slice();
  const groups = gram.sums.length;
  const rows = weight.shape[0] / groups;
  const columns = weight.size / weight.shape[0];
  const result = new Float32Array(weight.size);
  let [before, after] = [0, 0];
  gram.sums.forEach((_, group) => {
    const part = places.subarray(group * rows * columns, (group + 1) * rows * columns);
    const own = start.length === 1 ? start : start.subarray(group * rows, (group + 1) * rows);
    // Behind a batch norm every row has a scale of its own, whether it is stored or not.
    const scales = normalized && own.length === 1 ? new Float32Array(rows).fill(own[0]) : own;
    const solution = comqLayer(
      {
        weights: Float32Array.from(part, (at) => latent[at]),
        gram: gram.matrix(group, normalized),
        rows,
        columns,
        bits,
        codes: Int8Array.from(part, (at) => codesNow[at]),
        delta: scales,
      },
      options,
    );
    before += solution.objective[0];
    after += solution.objective[solution.objective.length - 1];
    part.forEach((at, i) => {
      const scale = scales === own ? solution.delta[own.length === 1 ? 0 : Math.floor(i / columns)] : own[0];
      result[at] = scale * solution.codes[i];
    });
  });
  if (after <= before) {
    weight.set(result);
    weight.projection = onGrid(weight.projection);
  }
  return { before, after: Math.min(before, after) };
}

/**
 * Quantizes the weights of a prepared network by COMQ, layer by layer in the order of the modules: each layer's inputs
 * come from the already quantized layers before it, and codes and scales minimize ‖X W − X W_q‖² by coordinate descent.
 * No gradients, no labels.
 *
 * The latent weights become δ·q, and their rule keeps them there ({@link onGrid}), so that evaluation, packing and a
 * training that starts here begin with COMQ's codes. A layer with groups that share one scale is left as it is.
 *
 * @param net quantized by `prepare`, its staircases calibrated; modes are put back afterwards
 * @param source batches of inputs; nothing else is used
 * @param options `batches` 8, `samples` 8192, `sweeps` 4, `order` "greedy", `normalized` false
 * @returns the layers' objectives before and after
 * @throws ArgumentError without batches or on options out of range; QuantError if a weight is not finite
 * @see arXiv:2403.07134
 * @example
 * prepare(net, { weights: 4, activations: 4 });
 * await calibrate(net, loader.epoch(0));
 * await comq(net, loader.epoch(0), { batches: 4, normalized: true });
 * await recalibrateBatchNorm(net, loader.epoch(0));
 */
export async function comq(
  net: Module,
  source: CalibrationSource,
  options: ComqNetworkOptions = {},
): Promise<ComqLayer[]> {
  check("comq", "network", net, instanceOf(Module, "a module"));
  checkOptions<ComqNetworkOptions>("comq", options, {
    ...STATISTICS_RULES,
    ...COMQ_RULES,
    samples: integer(1),
    normalized: flag,
  });
  const { samples = 8192, batches: count = 8, inputStep = PIXEL_STEP, normalized = false, sweeps, order } = options;
  const batches = await take(source, count);
  const modules = [...net.namedModules()];
  const layers = modules.flatMap(([name, module], i) =>
    isQuantLayer(module) ? [{ name, module, free: normalized && isNormalizedBy(module, modules[i + 1]?.[1]) }] : [],
  );
  const results: ComqLayer[] = [];
  for (const { name, module, free } of layers) {
    const grouped = !(module instanceof QuantLinear) && module.groups > 1;
    if (grouped && module.weight.granularity === "layer") continue;
    const gram = new Gram(module, Math.ceil(samples / batches.length));
    const gathered: AroundCall = (_, [x], forward) => {
      gram.add(x as Tensor);
      return forward();
    };
    try {
      aroundCalls([module], gathered, () =>
        withModes(net, false, () => {
          for (const batch of batches) run(net, batch, inputStep);
        }),
      );
      results.push({ name, ...solve(module, gram, free, { sweeps, order }) });
    } finally {
      gram.dispose();
    }
  }
  return results;
}
