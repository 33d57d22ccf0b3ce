/** @file Imported networks: layers by name, and the order in which they run. */
import { add, concat, div, maximum, minimum, mul, pow } from "../autograd/functions.js";
import { Tensor } from "../autograd/tensor.js";
import { check, instanceOf, integer, listOf, record } from "../core/checks.js";
import { isMap } from "../core/containers.js";
import { ShapeError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import type { PackOptions } from "../export/index.js";
import { EXACT_NAMES } from "../nn/members.js";
import { Module } from "../nn/module.js";

/** Two values combined element by element, axes of one element with any extent. */
const COMBINE = { add, mul, div, pow, maximum, minimum };

/** How a step combines two values. */
export type CombineKind = keyof typeof COMBINE;

/** One step: a layer on one value, or values combined. Values are numbered: the input is 0, step k gives k + 1. */
export type Step =
  | { readonly kind: "layer"; readonly key: string; readonly input: number }
  | { readonly kind: CombineKind; readonly inputs: readonly [number, number] }
  | { readonly kind: "concat"; readonly inputs: readonly number[]; readonly axis: number };

/** What an imported network is fed: as `pack` and `exportOnnx` want it. */
export type InputInfo = Required<Pick<PackOptions, "inputShape" | "inputType" | "inputStep">>;

/**
 * A network made from an ONNX file. Its layers are properties named as the file's weights (`layer1.0.conv1`), so
 * `prepare`, `replace`, `stateDict` and `loadStateDict` see them; images are [N,H,W,C] as everywhere in this library.
 *
 * @gradient exact
 */
export class OnnxNetwork extends Module {
  readonly [EXACT_NAMES] = true;
  readonly #steps: readonly Step[];
  readonly #output: number;
  readonly #input: InputInfo;
  readonly #notes: readonly string[];

  /**
   * @param layers by key
   * @param steps in order
   * @param output number of the value that is the result
   * @param notes what of the file is not in the network
   */
  constructor(
    layers: ReadonlyMap<string, Module>,
    steps: readonly Step[],
    output: number,
    input: InputInfo,
    notes: readonly string[] = [],
  ) {
    super();
    check("OnnxNetwork", "layers", layers, (value) => (isMap(value) ? null : "a Map of modules"));
    for (const layer of layers.values()) check("OnnxNetwork", "layer", layer, instanceOf(Module, "a Module"));
    const slot = integer(0, steps?.length);
    check("OnnxNetwork", "steps", steps, listOf(record));
    check("OnnxNetwork", "output", output, slot);
    check("OnnxNetwork", "input", input, record);
    check("OnnxNetwork", "inputShape", input.inputShape, listOf(integer(1)));
    this.#steps = steps;
    this.#output = output;
    this.#input = input;
    this.#notes = [...notes];
    for (const [key, layer] of layers) this.#own[key] = layer;
    this.nameParameters();
  }

  get #own(): Record<string, Module> {
    return this as unknown as Record<string, Module>;
  }
  /** Shape of one input, without the batch: [H,W,C] or [F]. */
  get inputShape(): readonly number[] {
    return this.#input.inputShape;
  }
  /** Shape, type and step of the input, for `pack` and `exportOnnx`. */
  get input(): InputInfo {
    return this.#input;
  }

  /** What of the file was left out, a sentence each: a softmax at the end, if logits were wanted. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  /** @param x [N, …inputShape] @returns the graph's output; images [N,H,W,C] */
  override forward(x: Tensor): Tensor {
    check("OnnxNetwork", "input", x, instanceOf(Tensor, "a Tensor"));
    const { inputShape } = this.#input;
    if (`${x.shape.slice(1)}` !== `${inputShape}`) {
      throw new ShapeError({
        op: "OnnxNetwork",
        what: "input",
        expected: `[N,${inputShape}]`,
        got: shapeText(x.shape),
        hint: "images are channels last",
      });
    }
    const values = [x];
    for (const step of this.#steps) {
      if (step.kind === "layer") values.push(this.#own[step.key].forward(values[step.input]));
      else if (step.kind === "concat") {
        const parts = step.inputs.map((i) => values[i]);
        values.push(concat(parts, step.axis));
      } else values.push(COMBINE[step.kind](values[step.inputs[0]], values[step.inputs[1]]));
    }
    return values[this.#output];
  }
}
