/** @file Import of activations: operators of one value, and those that other exporters write as several. */

import type { Module } from "../nn/module.js";
import { ELU, GELU, Hardsigmoid, Hardswish, LeakyReLU, PReLU, SELU, SiLU } from "../nn/pointwise.js";
import type { GraphNode } from "./graph.js";
import { perChannel } from "./import-arithmetic.js";
import { importUnary } from "./import-layers.js";
import type { Importing } from "./importing.js";
import { type Product, Reading } from "./reading.js";

export const importLeakyRelu = importUnary(({ attributes }) => {
  const alpha = attributes.float("alpha", 0.01);
  return () => new LeakyReLU(alpha);
});
export const importElu = importUnary(({ attributes }) => {
  const alpha = attributes.float("alpha", 1);
  return () => new ELU(alpha);
});
export const importSelu = importUnary(({ attributes }) => {
  const alpha = attributes.float("alpha", 1.6732631921768188);
  const gamma = attributes.float("gamma", 1.0507010221481323);
  return () => new SELU(alpha, gamma);
});
export const importHardSigmoid = importUnary(({ attributes }) => {
  const alpha = attributes.float("alpha", 0.2);
  const beta = attributes.float("beta", 0.5);
  return () => new Hardsigmoid(alpha, beta);
});
export const importHardSwish = importUnary(() => () => new Hardswish());
export const importGelu = importUnary((node, importing) => {
  const given = node.attributes.text("approximate", "none");
  const approximate = (["none", "tanh"] as const).find((name) => name === given);
  if (approximate === undefined) return importing.refuse(node, "attribute approximate", "none or tanh", given);
  return () => new GELU({ approximate });
});

/** A rectifier with constant slopes, one or one per channel, which become its weight. */
export function importPRelu(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const x = importing.input(node);
  const slopes = perChannel(node, importing, 1, x);
  importing.layer(node, importing.keyOf(node, importing.constant(node, 1)), x.slot, { ...x }, () => {
    const layer = new PReLU(slopes.length);
    layer.weight.set(slopes);
    return layer;
  });
}

/** Several nodes that are one activation of a value. */
export interface Pattern {
  /** Name of the value. */
  readonly x: string;
  make(): Module;
}

const near = (value: number | undefined, wanted: number): boolean =>
  value !== undefined && Math.abs(value - wanted) <= 1e-4 * wanted;

/**
 * Activations that a graph writes as several nodes: x·σ(x), x·hardSigmoid(x), and GELU by Erf or Tanh.
 * @returns by the last node of each; those before it are done
 */
export function activationPatterns(importing: Importing): Map<GraphNode, Pattern> {
  const found = new Map<GraphNode, Pattern>();
  const reading = new Reading(importing);
  for (const node of importing.graph.nodes) {
    if (node.op !== "Mul" && node.op !== "Div") continue;
    const product = reading.productOf(node);
    const match = product && patternOf(product, reading);
    if (!match) continue;
    found.set(node, match);
    for (const inner of [...product.nodes, ...match.nodes]) if (inner !== node) importing.done.add(inner);
  }
  return found;
}

/** Adds the layer of a pattern. */
export function importPattern(node: GraphNode, importing: Importing, { x, make }: Pattern): void {
  const value = importing.value(x) ?? importing.refuse(node, "input", "a computed value", `"${x}"`);
  importing.layer(node, importing.keyOfPath(node), value.slot, { ...value }, make);
}

type Match = Pattern & { readonly nodes: readonly GraphNode[] };

function patternOf(product: Product, reading: Reading): Match | null {
  const { factor, names } = product;
  if (names.length !== 2) return null;
  for (const [x, other] of [names, [names[1], names[0]]]) {
    const last = reading.inner(other);
    if (last === undefined) continue;
    if (near(factor, 1) && last.op === "Sigmoid" && last.inputs[0] === x) {
      return { x, make: () => new SiLU(), nodes: [last] };
    }
    const hard = hardSigmoid(last, factor, x, reading);
    if (hard !== null) return { x, make: () => new Hardswish(), nodes: hard };
    const bell = near(factor, 0.5) ? onePlus(last, x, reading) : null;
    if (bell !== null) return { x, make: () => new GELU({ approximate: bell.approximate }), nodes: bell.nodes };
  }
  return null;
}

/** Nodes of min(max(x + 3, 0), 6), with 1/6 in the factor, or of HardSigmoid(x) with those numbers; else null. */
function hardSigmoid(last: GraphNode, factor: number, x: string, reading: Reading): GraphNode[] | null {
  if (last.op === "HardSigmoid" && last.inputs[0] === x) {
    const [alpha, beta] = [reading.float(last, "alpha", 0.2), reading.float(last, "beta", 0.5)];
    return near(alpha, 1 / 6) && near(beta, 0.5) && near(factor, 1) ? [last] : null;
  }
  if (last.op !== "Clip" || !near(factor, 1 / 6)) return null;
  const [lo, hi] = reading.bounds(last);
  const shifted = reading.inner(last.inputs[0]);
  if (lo !== 0 || hi !== 6 || shifted === undefined || !near(reading.addedTo(shifted, x), 3)) return null;
  return [last, shifted];
}

interface Bell {
  readonly approximate: "none" | "tanh";
  readonly nodes: readonly GraphNode[];
}

/** Nodes of 1 + erf(x/√2), or of 1 + tanh(√(2/π)(x + 0.044715x³)); else null. */
function onePlus(sum: GraphNode, x: string, reading: Reading): Bell | null {
  const name = sum.inputs.find((input) => reading.number(input) === undefined);
  const fn = name === undefined ? undefined : reading.inner(name);
  if (name === undefined || fn === undefined || !near(reading.addedTo(sum, name), 1)) return null;
  const scaled = reading.inner(fn.inputs[0]);
  const inside = scaled ? reading.productOf(scaled) : null;
  if (inside?.names.length !== 1) return null;
  const nodes = [sum, fn, ...inside.nodes];
  const [name1] = inside.names;
  if (fn.op === "Erf") return near(inside.factor, Math.SQRT1_2) && name1 === x ? { approximate: "none", nodes } : null;
  if (fn.op !== "Tanh" || !near(inside.factor, 0.7978845608028654)) return null;
  const cubic = reading.inner(name1);
  if (cubic?.op !== "Add" || !cubic.inputs.includes(x)) return null;
  const cube = reading.inner(cubic.inputs[cubic.inputs[0] === x ? 1 : 0]);
  const power = cube && reading.productOf(cube);
  const whole = power && near(power.factor, 0.044715) && power.names.length === 3 && power.names.every((n) => n === x);
  return whole ? { approximate: "tanh", nodes: [...nodes, cubic, ...power.nodes] } : null;
}
