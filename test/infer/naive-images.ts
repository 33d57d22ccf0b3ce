/** @file Definitions of kinds that change the extents of images, and of layer norm, one number at a time. */
import { sizeOf } from "../../src/core/shape.js";
import type { NodeData, NodeOf } from "../../src/format/index.js";

const { fround } = Math;

/** Where output p of an axis reads, and how much of the later neighbour it takes. */
function place(node: NodeOf<"resize">, p: number, axis: 0 | 1, extent: number): { at: number; share: number } {
  const out = node.size[axis];
  const scale = axis === 0 ? node.scaleH : node.scaleW;
  const { coordinates, mode } = node;
  let x = 0;
  if (coordinates === "align_corners") x = out === 1 ? 0 : (p * (extent - 1)) / (out - 1);
  else if (coordinates === "asymmetric") x = scale === undefined ? (p * extent) / out : p / scale;
  else x = scale === undefined ? ((2 * p + 1) * extent - out) / (2 * out) : (p + 0.5) / scale - 0.5;
  if (mode === "nearest") {
    const nearest = coordinates === "asymmetric" ? Math.floor(x) : Math.floor(x + 0.5);
    return { at: Math.min(extent - 1, Math.max(0, nearest)), share: 0 };
  }
  const clamped = Math.min(extent - 1, Math.max(0, x));
  return { at: Math.floor(clamped), share: fround(clamped - Math.floor(clamped)) };
}

export function resized(node: NodeOf<"resize">, xs: readonly number[], [h, w, C]: readonly number[]): number[] {
  const out: number[] = [];
  const mix = (a: number, b: number, share: number): number =>
    node.mode === "nearest" ? a : fround(fround(a * fround(1 - share)) + fround(b * share));
  for (let p = 0; p < node.size[0]; p++) {
    for (let q = 0; q < node.size[1]; q++) {
      const [row, column] = [place(node, p, 0, h), place(node, q, 1, w)];
      for (let c = 0; c < C; c++) {
        const at = (y: number, x: number): number => xs[(Math.min(h - 1, y) * w + Math.min(w - 1, x)) * C + c];
        const along = (y: number): number => mix(at(y, column.at), at(y, column.at + 1), column.share);
        out.push(mix(along(row.at), along(row.at + 1), row.share));
      }
    }
  }
  return out;
}

/** One sum for each output, over taps in the order of the pixels that they read, then channels. */
export function transposed(
  node: NodeOf<"convTranspose">,
  xs: readonly number[],
  [h, w, C]: readonly number[],
  [oh, ow]: readonly number[],
  { weight = new Float32Array(), bias }: NodeData,
): number[] {
  const { kernel, stride, dilation, padding, groups = 1, out } = node;
  const [inner, filters] = [C / groups, out / groups];
  const rounded = groups > 1 && inner === 1 ? (value: number) => value : fround;
  const source = (y: number, tap: number, axis: 0 | 1, extent: number): number => {
    const from = y + padding[2 * axis] - tap * dilation[axis];
    return from % stride[axis] === 0 && from >= 0 && from / stride[axis] < extent ? from / stride[axis] : -1;
  };
  const values: number[] = [];
  for (let y = 0; y < oh; y++) {
    for (let x = 0; x < ow; x++) {
      for (let o = 0; o < out; o++) {
        let sum = 0;
        for (let i = kernel[0] - 1; i >= 0; i--) {
          for (let j = kernel[1] - 1; j >= 0; j--) {
            const [r, q] = [source(y, i, 0, h), source(x, j, 1, w)];
            for (let c = 0; c < inner; c++) {
              const channel = Math.floor(o / filters) * inner + c;
              const tap = weight[((channel * filters + (o % filters)) * kernel[0] + i) * kernel[1] + j];
              sum = rounded(sum + fround((r < 0 || q < 0 ? 0 : xs[(r * w + q) * C + channel]) * tap));
            }
          }
        }
        sum = fround(sum);
        values.push(bias === undefined ? sum : fround(sum + bias[o]));
      }
    }
  }
  return values;
}

export function layerNormed(
  { axes, eps }: NodeOf<"layerNorm">,
  xs: readonly number[],
  shape: readonly number[],
  { scale, shift }: NodeData,
): number[] {
  const size = sizeOf(shape.slice(-axes));
  const mean = (values: readonly number[]): number => fround(fround(values.reduce((a, b) => a + b, 0)) / size);
  return Array.from({ length: xs.length / size }, (_, row) => {
    const own = xs.slice(row * size, (row + 1) * size);
    const middle = mean(own);
    const distances = own.map((x) => fround(x - middle));
    const variance = mean(distances.map((d) => fround(d * d)));
    const invStd = fround(1 / fround(Math.sqrt(fround(variance + eps))));
    return distances.map((d, i) => {
      const scaled = scale === undefined ? fround(d * invStd) : fround(fround(d * invStd) * scale[i]);
      return shift === undefined ? scaled : fround(scaled + shift[i]);
    });
  }).flat();
}
