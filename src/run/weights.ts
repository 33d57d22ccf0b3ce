/** @file Float weights of a file into a network, in the layout that the file states. */
import { FormatError } from "../core/errors.js";
import { type Shape, sameShape } from "../core/shape.js";
import type { SafeTensor } from "../io/safetensors.js";
import type { Module } from "../nn/module.js";
import { wrapperPrefix } from "../nn/prefix.js";
import { flattenedKeys, loadPyTorch } from "../nn/pytorch.js";
import type { HostArray } from "../nn/state.js";
import { load, WEIGHTS_FORMAT } from "../train/weights-file.js";
import type { WeightsSource } from "./source.js";

/**
 * Loads a file of plain weights into a float network, whose keys may all stand behind a wrapper's prefix:
 *
 * - `format` "pt": PyTorch's order of the inputs behind a flatten, as `loadPyTorch`;
 * - `format` "mlx": convolutions as [O,H,W,I];
 * - what `save` of `coarsegrad/train` wrote, and all others: as they are.
 *
 * @param inputShape of one image, [H,W,C]
 * @throws StateError that lists what does not match; FormatError for a tensor of the network whose element type is not
 * read
 */
export function loadWeights(net: Module, source: WeightsSource, inputShape: Shape): void {
  const { tensors, unread, metadata, path, bytes } = source;
  const slots = net.stateDict();
  const own = new Set(slots.keys());
  const prefix = wrapperPrefix([...tensors.keys(), ...unread.keys()], own);
  const lost = [...unread].find(([key]) => own.has(key.slice(prefix.length)));
  if (lost !== undefined) {
    const [key, got] = lost;
    const hint = "convert it to F32, F16 or BF16";
    throw new FormatError({ op: path, what: `tensor ${key}: element type`, expected: "floats", got, hint });
  }
  if (metadata.format === WEIGHTS_FORMAT) {
    load(bytes, net, { file: path });
    return;
  }
  const state = new Map([...tensors].map(([key, tensor]) => [key.slice(prefix.length), tensor]));
  if (metadata.format === "pt") {
    loadPyTorch(net, state, { inputShape });
    return;
  }
  if (metadata.format !== "mlx") {
    net.loadStateDict(state);
    return;
  }
  const wanted = (key: string): Shape => slots.get(key)?.shape ?? [];
  net.loadStateDict(new Map([...state].map(([key, tensor]) => [key, channelsFirst(tensor, wanted(key))])));
}

/** What to say of weights that do not state the order of their inputs behind a flatten; null where it is the same. */
export function layoutDoubt(net: Module, { metadata, path }: WeightsSource, inputShape: Shape): string | null {
  if (metadata.format !== undefined) return null;
  const [key] = flattenedKeys(net, inputShape);
  return key === undefined
    ? null
    : `${path} does not say who wrote it: the inputs of ${key} are taken as rows, columns, channels, not in PyTorch's order (metadata { format: "pt" } would say so)`;
}

/** Kernels [O,H,W,I] as [O,I,H,W], where a network wants that shape. */
function channelsFirst(tensor: SafeTensor, wanted: Shape): HostArray {
  const [outputs, height, width, inputs] = tensor.shape;
  if (tensor.shape.length !== 4 || !sameShape(wanted, [outputs, inputs, height, width])) return tensor;
  const data = tensor.data.slice();
  const pixels = height * width;
  for (let o = 0; o < outputs; o++) {
    const from = o * pixels * inputs;
    for (let p = 0; p < pixels; p++) {
      for (let i = 0; i < inputs; i++) data[from + i * pixels + p] = tensor.data[from + p * inputs + i];
    }
  }
  return { shape: wanted, data: data as HostArray["data"] };
}
