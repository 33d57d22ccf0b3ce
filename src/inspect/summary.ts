/** @file A network as a table: layers with shapes, parameters, widths, multiply-accumulates and bytes. */
import { Tensor } from "../autograd/tensor.js";
import { bitOperations, type MacSummary, macsByBits } from "../codes/macs.js";
import { above, checkOptions, integer, list, listOf, oneOf, refuse } from "../core/checks.js";
import { INSPECT } from "../core/inspect.js";
import { bytes as bytesText, count } from "../core/quantities.js";
import { type Shape, shapeText } from "../core/shape.js";
import { fields, table } from "../core/table.js";
import { scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { membersOf } from "../nn/members.js";
import { kindOfModule, type Module } from "../nn/module.js";
import { Parameter } from "../nn/parameter.js";
import { layerReport } from "../quant/report.js";
import { type Call, checkNetwork, recordCalls } from "./calls.js";
import { productsOf } from "./products.js";

/** An input of one example: its shape without the batch, or that with a type. */
export type InputSpec =
  | Shape
  | {
      readonly shape: Shape;
      /** @default "f32" */
      readonly dtype?: "f32" | "f64" | "i32" | "u8";
      /** Value of code 1, for u8: the input is coded, as pixels are. */
      readonly step?: number;
    };

/** One layer of a {@link NetworkSummary}; figures are for one example. */
export interface SummaryRow {
  /** Dotted path; empty for the network itself. */
  readonly name: string;
  /** Name of its class. */
  readonly kind: string;
  /** Without the batch; null if it was never called. Of several calls, the last. */
  readonly outputShape: Shape | null;
  /** Trained values of its own; those that an earlier layer shares are counted there. */
  readonly parameters: number;
  /** Width of its weights: 1…8, 32 for float, null for layers that multiply by no weights. */
  readonly weightBits: number | null;
  /** Width of what it reads: of a layer that multiplies, else null. For a staircase, the width that it gives. */
  readonly activationBits: number | null;
  /** Multiply-accumulates of all its calls. */
  readonly macs: number;
  /** Its parameters as f32. */
  readonly floatBytes: number;
  /** The same at the widths of the weights, as `quantReport` counts them: codes, steps and biases. */
  readonly packedBytes: number;
}

/** Layers of a network in the order in which they are called, and totals; prints as a table. */
export class NetworkSummary {
  /** One row for each layer. */
  readonly layers: readonly SummaryRow[];
  /** Shape of each input, without the batch. */
  readonly inputShapes: readonly Shape[];
  /** Shape of the output, without the batch. */
  readonly outputShape: Shape;
  /** Number of parameters. */
  readonly parameters: number;
  /** Of them, those that are trained and not frozen. */
  readonly trainable: number;
  /** Multiply-accumulates for one example. */
  readonly macs: number;
  /** The same by widths of weights and activations. */
  readonly macsByBits: readonly MacSummary[];
  /** Σ macs·W·A. */
  readonly bitOperations: number;
  /** Bytes of all parameters as float32. */
  readonly floatBytes: number;
  /** The same at the widths of the layers, and all else as float32. */
  readonly packedBytes: number;
  readonly #kind: string;

  constructor(
    net: Module,
    layers: readonly SummaryRow[],
    shapes: { readonly inputs: readonly Shape[]; readonly output: Shape },
    products: readonly MacSummary[],
  ) {
    const total = (of: (row: SummaryRow) => number): number => layers.reduce((sum, row) => sum + of(row), 0);
    this.#kind = kindOfModule(net);
    this.layers = layers;
    this.inputShapes = shapes.inputs;
    this.outputShape = shapes.output;
    this.parameters = total((row) => row.parameters);
    this.trainable = net.parameters().reduce((sum, { size, requiresGrad }) => sum + (requiresGrad ? size : 0), 0);
    this.macs = total((row) => row.macs);
    this.macsByBits = macsByBits(products);
    this.bitOperations = bitOperations(this.macsByBits);
    this.floatBytes = total((row) => row.floatBytes);
    this.packedBytes = total((row) => row.packedBytes);
  }

  /** The table, and totals below. */
  toString(): string {
    const width = (bits: number): string => (bits === 32 ? "float" : `${bits}`);
    const some = (value: number): string => (value === 0 ? "" : count(value));
    const right = true;
    const rows = this.layers.map((row) => [
      row.name,
      row.kind,
      row.outputShape === null ? "not called" : shapeText(row.outputShape),
      some(row.parameters),
      row.weightBits === null ? "" : width(row.weightBits),
      row.activationBits === null ? "" : width(row.activationBits),
      some(row.macs),
      some(row.floatBytes),
      some(row.packedBytes),
    ]);
    const { parameters, macs, floatBytes, packedBytes } = this;
    return [
      `${this.#kind}: ${this.inputShapes.map(shapeText).join(" and ")} → ${shapeText(this.outputShape)}`,
      "",
      table(
        [
          { head: "layer" },
          { head: "kind" },
          { head: "output" },
          { head: "parameters", right },
          { head: "W", right },
          { head: "A", right },
          { head: "MACs", right },
          { head: "float bytes", right },
          { head: "packed bytes", right },
        ],
        rows,
        [["total", "", "", count(parameters), "", "", count(macs), count(floatBytes), count(packedBytes)]],
      ),
      "",
      fields([
        ...this.macsByBits.map(
          ({ weightBits, activationBits, macs: some }) =>
            [`MACs, ${width(weightBits)} × ${width(activationBits)}`, count(some)] as const,
        ),
        ["bit operations", count(this.bitOperations)],
        ["trained", `${count(this.trainable)} of ${count(parameters)} parameters`],
        ["bytes", `${bytesText(packedBytes)} for ${bytesText(floatBytes)} as float32`],
      ]),
    ].join("\n");
  }
  [INSPECT](): string {
    return this.toString();
  }
}

/** More than one example, so that the batch axis can be told from others. */
const EXAMPLES = 2;

function specsOf(inputs: InputSpec | readonly InputSpec[]): Exclude<InputSpec, Shape>[] {
  const isShape = (value: unknown): value is Shape =>
    Array.isArray(value) && (value.length === 0 || typeof value[0] === "number");
  const several = list(inputs) === null && !isShape(inputs) ? (inputs as readonly InputSpec[]) : [inputs as InputSpec];
  return several.map((input, i) => {
    const spec = isShape(input) ? { shape: input } : (input as Exclude<InputSpec, Shape>);
    const op = several.length > 1 ? `summary: input ${i}` : "summary";
    checkOptions<Exclude<InputSpec, Shape>>(
      op,
      spec,
      { shape: listOf(integer(1)), dtype: oneOf("f32", "f64", "i32", "u8"), step: above(0) },
      ["shape"],
    );
    if (spec.step !== undefined && spec.dtype !== "u8") refuse(op, "step", 'none without dtype: "u8"', spec.step);
    return spec;
  });
}

/** Extents without the batch, where the first one is the batch's. */
function ofOne(shape: Shape): Shape {
  return shape[0] === EXAMPLES ? shape.slice(1) : shape.slice();
}

/**
 * What a network holds and costs, layer by layer. It runs once on zeros in evaluation mode, and is not changed.
 *
 * MACs: every number of a convolution's, a linear layer's or a matrix product's result counts what it sums,
 * C/groups·Kh·Kw or `in`; padding counts. Layers are modules that hold parameters, multiply, or hold no other modules;
 * what is called as a function shows in the layer that calls it. Bytes of the packed file itself: `summarize` of
 * `coarsegrad/export`.
 *
 * @param inputs shape of one example without the batch ([H,W,C], [F]), `{ shape, dtype, step }`, or a list of these for
 *   a network of several inputs
 * @returns rows and totals for one example; `console.log` prints them as a table
 * @throws ArgumentError on bad inputs; whatever the network's `forward` throws at such inputs; QuantError if a quantized
 *   weight is not finite
 * @example
 * console.log(summary(net, [28, 28, 1]));
 */
export function summary(net: Module, inputs: InputSpec | readonly InputSpec[]): NetworkSummary {
  checkNetwork("summary", net);
  const specs = specsOf(inputs);
  return scope(() => {
    const samples = specs.map(({ shape, dtype = "f32", step }) => {
      const sample = NDArray.empty([EXAMPLES, ...shape], dtype, step === undefined ? null : Math.fround(step));
      sample.view().fill(0);
      return new Tensor(sample);
    });
    const { begun, ended } = recordCalls("summary", net, samples);
    const products = productsOf(ended);
    const calls = new Map<string, Call[]>();
    for (const call of begun) calls.set(call.path, [...(calls.get(call.path) ?? []), call]);
    const order = new Set([...calls.keys(), ...net.namedModules().keys()]);
    const shared = new Set<Parameter>();
    const all: MacSummary[] = [];
    const rows = [...order].flatMap((path): SummaryRow[] => {
      const row = rowOf(path, net.get(path), calls.get(path) ?? [], products, shared);
      if (row === null) return [];
      all.push(...row.products);
      return [row.row];
    });
    const output = ended[ended.length - 1].output.shape;
    const shapes = { inputs: specs.map(({ shape }) => shape.slice()), output: ofOne(output) };
    return new NetworkSummary(net, rows, shapes, all);
  });
}

function rowOf(
  name: string,
  module: Module,
  calls: readonly Call[],
  products: ReturnType<typeof productsOf>,
  shared: Set<Parameter>,
): { row: SummaryRow; products: readonly MacSummary[] } | null {
  const members = membersOf(module);
  let [parameters, again] = [0, 0];
  for (const { value } of members) {
    if (!(value instanceof Parameter)) continue;
    if (shared.has(value)) again++;
    else parameters += value.size;
    shared.add(value);
  }
  const own = calls
    .flatMap((call) => products.get(call) ?? [])
    .map((product) => ({ ...product, macs: product.macs / EXAMPLES }));
  const isLeaf = module.children().length === 0;
  if (parameters === 0 && own.length === 0 && !isLeaf) return null;
  const report = layerReport(name, module);
  const last = calls[calls.length - 1];
  const row: SummaryRow = {
    name,
    kind: kindOfModule(module),
    outputShape: last === undefined ? null : ofOne(last.output.shape),
    parameters,
    weightBits: own[0]?.weightBits ?? report?.weightBits ?? null,
    activationBits: own[0]?.activationBits ?? (report?.quantized ? report.activationBits : null),
    macs: own.reduce((sum, { macs }) => sum + macs, 0),
    floatBytes: 4 * parameters,
    packedBytes: again > 0 ? 4 * parameters : (report?.bytes ?? 4 * parameters),
  };
  return { row, products: own };
}
