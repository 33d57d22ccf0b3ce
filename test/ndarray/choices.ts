/**
 * @file Which kernels compute a layer, in training and in the packed runtime, as the kernels themselves are called:
 * nothing is computed.
 */
import { sizeOf } from "../../src/core/shape.js";
import type { PlanFloatConv } from "../../src/format/nodes/float-conv.js";
import { type PlanWindow, windowExtents } from "../../src/format/window.js";
import { Constants } from "../../src/infer/constants.js";
import { floatConv } from "../../src/infer/nodes/float-conv.js";
import { type Layer, productOf } from "../../src/infer/product.js";
import type { Step } from "../../src/infer/step.js";
import { init, instrumentKernels, type Kernels, kernelsFor } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/index.js";
import {
  convBackwardInput,
  convBackwardWeight,
  convForward,
  convForwardCodes,
  packWeights,
} from "../../src/ndarray/convolve/conv.js";
import { linearForwardCodes } from "../../src/ndarray/linear.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { type WindowOptions, windowGeometry } from "../../src/ndarray/window.js";

/** A convolution of one image. */
export interface LayerSpec {
  /** [h, w, channels] */
  readonly image: readonly [number, number, number];
  readonly filters: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

/** Weight codes by what `i8_bits` says of them, and some that it says it of. */
const WEIGHTS = {
  binary: { bits: 2, codes: [-1, 1] },
  ternary: { bits: 3, codes: [-1, 0, 1] },
  wide: { bits: 255, codes: [-7, 7] },
} as const;
const TOPS = [15, 255] as const;

/** What prepares operands, or finishes: not what multiplies. */
const BESIDE = /_work$|strided|_pack$|_fill$|dequantize|scale_shift|axpy|expand|contract|i32_to_f32|^i8_bits$|^u8_max$/;

/**
 * The kernels that multiply in `fn`, in order, each once. No kernel computes; `bits` and `top` are what operands are
 * said to hold.
 */
function productsIn(bits: number, top: number, fn: () => void): string {
  const used = new Set<string>();
  const answers: Record<string, number> = { i8_bits: bits, u8_max: top };
  const undo = instrumentKernels(
    (kernels) =>
      Object.fromEntries(
        Object.entries(kernels).map(([name, kernel]) => [
          name,
          name.endsWith("_work")
            ? kernel
            : () => {
                if (!BESIDE.test(name)) used.add(name);
                return answers[name] ?? 0;
              },
        ]),
      ) as unknown as Kernels,
  );
  try {
    scope(() => void fn());
  } finally {
    undo();
  }
  return [...used].join(" ");
}

function windowOf({ kernel, stride = 1, padding = 0, dilation = 1 }: LayerSpec): PlanWindow {
  return {
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding, padding, padding],
    dilation: [dilation, dilation],
  };
}

/** A row of weight codes of a kind: the choice looks at no more. */
function codesOf(kind: keyof typeof WEIGHTS, size: number): Int8Array {
  const { codes } = WEIGHTS[kind];
  const out = new Int8Array(size);
  for (let i = 0; i < size; i++) out[i] = codes[i % codes.length];
  return out;
}

/** Kernels of the runtime's product of codes. */
function runtimeProduct(layer: Layer): string {
  return productsIn(0, 0, () => {
    const constants = new Constants();
    try {
      const product = productOf(layer, constants);
      constants.place();
      const space = constants.ptr;
      product.run(space, space, 0, 0, space, [space, space, space, space]);
    } finally {
      constants.dispose();
    }
  });
}

/** Kernels of the runtime's convolution in f32. */
function runtimeFloat(spec: LayerSpec): string {
  const { image, filters, kernel, groups = 1 } = spec;
  const window = windowOf(spec);
  const input = { shape: image, dtype: "f32", step: null, top: 0 } as const;
  const output = { ...input, shape: [...windowExtents(window, image[0], image[1]), filters] };
  const node = { op: "floatConv", id: "conv", input: "input", out: filters, groups, ...window } as PlanFloatConv;
  return productsIn(0, 0, () => {
    const constants = new Constants();
    const weight = new Float32Array((filters * kernel * kernel * image[2]) / groups);
    const step = floatConv({ node, input, inputs: [input], output, data: { weight }, constants } as never) as Step;
    constants.place();
    const space = constants.ptr;
    step.run(1, [space], space, [space, space, space]);
    constants.dispose();
  });
}

/** Kernels of every way in which a convolution can be asked for. */
export function choicesOf(spec: LayerSpec): Record<string, string> {
  init({ backend: "wasm" });
  void kernelsFor("f32");
  const { image, filters, kernel, stride = 1, padding = 0, dilation = 1, groups = 1 } = spec;
  const options: WindowOptions = { stride, padding, dilation };
  const channels = image[2] / groups;
  const shape = [1, ...image];
  const geometry = windowGeometry("test", shape, [kernel, kernel], options, channels);
  const conv = { geometry, groups };
  const weightShape = [filters, channels, kernel, kernel];
  const choices: Record<string, string> = {};
  const note = (way: string, fn: () => void): void => {
    choices[way] = productsIn(0, 0, fn);
  };
  const real = (): NDArray => NDArray.empty(shape);
  const coded = (): NDArray => NDArray.empty(shape, "u8");
  const packed = (): NDArray => packWeights(NDArray.empty(weightShape));
  const dy = (): NDArray => NDArray.empty([1, geometry.outH, geometry.outW, filters]);
  note("forward", () => convForward(real(), packed(), conv));
  note("forward, fast", () => convForward(real(), packed(), conv, true));
  note("forward, codes by reals", () => convForward(coded(), packed(), conv, true));
  note("gradient for the input", () => convBackwardInput(dy(), packed(), conv));
  note("gradient for the weight", () => convBackwardWeight(real(), dy(), conv));
  note("gradient for the weight, codes", () => convBackwardWeight(coded(), dy(), conv));
  choices["runtime, f32"] = runtimeFloat(spec);
  for (const kind of Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[]) {
    for (const top of TOPS) {
      choices[`${kind} weights, codes to ${top}`] = productsIn(WEIGHTS[kind].bits, top, () =>
        convForwardCodes(coded(), NDArray.empty(weightShape, "i8"), conv),
      );
      const codes = codesOf(kind, sizeOf(weightShape) / filters);
      choices[`runtime, ${kind} weights, codes to ${top}`] = runtimeProduct({
        window: windowOf(spec),
        image,
        groups,
        out: filters,
        codes,
        top,
      });
    }
  }
  return choices;
}

/** The same of a fully connected layer. */
export function linearChoicesOf(features: number, filters: number): Record<string, string> {
  init({ backend: "wasm" });
  const choices: Record<string, string> = {};
  for (const kind of Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[]) {
    for (const top of TOPS) {
      choices[`${kind} weights, codes to ${top}`] = productsIn(WEIGHTS[kind].bits, top, () =>
        linearForwardCodes(NDArray.empty([1, features], "u8"), NDArray.empty([filters, features], "i8")),
      );
      choices[`runtime, ${kind} weights, codes to ${top}`] = runtimeProduct({
        window: windowOf({ image: [1, 1, features], filters, kernel: 1 }),
        image: [1, 1, features],
        groups: 1,
        out: filters,
        codes: codesOf(kind, features),
        top,
      });
    }
  }
  return choices;
}
