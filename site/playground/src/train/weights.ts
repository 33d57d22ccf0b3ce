/** @file A network's weights made small enough to be shown. Runs in workers. */
import { weightCodes } from "coarsegrad/inspect";
import { Conv2d, Linear, type Module } from "coarsegrad/nn";
import { QuantConv2d, QuantLinear } from "coarsegrad/quant";
import { layerView } from "../shell/views.js";
import type { Filters, WeightsView } from "./record.js";

const MOST_FILTERS = 32;

/** Paths of the quantized layers, in the order of the network. */
export function quantizedLayers(net: Module): string[] {
  const isQuant = (module: Module): boolean => module instanceof QuantConv2d || module instanceof QuantLinear;
  return [...net.namedModules()].flatMap(([name, module]) => (isQuant(module) ? [name] : []));
}

/** What a network's weights are now. */
export function viewOf(net: Module, imageShape: readonly number[]): WeightsView {
  const layers = [];
  let filters: Filters | null = null;
  for (const [name, module] of net.namedModules()) {
    const layer = layerOf(module);
    if (layer === null) continue;
    layers.push(layerView(name, layer.bits, layer.latent, layer.levels));
    if (layers.length === 1) filters = filtersOf(name, layer, imageShape);
  }
  return { layers, filters };
}

interface Layer {
  readonly bits: number;
  readonly shape: readonly number[];
  readonly latent: Float32Array;
  readonly top: number;
  readonly levels: { readonly codes: Int8Array; readonly delta: Float32Array } | null;
}

function layerOf(module: Module): Layer | null {
  if (module instanceof QuantConv2d || module instanceof QuantLinear) {
    const { codes, delta, bits, top, shape } = weightCodes(module);
    const latent = module.weight.data.toTypedArray() as Float32Array;
    return { bits, shape, latent, top, levels: { codes, delta } };
  }
  if (module instanceof Conv2d || module instanceof Linear) {
    const { data } = module.weight;
    return { bits: 32, shape: data.shape.slice(), latent: data.toTypedArray() as Float32Array, top: 1, levels: null };
  }
  return null;
}

/** Filters of a layer that sees the image, one channel under the other; null for others. */
function filtersOf(
  name: string,
  { bits, shape, latent, top, levels }: Layer,
  image: readonly number[],
): Filters | null {
  const [total, ...rest] = shape;
  const size = rest.reduce((product, extent) => product * extent, 1);
  const isConv = rest.length === 3;
  const [height, width, depth] = image;
  if (!isConv && size !== height * width * depth) return null;
  const [rows, columns, channels] = isConv ? [rest[1], rest[2], rest[0]] : [height, width, depth];
  const count = Math.min(total, isConv ? MOST_FILTERS : MOST_FILTERS / 4);
  const values = new Float32Array(count * size);
  const most = latent.reduce((a, w) => Math.max(a, Math.abs(w)), 0) || 1;
  for (let k = 0; k < count; k++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < rows * columns; p++) {
        const from = k * size + (isConv ? c * rows * columns + p : p * channels + c);
        values[(k * channels + c) * rows * columns + p] =
          levels === null ? latent[from] / most : levels.codes[from] / top;
      }
    }
  }
  return { layer: name, bits, count, rows: rows * channels, columns, values };
}
