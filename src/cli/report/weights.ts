/** @file The weights of a trained network as the page shows them: histograms with levels, first kernels as pictures. */
import { Conv2d } from "../../nn/conv.js";
import { Conv1d } from "../../nn/conv1d.js";
import { Linear } from "../../nn/linear.js";
import type { Module } from "../../nn/module.js";
import { isQuantLayer, type QuantLayer } from "../../quant/layers.js";
import { QuantParameter } from "../../quant/quant-parameter.js";
import type { Kernels, LayerWeights, Level, Picture, Weights } from "./model.js";
import { picture } from "./picture.js";

/** An odd number: one bin has zero in its middle. */
const BINS = 49;
/** Share of the weights that lie within the axis. */
const WITHIN = 0.998;
/** Most kernels that are drawn. */
const MOST_KERNELS = 64;
/** Colours of the largest weight, of none and of the smallest, in light and in dark pages. */
const [PLUS, ZERO, MINUS] = [
  [0x2a, 0x78, 0xd6],
  [0xe2, 0xe0, 0xd8],
  [0xe0, 0x5f, 0x2c],
] as const;

type Layer = Conv2d | Conv1d | Linear | QuantLayer;

const isLayer = (module: Module): module is Layer =>
  isQuantLayer(module) || [Conv2d, Conv1d, Linear].some((type) => module instanceof type);

/** Weights of one layer as plain numbers. */
interface Plain {
  readonly name: string;
  readonly bits: number;
  readonly shape: readonly number[];
  readonly latent: Float32Array;
  /** Null for float layers. */
  readonly codes: Int8Array | null;
  readonly top: number;
  readonly delta: Float32Array | null;
}

/**
 * Everything that the page shows of a network's weights.
 *
 * @param inputShape [H, W, C] of its images: what kernels of a linear first layer look at
 * @throws QuantError if a weight is NaN or infinite
 */
export function weightsOf(net: Module, inputShape: readonly number[]): Weights {
  const layers = [...net.namedModules()].flatMap(([name, module]) => (isLayer(module) ? [plain(name, module)] : []));
  return {
    layers: layers.map(layerWeights),
    kernels: layers.length === 0 ? null : kernelsOf(layers[0], inputShape),
  };
}

function plain(name: string, { weight }: Layer): Plain {
  const { shape } = weight.data;
  const latent = weight.data.view().slice() as Float32Array;
  if (!(weight instanceof QuantParameter)) {
    return { name, bits: 32, shape, latent, codes: null, top: 1, delta: null };
  }
  const { codes, bits, delta, top } = weight.quantized();
  return { name, bits, shape, latent, codes: codes.view().slice() as Int8Array, top, delta: delta.slice() };
}

/** Latent weights in bins, and how many have each level. */
function layerWeights({ name, bits, latent, codes, delta }: Plain): LayerWeights {
  const perChannel = delta !== null && delta.length > 1;
  const row = perChannel ? latent.length / delta.length : latent.length;
  const values = perChannel ? latent.map((w, i) => w / (delta[Math.floor(i / row)] || 1)) : latent;
  const levels = codes === null ? [] : levelsOf(codes, perChannel ? 1 : (delta?.[0] ?? 1));
  const sizes = values.map(Math.abs).sort();
  const most = sizes[Math.min(sizes.length - 1, Math.floor(WITHIN * sizes.length))] ?? 0;
  const edge = Math.max(most, 1.1 * Math.max(0, ...levels.map(({ at }) => Math.abs(at)))) || 1;
  const bins = new Array<number>(BINS).fill(0);
  for (const value of values) {
    bins[Math.max(0, Math.min(BINS - 1, Math.floor(((value + edge) / (2 * edge)) * BINS)))]++;
  }
  return { name, bits, count: latent.length, unit: perChannel ? "w/δ" : "w", edge, bins, levels };
}

function levelsOf(codes: Int8Array, step: number): Level[] {
  const counts = new Map<number, number>();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([code, found]) => ({ at: code * step, share: found / codes.length }));
}

/** The kernels of a layer that sees the image, or null. */
function kernelsOf(layer: Plain, inputShape: readonly number[]): Kernels | null {
  const [total, ...rest] = layer.shape;
  const size = rest.reduce((product, extent) => product * extent, 1);
  const [height, width, depth] = inputShape;
  // Weights of a convolution lie by channels, rows, columns; an image's by rows, columns, channels.
  const isConv = rest.length === 3;
  if (!isConv && size !== height * width * depth) return null;
  const [rows, columns, channels] = isConv ? [rest[1], rest[2], rest[0]] : [height, width, depth];
  if (channels > 3) return null;
  const place = (y: number, x: number, c: number): number =>
    isConv ? (c * rows + y) * columns + x : (y * columns + x) * channels + c;
  const shades = shadesOf(layer);
  const draw = (kernel: number): Picture => {
    const pixels = new Uint8Array(3 * channels * rows * columns);
    let at = 0;
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++, at += 3) pixels.set(color(shades[kernel * size + place(y, x, c)]), at);
      }
    }
    return picture({ width: columns, height: rows * channels, channels: 3, pixels });
  };
  const shown = Math.min(total, isConv ? MOST_KERNELS : MOST_KERNELS / 4);
  return {
    layer: layer.name,
    bits: layer.bits,
    total,
    shape: [rows, columns, channels],
    pictures: Array.from({ length: shown }, (_, kernel) => draw(kernel)),
  };
}

/** Weights as shares of the largest, in [−1, 1]: the codes, where there are codes. */
function shadesOf({ latent, codes, top }: Plain): Float32Array {
  if (codes !== null) return Float32Array.from(codes, (code) => code / top);
  const largest = latent.reduce((most, w) => Math.max(most, Math.abs(w)), 0) || 1;
  return latent.map((w) => w / largest);
}

function color(shade: number): number[] {
  const end = shade < 0 ? MINUS : PLUS;
  return ZERO.map((zero, i) => Math.round(zero + (end[i] - zero) * Math.abs(shade)));
}
