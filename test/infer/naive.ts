/** @file A packed model run by its definition, one number at a time: what the runtime is compared with. */
import { sizeOf } from "../../src/core/shape.js";
import {
  INPUT_ID,
  inputsOf,
  type NodeData,
  type NodeOf,
  type Plan,
  type PlanNode,
  type PlanWindow,
  planValues,
  type ValueType,
} from "../../src/format/index.js";
import * as lanes from "../../src/kernels/elementwise/lanes.js";
import { layerNormed, resized, transposed } from "./naive-images.js";

const { fround } = Math;

/** Offsets in the image of the taps of the window at each output position, −1 where padded. */
function* windows(node: PlanWindow, [H, W, C]: readonly number[], [oh, ow]: readonly number[]): Generator<number[]> {
  for (let p = 0; p < oh; p++) {
    for (let q = 0; q < ow; q++) {
      const taps: number[] = [];
      for (let i = 0; i < node.kernel[0]; i++) {
        for (let j = 0; j < node.kernel[1]; j++) {
          const y = p * node.stride[0] + i * node.dilation[0] - node.padding[0];
          const x = q * node.stride[1] + j * node.dilation[1] - node.padding[2];
          taps.push(y < 0 || y >= H || x < 0 || x >= W ? -1 : (y * W + x) * C);
        }
      }
      yield taps;
    }
  }
}

function staircase(x: number, step: number, bits: number, nearest: boolean): number {
  if (!(x > 0)) return 0;
  const q = fround(x / step);
  const up = Math.floor(q + 0.5);
  const code = nearest ? (up - q === 0.5 && up % 2 === 1 ? up - 1 : up) : Math.ceil(q);
  return Math.min(code, 2 ** bits - 1);
}

/** Functions of one number by their definitions, in f64; exp is the kernels' own. */
function functionOf({ fn, alpha, beta }: NodeOf<"activation">): (x: number) => number {
  const [a, b] = [alpha ?? 0, beta ?? 0];
  switch (fn) {
    case "sigmoid":
      return lanes.sigmoid;
    case "tanh":
      return lanes.tanh;
    case "clip":
      return (x) => Math.min(Math.max(x, alpha ?? -Infinity), beta ?? Infinity);
    case "leakyRelu":
      return (x) => (x > 0 ? x : a * x);
    case "elu":
      return (x) => b * (x > 0 ? x : a * lanes.expm1(x));
    case "hardSwish":
      return (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6;
    case "hardSigmoid":
      return (x) => Math.min(Math.max(a * x + b, 0), 1);
    case "silu":
      return (x) => x * lanes.sigmoid(x);
    case "gelu":
      return (x) => x * lanes.normal(x);
    default:
      return (x) => x * lanes.sigmoid(1.5957691216057308 * (x + 0.044715 * (x * x) * x));
  }
}

/** Where element i of a shape is in a value whose axes of extent 1 are repeated. */
function repeatedPlace(i: number, wide: readonly number[], shape: readonly number[]): number {
  let [rest, place, below] = [i, 0, 1];
  for (let axis = wide.length - 1; axis >= 0; axis--) {
    place += below * ((rest % wide[axis]) % shape[axis]);
    below *= shape[axis];
    rest = Math.floor(rest / wide[axis]);
  }
  return place;
}

/** Values of one node for one image. */
function nodeValues(
  node: PlanNode,
  all: readonly ArrayLike<number>[],
  inputs: readonly ValueType[],
  output: ValueType,
  data: NodeData,
): number[] {
  const [xs, other] = all.map((x) => Array.from(x));
  const [input] = inputs;
  const C = input.shape[input.shape.length - 1];
  switch (node.op) {
    case "conv":
    case "linear": {
      const groups = node.op === "conv" ? node.groups : 1;
      const patches = node.op === "conv" ? [...windows(node, input.shape, output.shape)] : [[0]];
      const channels = node.op === "conv" ? C / groups : xs.length;
      const codes = data.codes as Int8Array;
      const patch = codes.length / node.out;
      return patches.flatMap((taps) =>
        Array.from({ length: node.out }, (_, o) => {
          const from = Math.floor(o / (node.out / groups)) * channels;
          let acc = 0;
          taps.forEach((at, t) => {
            if (at < 0) return;
            for (let c = 0; c < channels; c++) acc += xs[at + from + c] * codes[o * patch + t * channels + c];
          });
          if (data.thresholds !== undefined) {
            const { values, flip, top } = data.thresholds;
            let code = 0;
            for (let k = 0; k < top; k++) {
              const t = values[o * top + k];
              if (flip[o] === 1 ? acc <= t : acc >= t) code++;
            }
            return code;
          }
          const delta = data.delta as Float32Array;
          const z = fround(fround(acc) * fround(delta[delta.length === 1 ? 0 : o] * (input.step as number)));
          return fround(z + (data.bias?.[o] ?? 0));
        }),
      );
    }
    case "floatConv":
    case "floatLinear": {
      const patches = node.op === "floatConv" ? [...windows(node, input.shape, output.shape)] : [[0]];
      const groups = node.op === "floatConv" ? (node.groups ?? 1) : 1;
      const channels = node.op === "floatConv" ? C / groups : xs.length;
      const window = patches[0].length;
      const weightAt = (o: number, c: number, t: number): number =>
        data.codes === undefined
          ? (data.weight as Float32Array)[(o * channels + c) * window + t]
          : data.codes[(o * window + t) * channels + c];
      // One channel a group is summed in f64, as training's depthwise convolution does.
      const rounded = groups > 1 && channels === 1 ? (value: number) => value : fround;
      return patches.flatMap((taps) =>
        Array.from({ length: node.out }, (_, o) => {
          const from = Math.floor(o / (node.out / groups)) * channels;
          let sum = 0;
          taps.forEach((at, t) => {
            for (let c = 0; c < channels; c++) {
              const w = weightAt(o, c, t);
              sum = rounded(sum + fround((at < 0 ? 0 : xs[at + from + c]) * w));
            }
          });
          sum = fround(sum);
          return data.bias === undefined ? sum : fround(sum + data.bias[o]);
        }),
      );
    }
    case "maxPool":
    case "avgPool":
      return [...windows(node, input.shape, output.shape)].flatMap((taps) =>
        Array.from({ length: C }, (_, c) => {
          const inside = taps.filter((at) => at >= 0).map((at) => xs[at + c]);
          if (node.op === "maxPool") return Math.max(...inside);
          const sum = inside.reduce((a, b) => fround(a + b), 0);
          const mean = fround(sum / (node.includePad ? taps.length : inside.length));
          return input.step === null ? mean : fround(mean * input.step);
        }),
      );
    case "flatten":
      return xs;
    case "resize":
      return resized(node, xs, input.shape);
    case "convTranspose":
      return transposed(node, xs, input.shape, output.shape, data);
    case "layerNorm":
      return layerNormed(node, xs, input.shape, data);
    case "padChannels": {
      const [before, after] = node.channels;
      const pixels = Array.from({ length: xs.length / C }, (_, p) => xs.slice(p * C, (p + 1) * C));
      return pixels.flatMap((pixel) => [...Array(before).fill(0), ...pixel, ...Array(after).fill(0)]);
    }
    case "pad": {
      const [top, bottom, left, right] = node.padding;
      const [h, w] = input.shape;
      const out: number[] = [];
      for (let y = -top; y < h + bottom; y++) {
        for (let p = -left; p < w + right; p++) {
          const inside = y >= 0 && y < h && p >= 0 && p < w;
          for (let c = 0; c < C; c++) out.push(inside ? xs[(y * w + p) * C + c] : 0);
        }
      }
      return out;
    }
    case "concat": {
      const widths = inputs.map(({ shape }) => shape[shape.length - 1]);
      const rows = xs.length / C;
      return Array.from({ length: rows }, (_, r) =>
        all.flatMap((x, i) => Array.from(x).slice(r * widths[i], (r + 1) * widths[i])),
      ).flat();
    }
    case "slice": {
      const extents = [1, 1, 1, ...input.shape].slice(-3);
      const lead = 3 - input.shape.length;
      const range = (axis: number): number[] =>
        axis < lead
          ? [0]
          : Array.from(
              { length: node.count[axis - lead] },
              (_, i) => node.start[axis - lead] + i * node.step[axis - lead],
            );
      return range(0).flatMap((y) =>
        range(1).flatMap((p) => range(2).map((c) => xs[(y * extents[1] + p) * extents[2] + c])),
      );
    }
    case "dequantize":
      return xs.map((code) => fround(code * (input.step as number)));
    case "relu":
      return xs.map((value) => Math.max(value, 0));
    case "activation": {
      const f = functionOf(node);
      return xs.map((x, i) => fround(node.fn === "prelu" ? (x > 0 ? x : (data.value?.[i % C] ?? 0) * x) : f(x)));
    }
    case "add":
      return xs.map((value, i) => fround(value + other[i]));
    case "multiply":
      return Array.from({ length: sizeOf(output.shape) }, (_, i) => {
        return fround(
          xs[repeatedPlace(i, output.shape, input.shape)] * other[repeatedPlace(i, output.shape, inputs[1].shape)],
        );
      });
    case "affine": {
      const { scale, shift } = data as Required<NodeData>;
      return xs.map((value, i) => fround(fround(value * scale[i % C]) + shift[i % C]));
    }
    case "channel": {
      const value = data.value as Float32Array;
      const by = { add: 1, sub: 1, mul: 1, div: 1, [node.fn]: 0 };
      return xs.map((v, i) => {
        const k = value[i % C];
        return fround(by.add === 0 ? v + k : by.sub === 0 ? v - k : by.mul === 0 ? v * k : v / k);
      });
    }
    case "staircase": {
      const { step, bits, rounding } = node.activation;
      return xs.map((value) => staircase(value, step, bits, rounding === "nearest"));
    }
  }
}

/** All values of a model for `count` images, by id. */
export function naiveRun(
  plan: Plan,
  data: ReadonlyMap<string, NodeData>,
  input: ArrayLike<number>,
): Map<string, number[]> {
  const types = planValues(plan, "naive");
  const size = sizeOf(plan.input.shape);
  const all = new Map<string, number[]>([
    [INPUT_ID, Array.from(input)],
    ...plan.nodes.map(({ id }) => [id, []] as [string, number[]]),
  ]);
  for (let n = 0; n < input.length / size; n++) {
    const image = new Map<string, ArrayLike<number>>([[INPUT_ID, Array.from(input).slice(n * size, (n + 1) * size)]]);
    for (const node of plan.nodes) {
      const type = (id: string) => types.get(id) as ValueType;
      const sources = inputsOf(node).map((id) => image.get(id) as ArrayLike<number>);
      const y = nodeValues(node, sources, inputsOf(node).map(type), type(node.id), data.get(node.id) ?? {});
      image.set(node.id, y);
      all.get(node.id)?.push(...y);
    }
  }
  return all;
}
