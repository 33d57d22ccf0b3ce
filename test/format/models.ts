/** @file Random packed models for the tests of format and runtime. */
import { weightTop } from "../../src/codes/levels.js";
import type { Thresholds } from "../../src/codes/thresholds.js";
import type { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import { seesPaddingAlone, spanOf } from "../../src/core/slide.js";
import {
  INPUT_ID,
  inputsOf,
  type NodeData,
  type NodeOf,
  type Plan,
  type PlanActivation,
  type PlanNode,
  type PlanWindow,
  patchSize,
  planValues,
  type ValueType,
} from "../../src/format/index.js";
import { PARAMETERS } from "../../src/format/nodes/rare/activation.js";
import { slidingAxis, windowExtents } from "../../src/format/window.js";
import { provideKinds } from "../../src/infer/kinds.js";

provideKinds();

const { fround } = Math;

export interface RandomModel {
  plan: Plan;
  data: Map<string, NodeData>;
}

export function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[rng.int(items.length)];
}

export function randomCodes(rng: Rng, count: number, bits: number): Int8Array {
  const top = weightTop(bits);
  return Int8Array.from({ length: count }, () => (bits === 1 ? 2 * rng.int(2) - 1 : rng.int(2 * top + 1) - top));
}

/** Monotone thresholds around 0, with some jumps. */
export function randomThresholds(rng: Rng, channels: number, top: number, spread: number): Thresholds {
  const values = new Int32Array(channels * top);
  const flip = Uint8Array.from({ length: channels }, () => rng.int(2));
  for (let c = 0; c < channels; c++) {
    let at = -rng.int(spread);
    const gap = rng.int(Math.ceil((2 * spread) / top) + 1);
    for (let k = 0; k < top; k++) {
      values[c * top + k] = flip[c] === 1 ? -at : at;
      at += rng.int(20) === 0 ? rng.int(spread) : gap + rng.int(2);
    }
  }
  return { values, flip, top };
}

const floats = (rng: Rng, length: number, lo = -1, hi = 1): Float32Array =>
  Float32Array.from({ length }, () => rng.range(lo, hi));

export function randomActivation(rng: Rng): PlanActivation {
  return { bits: 1 + rng.int(8), step: fround(rng.range(0.01, 1)), rounding: pick(rng, ["ceil", "nearest"]) };
}

/** A function of one number with its parameters. */
function randomFunction(rng: Rng): Pick<NodeOf<"activation">, "fn" | "alpha" | "beta"> {
  const fn = pick(rng, Object.keys(PARAMETERS) as (keyof typeof PARAMETERS)[]);
  const [alpha, beta] = [fround(rng.range(-1, 0)), fround(rng.range(0, 1))];
  if (fn === "clip") return { fn, ...(rng.bool(0.8) && { alpha }), ...(rng.bool(0.8) && { beta }) };
  return { fn, ...(PARAMETERS[fn][0] > 0 && { alpha }), ...(PARAMETERS[fn][0] > 1 && { beta }) };
}

function windowFor(rng: Rng, [h, w]: readonly number[], pool: boolean): PlanWindow {
  const kernel = [1 + rng.int(Math.min(h, 4)), 1 + rng.int(Math.min(w, 4))] as const;
  const fits = (kernel[0] - 1) * 2 < h && (kernel[1] - 1) * 2 < w;
  const dilation = fits && rng.bool(0.3) ? ([2, 2] as const) : ([1, 1] as const);
  const limits = pool ? [spanOf(kernel[0], dilation[0]) - 1, spanOf(kernel[1], dilation[1]) - 1] : [3, 3];
  const sides = [limits[0], limits[0], limits[1], limits[1]].map((limit) => rng.int(limit + 1));
  const padding = (rng.bool(0.5) ? sides : [0, 0, 0, 0]) as [number, number, number, number];
  const window: PlanWindow = { kernel, stride: [1 + rng.int(3), 1 + rng.int(2)], padding, dilation };
  const [down, across] = windowExtents(window, h, w);
  const empty =
    seesPaddingAlone(slidingAxis(window, 0, h), down) || seesPaddingAlone(slidingAxis(window, 1, w), across);
  return pool && empty ? { ...window, padding: [0, 0, 0, 0] } : window;
}

function sliceFor(rng: Rng, shape: readonly number[]): { start: number[]; step: number[]; count: number[] } {
  const start = shape.map((extent) => rng.int(Math.min(3, extent)));
  const step = shape.map(() => 1 + rng.int(2));
  const count = shape.map((extent, i) => 1 + rng.int(Math.ceil((extent - start[i]) / step[i])));
  return { start, step, count };
}

function sizeFor(rng: Rng, { dtype }: ValueType): Omit<NodeOf<"resize">, "op" | "id" | "input"> {
  const mode = dtype === "u8" ? "nearest" : pick(rng, ["nearest", "linear"] as const);
  const coordinates = pick(rng, ["asymmetric", "half_pixel", "align_corners"] as const);
  const scales = { scaleH: rng.range(0.3, 3), scaleW: rng.range(0.3, 3) };
  return { size: [1 + rng.int(9), 1 + rng.int(9)], mode, coordinates, ...(rng.bool(0.3) && scales) };
}

function normFor(rng: Rng, { shape }: ValueType): Omit<NodeOf<"layerNorm">, "op" | "id" | "input"> {
  const scale = rng.bool(0.7);
  return { axes: 1 + rng.int(shape.length), eps: fround(rng.range(1e-5, 1)), scale, shift: scale && rng.bool(0.7) };
}

/** Sums of at most 256 products: longer ones are made of blocks. */
function transposedFor(rng: Rng, { shape }: ValueType): Omit<NodeOf<"convTranspose">, "op" | "id" | "input"> {
  const channels = shape[2];
  const groups = pick(rng, [1, 1, channels, channels % 2 === 0 ? 2 : 1]);
  const most = (channels / groups) * 9 > 256 ? 1 : 3;
  const two = (n: number) => [1 + rng.int(n), 1 + rng.int(n)] as const;
  const [kernel, stride, dilation] = [two(most), two(3), two(2)];
  const outputPadding = [0, 1].map((axis) => rng.int(Math.max(stride[axis], dilation[axis]))) as [number, number];
  return {
    ...{ kernel, stride, dilation, outputPadding, bias: rng.bool(0.5), out: groups * (1 + rng.int(4)) },
    padding: [rng.int(3), rng.int(3), rng.int(3), rng.int(3)],
    ...(groups > 1 && { groups }),
  };
}

/**
 * Nodes that could follow a value. `earlier` are values that it can be added to, `alike` those that it can be joined
 * with.
 */
function candidates(
  rng: Rng,
  id: string,
  input: string,
  type: ValueType,
  { earlier, alike }: { earlier: readonly string[]; alike: readonly string[] },
): PlanNode[] {
  const bits = 1 + rng.int(8);
  const granularity = pick(rng, ["layer", "channel"] as const);
  const then = rng.bool(0.7) ? { activation: randomActivation(rng) } : { bias: rng.bool(0.5) };
  const out = 1 + rng.int(9);
  const nodes: PlanNode[] = [];
  nodes.push({ op: "slice", id, input, ...sliceFor(rng, type.shape) });
  if (alike.length > 0) nodes.push({ op: "concat", id, inputs: [pick(rng, alike), input, pick(rng, alike)] });
  if (type.shape.length === 3) {
    nodes.push({ op: "flatten", id, input });
    const [h, w, c] = type.shape;
    nodes.push({ op: "flatten", id, input, shape: pick(rng, [[w, h * c], [c, w, h], [h * w * c]]) });
    nodes.push({ op: "resize", id, input, ...sizeFor(rng, type) });
    nodes.push({ op: "padChannels", id, input, channels: [rng.int(3), rng.int(3)] });
    nodes.push({ op: "pad", id, input, padding: [rng.int(3), rng.int(3), rng.int(3), rng.int(3)] });
    nodes.push({ op: "maxPool", id, input, ...windowFor(rng, type.shape, true) });
    nodes.push({ op: "avgPool", id, input, includePad: rng.bool(0.5), ...windowFor(rng, type.shape, true) });
  }
  if (type.dtype === "u8") {
    nodes.push({ op: "dequantize", id, input });
    if (type.shape.length === 3) {
      const groups = pick(rng, [1, 1, type.shape[2]]);
      const conv = { op: "conv", id, input, bits, granularity, groups, ...windowFor(rng, type.shape, false) } as const;
      nodes.push({ ...conv, out: out * groups, ...then }, { ...conv, out: out * groups, ...then });
    } else if (type.shape.length === 1) {
      nodes.push({ op: "linear", id, input, out, bits, granularity, ...then });
    }
  } else {
    nodes.push({ op: "relu", id, input }, { op: "affine", id, input });
    nodes.push({ op: "channel", id, input, fn: pick(rng, ["add", "sub", "mul", "div"]) });
    nodes.push({ op: "staircase", id, input, activation: randomActivation(rng) });
    nodes.push({ op: "activation", id, input, ...randomFunction(rng) });
    nodes.push({ op: "layerNorm", id, input, ...normFor(rng, type) });
    if (type.shape.length === 3) nodes.push({ op: "convTranspose", id, input, ...transposedFor(rng, type) });
    if (earlier.length > 0) nodes.push({ op: pick(rng, ["add", "multiply"]), id, inputs: [input, pick(rng, earlier)] });
    // Longer sums are made of blocks, whose order only the kernel knows.
    if (type.shape.length === 1 && type.shape[0] > 256) return nodes;
    if (type.shape.length === 1)
      nodes.push({ op: "floatLinear", id, input, out, bias: rng.bool(0.5), ...(rng.bool(0.3) && { bits }) });
    else if (type.shape.length === 3) {
      const channels = type.shape[2];
      const groups = pick(rng, [1, 1, channels, channels % 2 === 0 ? 2 : 1]);
      const conv = {
        op: "floatConv",
        id,
        input,
        bias: rng.bool(0.5),
        ...windowFor(rng, type.shape, false),
        ...(rng.bool(0.3) && { bits }),
      } as const;
      if ((conv.kernel[0] * conv.kernel[1] * channels) / groups > 256) return nodes;
      nodes.push({
        ...conv,
        out: groups === 1 ? out : groups * (1 + rng.int(3)),
        ...(rng.bool(0.5) || groups > 1 ? { groups } : {}),
      });
    }
  }
  return nodes;
}

export function randomData(rng: Rng, node: PlanNode, values: ReadonlyMap<string, ValueType>): NodeData | null {
  const input = values.get(inputsOf(node)[0]) as ValueType;
  switch (node.op) {
    case "conv":
    case "linear": {
      const patch = patchSize(node, input);
      const spread = 2 + Math.round(input.top * weightTop(node.bits) * Math.sqrt(patch));
      return {
        codes: randomCodes(rng, node.out * patch, node.bits),
        delta: floats(rng, node.granularity === "channel" ? node.out : 1, 0, 0.1),
        ...(node.activation && { thresholds: randomThresholds(rng, node.out, 2 ** node.activation.bits - 1, spread) }),
        ...(node.bias && { bias: floats(rng, node.out) }),
      };
    }
    case "floatConv":
    case "floatLinear": {
      const window = node.op === "floatConv" ? node.kernel[0] * node.kernel[1] : 1;
      const groups = node.op === "floatConv" ? (node.groups ?? 1) : 1;
      const channels = input.shape[input.shape.length - 1] / groups;
      const count = node.out * channels * window;
      if (node.bits !== undefined) {
        return { codes: randomCodes(rng, count, node.bits), ...(node.bias && { bias: floats(rng, node.out) }) };
      }
      return { weight: floats(rng, count), ...(node.bias && { bias: floats(rng, node.out) }) };
    }
    case "affine": {
      const channels = input.shape[input.shape.length - 1];
      return { scale: floats(rng, channels), shift: floats(rng, channels) };
    }
    case "layerNorm": {
      const size = sizeOf(input.shape.slice(-node.axes));
      if (!node.scale) return null;
      return {
        scale: floats(rng, size),
        ...(node.shift && { shift: floats(rng, size) }),
      };
    }
    case "convTranspose": {
      const count = (input.shape[2] * node.out * node.kernel[0] * node.kernel[1]) / (node.groups ?? 1);
      return { weight: floats(rng, count), ...(node.bias && { bias: floats(rng, node.out) }) };
    }
    case "activation":
      return node.fn === "prelu" ? { value: floats(rng, input.shape[input.shape.length - 1]) } : null;
    case "channel":
      return { value: floats(rng, input.shape[input.shape.length - 1], 0.5, 2) };
    default:
      return null;
  }
}

function inputType({ shape, dtype, step }: Plan["input"]): ValueType {
  return { shape, dtype, step: step ?? null, top: dtype === "u8" ? 255 : 0 };
}

/** A chain of up to `depth` nodes over a small image, with now and then a sum of two values. */
export function randomModel(rng: Rng, depth = 7): RandomModel {
  const shape = rng.bool(0.8) ? [1 + rng.int(9), 1 + rng.int(9), 1 + rng.int(5)] : [1 + rng.int(40)];
  const input = rng.bool(0.9)
    ? { shape, dtype: "u8" as const, step: fround(1 / 255) }
    : { shape, dtype: "f32" as const };
  const nodes: PlanNode[] = [];
  const data = new Map<string, NodeData>();
  const plan = { input, nodes };
  const count = 1 + rng.int(depth);
  for (let tries = 0; nodes.length < count && tries < 50; tries++) {
    const last = nodes.length === 0 ? INPUT_ID : nodes[nodes.length - 1].id;
    const before = nodes.length === 0 ? new Map<string, ValueType>() : planValues({ ...plan, output: last }, "test");
    const type = before.get(last) ?? inputType(input);
    const same = [...before].filter(
      ([id, other]) => id !== INPUT_ID && other.dtype === "f32" && `${other.shape}` === `${type.shape}`,
    );
    const alike = [...before]
      .filter(
        ([, other]) =>
          other.dtype === type.dtype &&
          other.step === type.step &&
          `${other.shape.slice(0, -1)}` === `${type.shape.slice(0, -1)}`,
      )
      .map(([id]) => id);
    const node = pick(
      rng,
      candidates(rng, `node${nodes.length}`, last, type, { earlier: same.map(([id]) => id), alike }),
    );
    nodes.push(node);
    try {
      const values = planValues({ ...plan, output: node.id }, "test");
      if (sizeOf((values.get(node.id) as ValueType).shape) > 4000) throw new Error("too large for a test");
      const tensors = randomData(rng, node, values);
      if (tensors !== null) data.set(node.id, tensors);
    } catch {
      nodes.pop();
    }
  }
  if (nodes.length === 0) return randomModel(rng, depth);
  return { plan: { ...plan, output: nodes[nodes.length - 1].id }, data };
}
