/** @file The C source of a packed model: constants and functions of its nodes, then the function that runs them. */
import { QuantError } from "../../core/errors.js";
import { shapeText, sizeOf } from "../../core/shape.js";
import { macsOf, type PackedModel } from "../../format/model.js";
import { inputsOf, type PlanNode } from "../../format/nodes/index.js";
import { INPUT_ID } from "../../format/plan.js";
import { type ValueType, valueBytes } from "../../format/value.js";
import { type Fusion, fusionOf } from "../../infer/fuse.js";
import { type CLowering, type CSource, indented, SAME } from "./lowering.js";
import { type CJob, type CMemory, type CPlace, placesOf } from "./memory.js";
import { CModule } from "./module.js";
import { C_LOWERINGS } from "./nodes/index.js";
import type { COutput } from "./output.js";
import { residualStep } from "./residual.js";
import { cString, plainText } from "./text.js";

/** What the source needs. */
export interface CSourceFile {
  /** Text; `@` and `@@` stand for the model's prefixes. */
  readonly text: string;
  readonly arenaBytes: number;
  /** Bit planes, beside the arena. */
  readonly planeBytes: number;
  /** Bytes of constants. */
  readonly flashBytes: number;
}

/** A node with its function. */
interface Lowered extends CJob {
  readonly name: string;
  readonly lines: readonly string[];
}

const C_TYPES = { u8: "uint8_t", f32: "float" } as const;

/** @throws QuantError naming the layer if C has no such kind of node */
function loweringOf(node: PlanNode): CLowering<PlanNode> {
  const lowering = Object.hasOwn(C_LOWERINGS, node.op) ? C_LOWERINGS[node.op] : undefined;
  if (lowering !== undefined) return lowering as CLowering<PlanNode>;
  throw new QuantError({
    op: "toC",
    what: `layer ${node.id} cannot be written in C`,
    expected: `one of ${Object.keys(C_LOWERINGS).join(", ")}`,
    got: node.op,
    hint: "toModule and the runtime run it",
  });
}

/** Text that says what a node is: kind, shapes, bits, bytes. */
function commentOf(node: PlanNode, inputs: readonly ValueType[], output: ValueType, model: PackedModel): string {
  const type = ({ dtype, top, shape }: ValueType): string =>
    `${dtype === "u8" ? `codes 0..${top}` : "floats"} ${shapeText(shape)}`;
  const bits = "bits" in node && node.bits !== undefined ? `, weights of ${node.bits} bit(s)` : "";
  const window = "kernel" in node ? `, window ${node.kernel.join("x")}, stride ${node.stride.join("x")}` : "";
  const macs = macsOf(node, model.values);
  const products = macs > 0 ? `, ${macs} multiply-accumulates` : "";
  const text = `${node.id}: ${node.op}${bits}${window}: ${inputs.map(type).join(" + ")} to ${type(output)}${products}`;
  return plainText(text.replaceAll("[", "").replaceAll("]", "").replaceAll(",", ", ").replaceAll("  ", " "));
}

/** What a file is made with. */
interface Making {
  readonly model: PackedModel;
  readonly fusion: Fusion;
  readonly module: CModule;
  /** Id of the layer that gives sums. */
  readonly sums: string | null;
}

/** What a node's lowering is given. */
function partsOf<Node extends PlanNode>({ model, module, sums }: Making, node: Node): CSource<Node> {
  const inputs = inputsOf(node).map((id) => model.values.get(id) as ValueType);
  const output = model.values.get(node.id) as ValueType;
  const data = model.data.get(node.id) ?? {};
  const size = sizeOf(output.shape);
  return { node, inputs, input: inputs[0], output, size, data, module, sums: node.id === sums };
}

function lowerNode(making: Making, node: PlanNode, i: number): Lowered {
  const { model, module, sums } = making;
  const residual = making.fusion.residuals.get(node.id);
  const reads = residual === undefined ? inputsOf(node) : [residual.conv.input, residual.shortcut];
  const inputs = reads.map((id) => model.values.get(id) as ValueType);
  const output = model.values.get(node.id) as ValueType;
  const name = `${String(i + 1).padStart(2, "0")}_${node.id.replace(/[^A-Za-z0-9]+/g, "_").slice(0, 40)}`;
  module.begin(name);
  const step =
    residual === undefined
      ? loweringOf(node)(partsOf(making, node))
      : residualStep(partsOf(making, residual.conv), residual, inputs[1], model.data.get(residual.affine ?? ""));
  const comment = commentOf(residual?.conv ?? node, inputs, output, model);
  const { lines, bytes } = module.end();
  if (step === SAME) return { id: node.id, reads, name, step, lines: [`/* ${comment}: the same memory. */`] };
  const parameters = [
    ...inputs.map(({ dtype }, n) => `const ${C_TYPES[dtype]} *x${n === 0 ? "" : n}`),
    ...(step.patch === undefined ? [] : [`${step.patch.type} *patch`]),
    `${node.id === sums ? "int32_t" : C_TYPES[output.dtype]} *y`,
  ];
  const behind = residual === undefined ? "" : ` Then the sum with the shortcut, and its codes: ${plainText(node.id)}.`;
  const text = [
    `/* ${comment}. ${bytes} bytes of constants, ${valueBytes(output, 1)} of output.${behind} */`,
    ...lines,
    `static void @${name}(${parameters.join(", ")})`,
    "{",
    ...indented(step.body),
    "}",
  ];
  return { id: node.id, reads, name, step, lines: text };
}

/** A pointer to a place. */
function pointer(place: CPlace, type: "uint8_t" | "float", floats: boolean): string {
  if (typeof place === "string") return place;
  const at = type === "float" ? place / 4 : place;
  const arena = floats && type === "uint8_t" ? "(uint8_t *)@arena" : "@arena";
  return at === 0 ? arena : `${arena} + ${at}`;
}

/** The statements that run the nodes. */
function runLines(
  { plan, values }: PackedModel,
  lowered: readonly Lowered[],
  memory: CMemory,
  floats: boolean,
  sums: boolean,
) {
  const index = new Map(lowered.map(({ id }, i) => [id, i]));
  const at = (id: string): string => {
    const place = id === INPUT_ID ? "input" : memory.values[index.get(id) as number];
    return pointer(place, C_TYPES[(values.get(id) as ValueType).dtype], floats);
  };
  const lines = lowered.flatMap(({ id, reads, name, step }, i) => {
    const { dtype, shape } = values.get(id) as ValueType;
    const patch = step === SAME ? undefined : step.patch;
    const workspace = patch === undefined ? [] : [pointer(memory.patches[i], patch.type, floats)];
    const call = step === SAME ? [] : [`@${name}(${[...reads.map(at), ...workspace, at(id)].join(", ")});`];
    // What is written as sums is no value of the layer's.
    if (sums && memory.values[i] === "output") return call;
    const trace = dtype === "u8" ? "@@TRACE" : "@@TRACE_VALUES";
    return [...call, `${trace}(${cString(id)}, ${at(id)}, ${sizeOf(shape)});`];
  });
  if (at(plan.output) !== "input") return lines;
  const { shape } = values.get(plan.output) as ValueType;
  return [...lines, `for (int32_t i = 0; i < ${sizeOf(shape)}; i++) output[i] = input[i];`];
}

const FLOAT_GUARDS = `
/* Each float operation is rounded by itself, as in training: no fused multiply-add, no wider intermediates. */
#include <float.h>
#if defined(__FAST_MATH__)
#error "fast-math changes results: compile without it"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "floats are computed in wider types here: choose others, such as -msse2 -mfpmath=sse"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
#pragma GCC optimize ("fp-contract=off")
#endif
`;

const POPCOUNT = `
/* 1: 1-bit weights are multiplied by counting bits, 32 at once; 0: one by one. The sums are the same. */
#ifndef @@POPCOUNT
#define @@POPCOUNT 1
#endif
/* 1: an instruction counts bits. */
#ifndef @@BUILTIN_POPCOUNT
#if defined(__POPCNT__) || defined(__aarch64__) || defined(__riscv_zbb)
#define @@BUILTIN_POPCOUNT 1
#else
#define @@BUILTIN_POPCOUNT 0
#endif
#endif
`;

const TRACE = `
/* Called behind each layer whose value is codes or floats: define them before this file is included to see all. */
#ifndef @@TRACE
#define @@TRACE(layer, codes, n) ((void)0)
#endif
#ifndef @@TRACE_VALUES
#define @@TRACE_VALUES(layer, values, n) ((void)0)
#endif
`;

/** Index of the largest output. */
function topLines(type: string, count: number): string[] {
  return [
    `int32_t @top1(const ${type} *output)`,
    "{",
    "  int32_t best = 0;",
    `  for (int32_t i = 1; i < ${count}; i++) {`,
    "    if (output[i] > output[best]) best = i;",
    "  }",
    "  return best;",
    "}",
  ];
}

/** Writes the source. @throws QuantError naming the layer that C cannot express */
export function sourceOf(model: PackedModel, output: COutput): CSourceFile {
  const { plan, values } = model;
  const module = new CModule();
  const fusion = fusionOf(plan, values);
  const making: Making = { model, fusion, module, sums: output.sums };
  const lowered = plan.nodes.filter(({ id }) => !fusion.inner.has(id)).map((node, i) => lowerNode(making, node, i));
  const memory = placesOf(model, lowered);
  const asSums = lowered.filter((_, i) => output.sums !== null && memory.values[i] === "output");
  const real = [...values].some(([id, { dtype }]) => dtype === "f32" && !asSums.some((job) => job.id === id));
  const arenaType = real ? "float" : "uint8_t";
  const arenaBytes = Math.ceil(memory.bytes / 4) * 4;
  const run = runLines(model, lowered, memory, real, output.sums !== null);
  const size = sizeOf((values.get(plan.output) as ValueType).shape);
  const planes = module.planeWords > 0;
  const text = [
    "/* Made by coarsegrad from a packed model. */",
    '#include "@@@.h"',
    ...(real ? [FLOAT_GUARDS.trim()] : []),
    ...(planes ? [POPCOUNT.trim()] : []),
    TRACE.trim(),
    ...(arenaBytes > 0
      ? [`/* Values between layers. */`, `static ${arenaType} @arena[@@ARENA_BYTES${real ? " / 4" : ""}];`]
      : []),
    ...(planes
      ? [
          `#if @@POPCOUNT`,
          "/* Bit planes of what one output is computed from. */",
          `static uint32_t @planes[${module.planeWords}];`,
          "#endif",
        ]
      : []),
    "",
    ...module.helperTexts().flatMap((helper) => [helper, ""]),
    ...lowered.flatMap(({ lines }) => [...lines, ""]),
    `void @run(const ${C_TYPES[plan.input.dtype]} *input, ${output.type} *output)`,
    "{",
    ...indented(run),
    "}",
    "",
    ...topLines(output.type, size),
    ...classLines(plan.classes),
    "",
  ].join("\n");
  return { text, arenaBytes, planeBytes: 4 * module.planeWords, flashBytes: module.flashBytes };
}

function classLines(classes: readonly string[] | undefined): string[] {
  if (classes === undefined) return [];
  return [
    "",
    `const char *const @classes[${classes.length}] = {`,
    ...classes.map((name) => `  ${cString(name)},`),
    "};",
  ];
}
