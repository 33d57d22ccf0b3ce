/** @file Weights from PyTorch: the one place where its layout of images shows. */
import { noGrad, traced, type Variable } from "../autograd/graph.js";
import { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, flag, instanceOf, integer, listOf, type Rule, text } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { type Shape, sameShape, shapeText, sizeOf } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { inEvaluation } from "./evaluation.js";
import { Module } from "./module.js";
import { wrapperPrefix } from "./prefix.js";
import { type HostArray, type LoadReport, stateEntries } from "./state.js";

const isHostArray: Rule = (value) => {
  const { shape, data } = (value ?? {}) as Partial<HostArray>;
  const good = integers(shape) === null && kindOf(data) !== null;
  return good && sizeOf(shape as Shape) === (data as HostArray["data"]).length
    ? null
    : "an array { shape, data } with a value for each place";
};
const integers = listOf(integer(0));
const EXTENTS = ["channels", "height", "width"] as const;

/**
 * The weight of a linear layer that follows a flatten, from PyTorch's order of inputs (channels, rows, columns) to this
 * library's (rows, columns, channels). All other tensors of a PyTorch checkpoint load as they are.
 *
 * @param weight [O, C·H·W]
 * @param image extents of the flattened image
 * @returns a copy of the same shape
 * @throws ShapeError if the extents do not give the number of columns
 * @example
 * state.set("fc1.weight", fromPyTorchFlatten(state.get("fc1.weight"), { channels: 64, height: 4, width: 4 }));
 * lenet5().loadStateDict(state);
 */
export function fromPyTorchFlatten(
  weight: HostArray,
  image: { channels: number; height: number; width: number },
): HostArray {
  const op = "fromPyTorchFlatten";
  check(op, "weight", weight, isHostArray);
  checkOptions<FlatImage>(op, image, { channels: integer(1), height: integer(1), width: integer(1) }, EXTENTS);
  const { channels, height, width } = image;
  const columns = channels * height * width;
  if (weight.shape.length !== 2 || weight.shape[1] !== columns) {
    throw new ShapeError({
      op,
      what: "columns do not match the image",
      expected: `[O,${columns}]`,
      got: shapeText(weight.shape),
    });
  }
  const data = weight.data.slice();
  const pixels = height * width;
  for (let row = 0; row < weight.shape[0]; row++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++)
        data[row * columns + p * channels + c] = weight.data[row * columns + c * pixels + p];
    }
  }
  return { shape: weight.shape, data };
}

/** Extents of a flattened image. */
interface FlatImage {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** What {@link loadPyTorch} did. */
export interface PyTorchReport extends LoadReport {
  /** Keys of the network that were loaded. */
  loaded: string[];
  /**
   * Those of them whose columns were put into this library's order, with the image that is flattened before the layer.
   */
  permuted: { key: string; image: FlatImage }[];
  /**
   * What was taken off the front of all keys: `module.` of a model saved inside DataParallel, `_orig_mod.` of a compiled
   * one, `model.` of one inside Lightning, or several of them; or nothing.
   */
  prefix: string;
}

/**
 * Loads a float state dict with PyTorch's names and layouts into a network, and says what it did. Convolutions, norms
 * and biases load as they are; linear layers behind a flatten of an image or a sequence have their columns permuted, and
 * so have vectors of layer norms over whole images, which the network's own forward tells: it runs once on zeros.
 *
 * @param source arrays by name, as `readSafetensors` and `readNpz` give them
 * @param options `inputShape` of one image, [H,W,C], or sequence, [T,C]; `strict` (default true): missing and extra keys are errors
 * @returns the report; on an error nothing is changed
 * @throws StateError as `loadStateDict`; what the network's forward throws for a wrong `inputShape`
 * @example
 * const report = loadPyTorch(alexnet({ batchNorm: false }), readNpz(bytes), { inputShape: [224, 224, 3] });
 * console.log(report.permuted); // [{ key: "classifier.1.weight", image: { channels: 256, height: 6, width: 6 } }]
 */
export function loadPyTorch(
  net: Module,
  source: ReadonlyMap<string, HostArray>,
  options: { inputShape: Shape; strict?: boolean },
): PyTorchReport {
  const op = "loadPyTorch";
  check(op, "network", net, instanceOf(Module, "a module"));
  const state = stateEntries(op, "state", source) as Map<string, HostArray>;
  checkOptions<typeof options>(op, options, { inputShape: listOf(integer(1)), strict: flag }, ["inputShape"]);
  const keys = [...state.keys()];
  for (const key of keys) check(op, "key", key, text);
  const prefix = wrapperPrefix(keys, new Set(net.stateDict().keys()));
  const arrays = new Map<string, HostArray>([...state].map(([key, array]) => [key.slice(prefix.length), array]));
  const permuted: PyTorchReport["permuted"] = [];
  for (const [key, { image, shape }] of flattened(net, options.inputShape)) {
    const array = arrays.get(key);
    if (shape !== null) {
      // Vectors of a norm over whole images: [C,H,W] there, [H,W,C] here.
      const theirs = shape.length === 3 ? [shape[2], shape[0], shape[1]] : [shape[1], shape[0]];
      if (array === undefined || isHostArray(array) !== null || !sameShape(array.shape, theirs)) continue;
      const row = { shape: [1, array.data.length], data: array.data };
      arrays.set(key, { shape, data: fromPyTorchFlatten(row, image).data });
      permuted.push({ key, image });
      continue;
    }
    // Another number of columns is for loadStateDict to refuse.
    const columns = image.channels * image.height * image.width;
    // So is what is no array.
    if (array === undefined || isHostArray(array) !== null || array.shape.length > 2 || array.shape.at(-1) !== columns)
      continue;
    const rows = { shape: [array.data.length / columns, columns], data: array.data };
    arrays.set(key, { shape: array.shape, data: fromPyTorchFlatten(rows, image).data });
    permuted.push({ key, image });
  }
  const { missing, extra } = net.loadStateDict(arrays, { strict: options.strict });
  const loaded = [...net.stateDict().keys()].filter((key) => arrays.has(key));
  return { loaded, missing, extra, permuted, prefix };
}

/** Keys of a network whose columns PyTorch has in another order, for images of that shape. */
export function flattenedKeys(net: Module, inputShape: Shape): string[] {
  return [...flattened(net, inputShape)].flatMap(([key, { shape }]) => (shape === null ? [key] : []));
}

/** An image whose elements lie in another order; `shape` of what has one for each, null for columns. */
interface Moved {
  readonly image: FlatImage;
  readonly shape: Shape | null;
}

/**
 * Weights of linear layers that read a flattened image of more than one pixel, and the norms between; and vectors of
 * layer norms over whole images: by key.
 */
function flattened(net: Module, inputShape: Shape): Map<string, Moved> {
  return scope(() => {
    const images = new Map<string, Moved>();
    const state = [...net.namedParameters(), ...net.namedBuffers()];
    const keys = new Map(state.map(([key, { data }]) => [data.storage, key]));
    const input = new Tensor(NDArray.zeros([1, ...inputShape]));
    const output = inEvaluation(net, () => noGrad(() => traced(() => net.forward(input))));
    const pending: Variable[] = [output];
    const seen = new Set<Variable>(pending);
    for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
      const { op, inputs } = value.node ?? { op: null, inputs: [] };
      if (op?.name === "linear" || op?.name === "quantLinear") {
        const { image, norms } = imageBehind(inputs[0]);
        for (const { data } of image === null ? [] : [inputs[1], ...norms]) {
          const key = keys.get(data.storage);
          if (key !== undefined) images.set(key, { image: image as FlatImage, shape: null });
        }
      }
      if (op?.name === "layerNorm" && inputs.length > 1 && inputs[1].shape.length === inputs[0].shape.length - 1) {
        const image = imageOf(inputs[0]);
        for (const { data, shape } of image === null ? [] : inputs.slice(1)) {
          const key = keys.get(data.storage);
          if (key !== undefined) images.set(key, { image: image as FlatImage, shape });
        }
      }
      for (const source of inputs) {
        if (!seen.has(source)) pending.push(source);
        seen.add(source);
      }
    }
    return images;
  });
}

/**
 * The image that rows are a flattening of, through ops that keep their shape, to a reshape; and what of those ops has a
 * value for each column.
 */
function imageBehind(rows: Variable): { image: FlatImage | null; norms: readonly Variable[] } {
  const norms: Variable[] = [];
  let value = rows;
  while (value.node !== null && value.node.op.name !== "reshape") {
    const [x, ...constants] = value.node.inputs;
    if (x === undefined || `${x.shape}` !== `${value.shape}`) return { image: null, norms };
    norms.push(...constants.filter(({ shape }) => shape.length === 1 && shape[0] === x.shape.at(-1)));
    value = x;
  }
  const behind = value.node?.inputs[0];
  return { image: behind === undefined || value.shape.length !== 2 ? null : imageOf(behind), norms };
}

/** Ops whose values [N,T,C] are [N,C,T] in PyTorch. */
const OVER_TIME = new Set(["conv1d", "quantConv1d", "maxPool1d", "avgPool1d"]);

/** The image that a value is, of more than one pixel; also a sequence that windows over time have made. */
function imageOf(value: Variable): FlatImage | null {
  const { shape } = value;
  if (shape.length === 4) {
    return shape[1] * shape[2] === 1 ? null : { channels: shape[3], height: shape[1], width: shape[2] };
  }
  if (shape.length !== 3 || shape[1] === 1) return null;
  let made: Variable | undefined = value;
  while (made?.node && made.shape.length === 3 && !OVER_TIME.has(made.node.op.name)) made = made.node.inputs[0];
  return made?.node && OVER_TIME.has(made.node.op.name) ? { channels: shape[2], height: 1, width: shape[1] } : null;
}
